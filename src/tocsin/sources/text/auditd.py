"""Linux audit records: `type=EXECVE msg=audit(1700000000.123:456): argc=2 a0="ls" a1="-la"`, one draft a line.

Read raw, enriched (names after a group separator) and as `ausearch -i` interprets them; in audit.log, behind `node=`,
and behind a syslog header. Fields keep their native names; hex values are decoded (`audit_values.py`); `SYSCALL` is the
call's name, which raw records lack.

The kernel writes one event as several records of one serial number. Sigma's audit rules look at single records, its
process and file rules at the event: so an EXECVE record also gets `Image`, `CommandLine`, `User`, `ProcessId` and
`ParentProcessId`, and a PATH record that names a created file `TargetFilename` and `Image`, from the SYSCALL and CWD
records of the same serial just before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.config.bounds import FIELDS_PER_RECORD
from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.audit_values import ENCODED, call_name, decoded, socket_address
from tocsin.sources.text.clock import epoch_instant, iso_instant
from tocsin.sources.text.key_values import values_between
from tocsin.sources.text.known_messages import ACCOUNT_CHANGE, AUTHENTICATION, PROCESS
from tocsin.sources.text.sampling import share

_HEAD = re.compile(
    r"(?:node=(\S{1,255}) )?type=([A-Za-z0-9_\[\]]{2,40}) msg=audit\(([^():]{1,24}(?::\d\d:\d\d(?:\.\d{1,3})?)?):(\d{1,20})\) ?: ?",
    re.ASCII,
)
_PAIR = re.compile(
    r"""(?:^|(?<=[\s'{(,]))([A-Za-z_][\w.\-]{0,63}(?:\[\d{1,6}\])?)=("[^"]*"|'[^']*'|\{[^}]*\}|\([^)]*\)|[^\s']*)""",
    re.ASCII,
)
_ARGUMENT = re.compile(r"(?:^| )(a\d{1,6})=", re.ASCII)
_PIECE = re.compile(r"(a\d{1,6})\[(\d{1,6})\]", re.ASCII)
_INTERPRETED_TIME = re.compile(r"(\d\d)[/.](\d\d)[/.](\d{2,4}) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)", re.ASCII)
_UNSET = frozenset({"", "(null)", "(none)", "unset", "?", "-1", "4294967295"})

_LOGINS = frozenset(
    {"USER_LOGIN", "USER_AUTH", "USER_ACCT", "USER_START", "USER_END", "LOGIN", "CRED_ACQ", "USER_ERR"}
)
_ACCOUNTS = frozenset(
    {"ADD_USER", "DEL_USER", "ADD_GROUP", "DEL_GROUP", "USER_CHAUTHTOK", "USER_MGMT", "GRP_MGMT", "ACCT_LOCK"}
)
_PROCESSES = frozenset({"EXECVE", "PROCTITLE", "USER_CMD"})
_KINDS = _LOGINS | _ACCOUNTS | _PROCESSES | {
    "SYSCALL", "PATH", "CWD", "SOCKADDR", "SERVICE_START", "SERVICE_STOP", "CONFIG_CHANGE", "DAEMON_START", "DAEMON_END",
    "TTY", "USER_TTY", "AVC", "SYSTEM_BOOT", "SYSTEM_SHUTDOWN", "KERN_MODULE", "ANOM_PROMISCUOUS", "ANOM_ABEND", "SECCOMP",
    "CRED_DISP", "CRED_REFR", "CRYPTO_KEY_USER", "CRYPTO_SESSION", "NETFILTER_CFG", "BPF", "OBJ_PID", "FD_PAIR", "EOE",
}  # fmt: skip


def is_audit(text: str) -> bool:
    """Whether `text` starts with the head of an audit record."""
    return _HEAD.match(text) is not None


def audit_draft(text: str, context: ReadContext) -> Draft:
    """What the record at the start of `text` says.

    Raises:
        BadRecord: it has no head, or too many fields.
    """
    head = _HEAD.match(text)
    if head is None:
        raise BadRecord("It is no audit record: type=… msg=audit(time:serial) is missing.")
    node, record, stamp, serial = head.groups()
    body, _, enriched = text[head.end() :].partition("\x1d")
    raw_time = epoch_instant(stamp)
    fields: dict[str, Any] = {"type": record, "serial": serial}
    if node:
        fields["node"] = node
    body_fields = _pairs(body) if raw_time is not None or record != "EXECVE" else _interpreted_arguments(body)
    if raw_time is not None:
        body_fields = _decoded_fields(record, body_fields)
    for name, value in (body_fields | _pairs(enriched)).items():
        fields.setdefault(name, value.strip("\"'"))
    if record == "SYSCALL":
        fields["SYSCALL"] = fields.get("SYSCALL") or call_name(
            str(fields.get("arch")), str(fields.get("syscall", ""))
        )
    _add_address(fields)
    return Draft(
        fields={name: value for name, value in fields.items() if value is not None},
        logsources=frozenset({Logsource("linux", None, "auditd")}),
        kind=f"auditd/{record if record in _KINDS else 'other'}",
        time=raw_time if raw_time is not None else _interpreted_time(stamp, context),
        host=node,
        user=_user(fields),
        ocsf_class=_ocsf_class(record),
    )


def _pairs(text: str) -> dict[str, str]:
    """The pairs of a body; those of an inner `msg='…'` stand beside the outer ones."""
    found: dict[str, str] = {}
    for match in _PAIR.finditer(text):
        name, value = match.groups()
        if name == "msg" and value.startswith("'"):
            for inner, inner_value in _pairs(value[1:-1]).items():
                found.setdefault(inner, inner_value)
        else:
            found.setdefault(name, value)
        if len(found) > FIELDS_PER_RECORD:
            raise BadRecord(f"It has more than {FIELDS_PER_RECORD} fields.")
    return found


def _interpreted_arguments(body: str) -> dict[str, str]:
    """The arguments as `ausearch -i` writes them: no quotes, blanks inside; each ends where the next begins."""
    keys = list(_ARGUMENT.finditer(body))[:FIELDS_PER_RECORD]
    found = _pairs(body[: keys[0].start()] if keys else body)
    return found | values_between(body, keys)


def _decoded_fields(record: str, found: Mapping[str, str]) -> dict[str, str]:
    """Quotes off, hex decoded where the kernel may have encoded, and long arguments put together again."""
    fields: dict[str, str] = {}
    for name, value in found.items():
        piece = _PIECE.fullmatch(name)
        argument = record == "EXECVE" and (piece or re.fullmatch(r"a\d{1,6}", name))
        quoted = value[:1] in ('"', "'")
        text = decoded(value) if (argument or name in ENCODED) and not quoted else value.strip("\"'")
        if piece and record == "EXECVE":
            fields[piece[1]] = fields.get(piece[1], "") + text
        elif not (name in ENCODED and text in ("(null)", "(none)")):
            fields[name] = text
    return fields


def _interpreted_time(stamp: str, context: ReadContext) -> int | None:
    """The time `ausearch -i` shows: month first with slashes, day first with dots, in the zone of who ran it."""
    match = _INTERPRETED_TIME.fullmatch(stamp)
    if match is None:
        return None
    first, second, year, clock = match.groups()
    month, day = (second, first) if "." in stamp[:3] else (first, second)
    return iso_instant(f"{year if len(year) == 4 else '20' + year}-{month}-{day} {clock}", context)


def _add_address(fields: dict[str, Any]) -> None:
    address = socket_address(str(fields.get("saddr", "")))
    if address is not None:
        fields["dst_ip"], fields["dst_port"] = address


def _user(fields: Mapping[str, Any]) -> str | None:
    """Who logged in (`AUID`), or the account a log-in names, or who the process runs as; never a bare number."""
    for name in ("AUID", "acct", "UID", "auid", "uid"):
        value = fields.get(name)
        if isinstance(value, str) and value not in _UNSET and not value.isdigit():
            return value
    return None


def _ocsf_class(record: str) -> int:
    if record in _LOGINS:
        return AUTHENTICATION
    if record in _ACCOUNTS:
        return ACCOUNT_CHANGE
    return PROCESS if record in _PROCESSES else 0


class AuditParser:
    """Reads audit records, remembering the SYSCALL and CWD of the event they belong to."""

    def __init__(self, context: ReadContext) -> None:
        self._context = context
        self._event: tuple[str | None, str] = (None, "")  # node and serial
        self._call: dict[str, Any] = {}
        self._directory = ""

    def parse(self, line: str) -> Draft | None:
        """The draft of `line`, None for a blank one or the `----` between events of ausearch.

        Raises:
            BadRecord: it is no audit record.
        """
        text = line.strip(" \t\r\n")
        if not text or text == "----" or text.startswith("time->"):
            return None
        draft = audit_draft(text, self._context)
        event = (draft.host, draft.fields["serial"])
        if event != self._event:
            self._event, self._call, self._directory = event, {}, ""
        record = draft.fields["type"]
        if record == "SYSCALL":
            self._call = draft.fields
        elif record == "CWD":
            self._directory = str(draft.fields.get("cwd", ""))
        elif record == "EXECVE":
            self._tell_process(draft)
        elif record == "PATH" and draft.fields.get("nametype") == "CREATE":
            self._tell_file(draft)
        return draft

    def _tell_process(self, draft: Draft) -> None:
        fields, call = draft.fields, self._call
        arguments = sorted((int(name[1:]), name) for name in fields if re.fullmatch(r"a\d{1,6}", name))
        words = [str(fields[name]) for _, name in arguments]
        image = call.get("exe") or (words[0] if words and words[0].startswith("/") else None)
        named = {
            "Image": image,
            "CommandLine": " ".join(words),
            "User": call.get("UID") or ("root" if call.get("uid") == "0" else None),  # as whom it runs
            "ProcessId": call.get("pid"),
            "ParentProcessId": call.get("ppid"),
        }
        fields.update({name: value for name, value in named.items() if value})
        draft.user = _user(call)
        draft.logsources |= {Logsource("linux", "process_creation", None)}

    def _tell_file(self, draft: Draft) -> None:
        name = str(draft.fields.get("name", ""))
        if not name.startswith("/") and self._directory:
            name = f"{self._directory.rstrip('/')}/{name.removeprefix('./')}"
        draft.fields["TargetFilename"] = name
        if "exe" in self._call:
            draft.fields["Image"] = self._call["exe"]
        draft.user = _user(self._call)
        draft.logsources |= {Logsource("linux", "file_event", None)}


class Auditd:
    """The Linux audit daemon's log, raw, enriched or interpreted."""

    name = "auditd"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.98 where every line starts with a record's head, apart from ausearch's separators."""
        return 0.98 * share(sample, lambda line: is_audit(line) or line.startswith(("----", "time->")))

    def parser(self, context: ReadContext) -> AuditParser:
        """A new parser for one file."""
        return AuditParser(context)
