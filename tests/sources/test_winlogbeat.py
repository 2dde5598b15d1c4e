"""winlogbeat with and without its modules."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sources.reads import draft


def shipped(channel: str, number: str, **more: Any) -> dict[str, Any]:
    winlog = {"channel": channel, "event_id": number, "computer_name": "WS-1", **more.pop("winlog", {})}
    return {"@timestamp": "2026-03-01T08:00:00.000Z", "winlog": winlog, **more}


def test_event_data_named_like_a_system_field_is_kept_beside_it() -> None:
    """Which log was cleared is told by a Channel of the event's own."""
    data = {"xml_name": "LogFileCleared", "Channel": "Application", "SubjectUserName": "anna"}
    found, name = draft(shipped("System", "104", winlog={"user_data": data}))
    assert (name, found.fields["Channel"], found.fields["UserData.Channel"]) == (
        "winlogbeat",
        "System",
        "Application",
    )
    assert "xml_name" not in found.fields


def test_what_the_sysmon_module_moved_is_put_back() -> None:
    record = shipped(
        "Microsoft-Windows-Sysmon/Operational",
        "1",
        winlog={"event_data": {"IntegrityLevel": "High"}},
        process={
            "executable": "C:\\Windows\\System32\\cmd.exe",
            "command_line": "cmd /c whoami",
            "pid": 55,
            "parent": {"executable": "C:\\w.exe", "command_line": "w", "pid": 4},
            "pe": {"original_file_name": "Cmd.Exe"},
        },
        user={"name": "anna", "domain": "TOWN"},
    )
    fields = draft(record)[0].fields
    assert fields["Image"] == "C:\\Windows\\System32\\cmd.exe"
    assert (fields["CommandLine"], fields["ParentCommandLine"]) == ("cmd /c whoami", "w")
    assert (fields["ParentImage"], fields["ProcessId"]) == ("C:\\w.exe", "55")
    assert (fields["OriginalFileName"], fields["User"]) == ("Cmd.Exe", "TOWN\\anna")


@pytest.mark.parametrize(
    ("number", "ecs", "field", "value"),
    [
        ("3", {"destination": {"ip": "192.0.2.1", "port": 443}}, "DestinationPort", "443"),
        ("7", {"file": {"path": "C:\\a.dll"}}, "ImageLoaded", "C:\\a.dll"),
        ("10", {"process": {"executable": "C:\\a.exe"}}, "SourceImage", "C:\\a.exe"),
        ("11", {"file": {"path": "C:\\a.ps1"}}, "TargetFilename", "C:\\a.ps1"),
        ("22", {"dns": {"question": {"name": "a.example"}}}, "QueryName", "a.example"),
    ],
)
def test_other_moved_fields(number: str, ecs: dict[str, Any], field: str, value: str) -> None:
    assert draft(shipped("Microsoft-Windows-Sysmon/Operational", number, **ecs))[0].fields[field] == value


def test_what_was_not_moved_counts() -> None:
    record = shipped(
        "Security",
        "4688",
        winlog={"event_data": {"NewProcessName": "C:\\native.exe"}},
        process={"executable": "C:\\other.exe", "command_line": "x"},
    )
    fields = draft(record)[0].fields
    assert (fields["NewProcessName"], fields["Image"]) == ("C:\\native.exe", "C:\\native.exe")
    assert fields["CommandLine"] == "x"
