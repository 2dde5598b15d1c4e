"""What is collected is read from what is stored."""

from __future__ import annotations

import pytest

from tocsin.engine.heard_switches import heard_switches
from tocsin.store.sealing import slug_of


@pytest.mark.parametrize(
    ("kinds", "switches"),
    [
        ({}, ()),
        ({"Security/4624": ()}, ("windows-default",)),
        ({"Security/4688": ("NewProcessName",)}, ("windows-process",)),
        ({"Security/4688": ("NewProcessName", "CommandLine")}, ("windows-process", "windows-cmdline")),
        ({"Microsoft-Windows-Sysmon/Operational/1": ()}, ("windows-sysmon",)),
        ({"syslog/sshd": (), "syslog/something": ()}, ("linux-auth",)),
        ({"m365/AzureActiveDirectory": (), "cloudtrail/iam": ()}, ("m365-audit", "aws")),
        ({"json": (), "made/up": ()}, ()),
    ],
)
def test_what_is_stored_says_what_is_on(kinds, switches) -> None:
    assert heard_switches({slug_of(kind): columns for kind, columns in kinds.items()}) == switches
