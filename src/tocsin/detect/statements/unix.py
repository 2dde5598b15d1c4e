"""What Linux logs state: sshd, sudo, su, account tools, cron (syslog or journald) and auditd.

A line is believed only from the program whose line it is: the words of sshd in a web application's log are quoted, not
taken for a log-on. Names in a message may hold spaces and the words of the message itself (`Failed password for invalid
user root from 192.0.2.1 from …`), so expressions bind to the last match and to the line's end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from tocsin.detect.statements.shapes import Shape, claim_of, pick, text_of
from tocsin.records.event import Event
from tocsin.records.finding import Claim

MESSAGE: Final = ("message", "msg", "MESSAGE", "Message")
PROGRAM: Final = (
    "program", "process", "appname", "app_name", "app-name", "ident", "tag", "SYSLOG_IDENTIFIER", "_COMM",
)  # fmt: skip
_LINE_CHARS: Final = 4_096
"""A message longer than this is quoted, not matched: no such line of these programs exists."""


class Line(NamedTuple):
    """Lines of `programs` that match `pattern` make a claim of `type`; groups are its values."""

    programs: tuple[str, ...]
    type: str
    pattern: re.Pattern[str]
    fixed: tuple[tuple[str, str], ...] = ()


_END = r"(?: ssh2)?(?::.*)?(?: \[preauth\])?$"
_SSHD = ("sshd", "sshd-session")
LINES: Final[tuple[Line, ...]] = (
    Line(
        _SSHD,
        "logon_succeeded",
        re.compile(r"^Accepted (?P<method>\S+) for (?P<user>.+) from (?P<address>\S+) port \d+" + _END),
        (("service", "SSH"),),
    ),
    Line(
        _SSHD,
        "logon_failed",
        re.compile(
            r"^Failed (?P<method>\S+) for (?P<reason>invalid user )?(?P<user>.+) from (?P<address>\S+) port \d+"
            + _END
        ),
        (("service", "SSH"),),
    ),
    Line(
        _SSHD,
        "logon_failed",
        re.compile(r"^Invalid user (?P<user>.+) from (?P<address>\S+)(?: port \d+)?$"),
        (("service", "SSH"), ("reason", "no such user")),
    ),
    Line(
        (*_SSHD, "login", "vsftpd", "dovecot", "su", "sudo", "gdm-password", "lightdm"),
        "logon_failed",
        re.compile(
            r"^pam_\w+\((?P<service>[\w-]+):auth\): authentication failure;.* rhost=(?P<address>\S*)\s+user=(?P<user>\S+)$"
        ),
    ),
    Line(
        ("sudo",),
        "privilege_used",
        re.compile(
            r"^\s*(?P<user>[^\s:]+) : (?:(?P<reason>[^;=]+?) ; )?TTY=[^;]* ; PWD=[^;]* ; USER=(?P<as_user>[^;]+) ; "
            r"(?:ENV=.* ; )?COMMAND=(?P<command>.+)$"
        ),
    ),
    Line(
        ("su",),
        "privilege_used",
        re.compile(r"^\(to (?P<as_user>\S+)\) (?P<user>\S+) on \S+$"),
        (("command", "su"),),
    ),
    Line(
        ("useradd", "adduser"),
        "account_changed",
        re.compile(r"^new user: name=(?P<target>[^,\s]+)"),
        (("action", "created"),),
    ),
    Line(
        ("userdel",),
        "account_changed",
        re.compile(r"^delete user '(?P<target>[^']+)'"),
        (("action", "deleted"),),
    ),
    Line(
        ("usermod", "useradd", "gpasswd", "groupadd"),
        "account_changed",
        re.compile(r"^add '(?P<target>[^']+)' to group '(?P<group>[^']+)'"),
        (("action", "added to a group"),),
    ),
    Line(
        ("gpasswd",),
        "account_changed",
        re.compile(r"^user (?P<target>\S+) added by (?P<user>\S+) to group (?P<group>\S+)$"),
        (("action", "added to a group"),),
    ),
    Line(
        ("passwd", "chpasswd"),
        "account_changed",
        re.compile(r"^pam_unix\(\w+:chauthtok\): password changed for (?P<target>\S+)$"),
        (("action", "given a new password"),),
    ),
    Line(
        ("cron", "crond", "crontab", "/usr/sbin/cron"),
        "process_started",
        re.compile(r"^\((?P<user>[^)]+)\) CMD \((?P<image>.+)\)$"),
    ),
    Line(
        ("crontab",),
        "task_scheduled",
        re.compile(r"^\((?P<user>[^)]+)\) (?P<name>REPLACE|BEGIN EDIT|END EDIT) \(.*\)$"),
    ),
)


def claims(event: Event) -> tuple[Claim, ...]:
    """The claims of a Linux record, () where it is none or of a kind not written down here."""
    record = pick(event.fields, ("type",))
    reader = AUDIT.get(record or "")
    if reader is not None and any(source.service == "auditd" for source in event.logsources):
        made = reader(event)
        return (made,) if made else ()
    return _line(event)


def _line(event: Event) -> tuple[Claim, ...]:
    program = (pick(event.fields, PROGRAM) or "").casefold().partition("[")[0]
    message = pick(event.fields, MESSAGE)
    if not program or message is None or len(message) > _LINE_CHARS:
        return ()
    for line in LINES:
        found = line.pattern.match(message) if program in line.programs else None
        if found is None:
            continue
        values = {**dict(line.fixed), **found.groupdict()}
        if values.get("reason") == "invalid user ":
            values["reason"] = "no such user"
        refused = line.type == "privilege_used" and values.get("reason") is not None
        made = claim_of(event, "privilege_refused" if refused else line.type, values)
        return (made,) if made else ()
    return ()


def _audit(*shapes: Shape) -> Callable[[Event], Claim | None]:
    def read(event: Event) -> Claim | None:
        return next((made for shape in shapes if (made := shape.claim(event))), None)

    return read


def _by_result(event: Event) -> Claim | None:
    """USER_LOGIN and USER_AUTH carry their outcome in `res` (success or failed; `1`/`0` in older kernels)."""
    result = (pick(event.fields, ("res", "result", "success")) or "").casefold()
    if result not in _YES and result not in _NO:
        return None
    values = {
        "user": pick(event.fields, ("acct", "id")),
        "address": pick(event.fields, ("addr", "hostname")),
        "method": pick(event.fields, ("terminal",)),
    }
    return claim_of(event, "logon_succeeded" if result in _YES else "logon_failed", values)


_YES: Final = frozenset({"success", "yes", "1"})
_NO: Final = frozenset({"failed", "no", "0"})


def _execve(event: Event) -> Claim | None:
    """EXECVE: the arguments a0, a1, … as the kernel recorded them (`argc` says how many)."""
    words = []
    for number in range(64):
        word = text_of(event.fields.get(f"a{number}"))
        if word is None:
            break
        words.append(word)
    if not words:
        return None
    values = {
        "image": pick(event.fields, ("Image",)) or words[0],
        "command_line": " ".join(words),
        "user": pick(event.fields, ("User",)),
    }
    return claim_of(event, "process_started", values)


def _path(event: Event) -> Claim | None:
    """PATH: a name and what became of it; a name that was only looked at (NORMAL) makes no claim of change."""
    action = {"CREATE": "created", "DELETE": "deleted"}.get(pick(event.fields, ("nametype", "objtype")) or "")
    name = pick(event.fields, ("TargetFilename", "name"))
    if action:
        return claim_of(event, "file_changed", {"action": action, "path": name})
    return claim_of(event, "object_accessed", {"object": name})


_PROCESS = Shape(
    "process_started", {"image": ("exe",), "command_line": ("proctitle",), "user": ("AUID", "auid", "uid")}
)


def _syscall(event: Event) -> Claim | None:
    """SYSCALL: a process start only where the call is execve or execveat."""
    call = (pick(event.fields, ("SYSCALL", "syscall")) or "").casefold()
    arch = (pick(event.fields, ("arch",)) or "").casefold()
    starts = (
        ("execve", "execveat", "59", "322") if arch in ("c000003e", "x86_64", "") else ("execve", "execveat")
    )
    if call in starts and (pick(event.fields, ("success",)) or "yes") == "yes":
        return _PROCESS.claim(event)
    return None


_WHO = ("AUID", "auid", "uid")
AUDIT: Final[dict[str, Callable[[Event], Claim | None]]] = {
    "EXECVE": _execve,
    "SYSCALL": _syscall,
    "PATH": _path,
    "USER_LOGIN": _by_result,
    "USER_AUTH": _by_result,
    "USER_CMD": _audit(Shape("privilege_used", {"user": _WHO, "command": ("cmd",)})),
    "ADD_USER": _audit(
        Shape("account_changed", {"target": ("acct", "id"), "user": _WHO}, {"action": "created"})
    ),
    "DEL_USER": _audit(
        Shape("account_changed", {"target": ("acct", "id"), "user": _WHO}, {"action": "deleted"})
    ),
}
"""Record types of the Linux audit system (audit-userspace, `msg_typetab.h`)."""
