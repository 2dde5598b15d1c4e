"""What every shape of Windows event ends as: fields under native names, logsources, host, user and time."""

from __future__ import annotations

import re
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft
from tocsin.sources.windows_logsources import (
    OCSF_CLASSES,
    POWERSHELL_CLASSIC,
    SYSMON,
    SYSMON_LINUX,
    canonical_channel,
    logsources,
)

_NUMBERS = ("Version", "Level", "Task", "Opcode", "EventRecordID")
_DIGITS = re.compile(r"[0-9]{1,18}")
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

_NOBODY = (None, "", "-")


def put(fields: dict[str, Any], name: str, value: Any) -> None:
    """Adds `value`, unless it is none or the field is there."""
    if value is not None:
        fields.setdefault(name, value)


def as_number(value: object) -> object:
    """`value` as an int where it is the decimal text of one."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


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
    number = event_number(fields.get("EventID"))
    channel = fields.get("Channel")
    channel = canonical_channel(channel) if isinstance(channel, str) else ""
    fields["EventID"] = number
    fields["Channel"] = channel
    for name in _NUMBERS:
        if isinstance(value := fields.get(name), str):
            fields[name] = as_number(value)
    if channel == "Security" and number == 4688:
        _add_process_aliases(fields)
    elif channel == POWERSHELL_CLASSIC and "Data" not in fields and isinstance(fields.get("Message"), str):
        fields["Data"] = fields["Message"]  # the rendered message holds the very data of these events
    event_type = fields.get("EventType")
    return Draft(
        fields=fields,
        logsources=logsources(channel, number, event_type if isinstance(event_type, str) else ""),
        kind=f"{channel or 'windows'}/{number}"[:200],
        time=time,
        host=_text(fields.get("Computer")),
        user=_user(fields, channel),
        ocsf_class=OCSF_CLASSES.get((channel, number), 0),
    )


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


def _user(fields: dict[str, Any], channel: str) -> str | None:
    """Who acted: Sysmon's User, for a log-on the account that logs on, else the subject."""
    if channel in {SYSMON, SYSMON_LINUX}:
        return _text(fields.get("User")) or _text(fields.get("SourceUser"))
    roles = (
        ("Target", "Subject")
        if fields["EventID"] in {4624, 4625, 4648, 4768, 4769, 4771, 4776}
        else ("Subject",)
    )
    accounts = (_account(fields, role) for role in roles)
    return next((account for account in accounts if account), None) or _text(fields.get("User"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value not in _NOBODY else None
