"""What every shape of Windows event ends as: fields under native names, logsources, host, user and time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft
from tocsin.sources.windows_logsources import (
    OCSF_CLASSES,
    POWERSHELL_CLASSIC,
    REGISTRY_OBJECT,
    SYSMON,
    SYSMON_LINUX,
    canonical_channel,
    logsources,
)

_NUMBERS = ("Version", "Level", "Task", "Opcode", "EventRecordID")
_DIGITS = 18
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,16}")
_LABELS = {
    "S-1-16-0": "Untrusted",
    "S-1-16-4096": "Low",
    "S-1-16-8192": "Medium",
    "S-1-16-8448": "Medium",
    "S-1-16-12288": "High",
    "S-1-16-16384": "System",
}
"""Mandatory labels ([MS-DTYP] 2.4.2.4) by the names that Sysmon's IntegrityLevel has."""

_LABEL_NAMES = "\n".join(sorted(set(_LABELS.values())))

_NOBODY = (None, "", "-")
PROCESS_CREATED = 4688
_PROCESS_KIND = f"Security/{PROCESS_CREATED}"
_LOG_ONS = frozenset({4624, 4625, 4648, 4768, 4769, 4771, 4776})
_NAME_CHARS = 256


def put(fields: dict[str, Any], name: str, value: Any) -> None:
    """Adds `value`, unless it is none or the field is there."""
    if value is not None:
        fields.setdefault(name, value)


def as_number(value: object) -> object:
    """`value` as an int where it is the decimal text of one."""
    if isinstance(value, str) and value.isdigit() and value.isascii() and len(value) <= _DIGITS:
        return int(value)
    return value


def event_number(value: object) -> int:
    """The EventID that `value` is.

    Raises:
        BadRecord: it is none (0 to 2³² - 1).
    """
    if isinstance(value, dict):
        value = value.get("#text", value.get("$", value.get("Value")))
    number = as_number(value)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**32:
        raise BadRecord("the Windows event has no EventID")
    return number


def windows_draft(fields: dict[str, Any], time: int | None) -> Draft:
    """The draft of a Windows event.

    Args:
        fields: System and event data under native names, `EventID` and `Channel` among them; taken over and completed.
        time: When it was created (instant), None where it does not say.

    Raises:
        BadRecord: it has no EventID.
    """
    number = fields.get("EventID")
    if type(number) is not int or not 0 <= number < 2**32:
        number = event_number(number)
    named = fields.get("Channel")
    sort = _sort(named if isinstance(named, str) else "", number)
    channel = sort.channel
    fields["EventID"] = number
    fields["Channel"] = channel
    for name in _NUMBERS:
        if isinstance(value := fields.get(name), str):
            fields[name] = as_number(value)
    if channel == "Security" and number == PROCESS_CREATED:
        _add_process_aliases(fields)
    elif channel == POWERSHELL_CLASSIC and "Data" not in fields and isinstance(fields.get("Message"), str):
        fields["Data"] = fields["Message"]  # the rendered message holds the very data of these events
    sources = sort.logsources
    if sort.typed and isinstance(event_type := fields.get("EventType"), str):
        sources = logsources(channel, number, event_type[:6])
    user = _user(fields, sort)
    return Draft(fields, sources, sort.kind, time, _text(fields.get("Computer")), user, sort.ocsf_class)


def unspelt(draft: Draft) -> str:
    """What `windows_draft` adds to the texts of a record's own (`Event.unspelt`): Channel as we spell it, a label's name,
    and a process id that the record has in hexadecimal.
    """
    channel: str = draft.fields["Channel"]
    added = _always_unspelt(channel) if len(channel) <= _NAME_CHARS else f"{channel}\n{_LABEL_NAMES}"
    parent = draft.fields.get("ParentProcessId") if draft.kind == _PROCESS_KIND else None
    return added if parent is None else f"{added}\n{parent}"


@lru_cache(maxsize=4096)
def _always_unspelt(channel: str) -> str:
    return f"{channel}\n{_LABEL_NAMES}"


def draft_inputs(channel: str, number: int) -> frozenset[str]:
    """The fields from which `windows_draft` makes host, user and logsources, and what it gives a second name."""
    sort = _sort(channel, number)
    names = {"EventID", "Channel", "Computer", "EventType", "User"}
    names |= {f"{role}{part}" for role in sort.roles for part in ("UserName", "DomainName")}
    if not sort.roles:
        names.add("SourceUser")
    if channel == "Security" and number == PROCESS_CREATED:
        names |= {"NewProcessName", "ParentProcessName", "ProcessId", "SubjectLogonId", "MandatoryLabel"}
        names |= {"TargetUserName", "TargetDomainName"}
    return frozenset(names)


class _Sort(NamedTuple):
    """What all events of one channel and number have in common."""

    channel: str
    logsources: frozenset[Logsource]
    typed: bool  # whether the EventType says more of the logsources
    kind: str
    ocsf_class: int
    roles: tuple[str, ...]  # whose account acted, first choice first; none for Sysmon, which has one User


def _sort(named: str, number: int) -> _Sort:
    if len(named) <= _NAME_CHARS:
        return _known_sort(named, number)
    unknown = _known_sort("", number)  # as every such name is, and none is kept
    return unknown._replace(channel=named, kind=_kind(named, number))


@lru_cache(maxsize=4096)
def _known_sort(named: str, number: int) -> _Sort:
    channel = canonical_channel(named)
    roles = ("Target", "Subject") if number in _LOG_ONS else ("Subject",)
    return _Sort(
        channel,
        logsources(channel, number),
        (channel, number) == (SYSMON, REGISTRY_OBJECT),
        _kind(channel, number),
        OCSF_CLASSES.get((channel, number), 0),
        () if channel in {SYSMON, SYSMON_LINUX} else roles,
    )


def _kind(channel: str, number: int) -> str:
    return f"{channel or 'windows'}/{number}"[:200]


def _add_process_aliases(fields: dict[str, Any]) -> None:
    """Security 4688 under Sysmon's names too, as rules of category process_creation ask; native fields stay."""
    aliases = {
        "Image": fields.get("NewProcessName"),
        "ParentImage": fields.get("ParentProcessName"),
        "ParentProcessId": _from_hexadecimal(fields.get("ProcessId")),
        "LogonId": fields.get("SubjectLogonId"),
        "IntegrityLevel": _LABELS.get(str(fields.get("MandatoryLabel"))),
        "User": _account(fields, "Target") or _account(fields, "Subject"),
    }
    for name, value in aliases.items():
        if value not in _NOBODY:
            fields.setdefault(name, value)


def _from_hexadecimal(value: object) -> object:
    return int(value, 16) if isinstance(value, str) and _HEXADECIMAL.fullmatch(value) else value


def _account(fields: dict[str, Any], role: str) -> str | None:
    name, domain = fields.get(f"{role}UserName"), fields.get(f"{role}DomainName")
    if name in _NOBODY or not isinstance(name, str):
        return None
    return f"{domain}\\{name}" if isinstance(domain, str) and domain not in _NOBODY else name


def _user(fields: dict[str, Any], sort: _Sort) -> str | None:
    """Who acted: Sysmon's User, for a log-on the account that logs on, else the subject."""
    for role in sort.roles:
        if account := _account(fields, role):
            return account
    return _text(fields.get("User")) or (None if sort.roles else _text(fields.get("SourceUser")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value not in _NOBODY else None
