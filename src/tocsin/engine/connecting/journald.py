"""This host's journal, where there is no rsyslog: a small service of systemd writes it as JSON lines, which are followed.

It asks journalctl each two seconds for what is new (`--cursor-file`), into a file an hour, and keeps them two days. An
entry may come twice where the power goes between the lines and the cursor; none is lost while the journal keeps it.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.config.service import Service
from tocsin.engine.connecting.connection import (
    MARK,
    CommandStep,
    Connection,
    FileStep,
    Sought,
    Trial,
    new_nonce,
)
from tocsin.engine.connecting.host import name_of_user
from tocsin.engine.connecting.sending import to_syslog_socket
from tocsin.engine.connecting.settings_lines import listed
from tocsin.records.errors import OperatorError

NAME: Final = "journald"
GIVES: Final = "Log-ins, sudo, services and the kernel of this host, as its journal tells them."
UNIT: Final = Path("/etc/systemd/system/tocsin-journal.service")
LINES: Final = "/var/log/tocsin-journal/*.json"
SOCKET: Final = Path("/run/systemd/journal/dev-log")
SCRIPT: Final = (
    "while :; do "
    "[ -s .cursor ] && since= || since=--boot; "
    'journalctl --quiet --output=json --cursor-file=.cursor $since >> "journal-$(date +%Y%m%d%H).json" || sleep 10; '
    'find . -name "journal-*.json" -mmin +2880 -delete; '
    "sleep 2; "
    "done"
)
"""What the unit runs, in sh, in a folder of its own."""

_UNIT: Final = """\
# {mark} journald; `tocsin connect journald --undo` removes it.
[Unit]
Description=The journal as lines that Tocsin follows
After=systemd-journald.service

[Service]
User={user}
SupplementaryGroups=systemd-journal
LogsDirectory=tocsin-journal
LogsDirectoryMode=0700
WorkingDirectory=/var/log/tocsin-journal
UMask=0077
ExecStart=/bin/sh -c '{script}'
Restart=always
RestartSec=5
MemoryMax=256M
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateNetwork=yes
CapabilityBoundingSet=

[Install]
WantedBy=multi-user.target
"""


def unit_text(user: str) -> str:
    """The unit, run as `user`; what systemd would fill in is escaped (systemd.service(5), "Command lines")."""
    return _UNIT.format(mark=MARK, user=user, script=SCRIPT.replace("%", "%%").replace("$", "$$"))


def journald(service: Service) -> Connection:
    """This host's journal.

    Raises:
        OperatorError: systemd does not run here, or the service has no data folder yet.
    """
    if not SOCKET.parent.is_dir():
        raise OperatorError("There is no journal on this host.", "Use `tocsin connect rsyslog`.")
    nonce = new_nonce()
    steps = (
        listed(service, "files", "paths", LINES, there=LINES in service.files.paths),
        FileStep(
            UNIT, unit_text(_user(service)), "It writes what is new in the journal to files for Tocsin."
        ),
        CommandStep(("systemctl", "daemon-reload"), "Lets systemd see it.", root=True, after_undo=True),
        CommandStep(
            ("systemctl", "enable", "--now", UNIT.name),
            "Starts it, now and with the host.",
            root=True,
            undo=("systemctl", "disable", "--now", UNIT.name),
        ),
    )
    trial = Trial(
        Sought(nonce=nonce),
        f"the line {nonce}, written to the journal ({SOCKET}) as logger(1) does.",
        partial(to_syslog_socket, SOCKET, nonce),
        bounds.CONNECT_SECONDS if os.geteuid() == 0 else bounds.CONNECT_BY_HAND_SECONDS,
    )
    checks = (
        f"Does {UNIT.stem} run? systemctl status {UNIT.stem}",
        "Do the files in /var/log/tocsin-journal grow? sudo ls -l /var/log/tocsin-journal",
        "Does the service run as the user whom the unit names?",
    )
    return Connection(NAME, GIVES, steps, trial, checks)


def _user(service: Service) -> str:
    """Whose the data folder is: the service runs as that user, and must read the files."""
    try:
        owner = service.data.stat().st_uid
    except OSError as error:
        raise OperatorError(
            f"The data folder {service.data} cannot be looked at: {error.strerror}.",
            "Run `tocsin init` first, and this as the service's user or as root.",
        ) from error
    return name_of_user(owner)
