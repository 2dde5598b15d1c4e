"""What Windows event logs state: Sysmon, Security, System, PowerShell, Task Scheduler and Defender.

Field names are those of the events' own `EventData`, as Microsoft documents them per event id and Sysmon's schema
does; they are also what Sigma's Windows rules use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tocsin.detect.statements.shapes import Shape, claim_of, pick
from tocsin.records.event import Event
from tocsin.records.finding import Claim

LOGON_TYPES: Final[dict[str, str]] = {
    "2": "at the keyboard",
    "3": "over the network",
    "4": "as a batch job",
    "5": "as a service",
    "7": "by unlocking the screen",
    "8": "over the network, password sent in clear",
    "9": "with other credentials for the network",
    "10": "by remote desktop",
    "11": "at the keyboard, with cached credentials",
}
"""Microsoft's logon types (events 4624 and 4625), in words."""

FAILURES: Final[dict[str, str]] = {
    "0xc0000064": "no such user",
    "0xc000006a": "wrong password",
    "0xc000006d": "wrong name or password",
    "0xc0000072": "account disabled",
    "0xc0000234": "account locked out",
    "0xc0000071": "password expired",
    "0xc0000193": "account expired",
    "0xc000006f": "outside allowed hours",
    "0xc0000070": "workstation not allowed",
    "0x18": "wrong password",
    "0x6": "no such user",
    "0x12": "account disabled, locked or expired",
}
"""NTSTATUS and Kerberos codes of failed logons (lower case), in words."""

_REGISTRY = {
    "SetValue": "set",
    "CreateKey": "created",
    "DeleteKey": "deleted",
    "DeleteValue": "deleted",
    "RenameKey": "renamed",
}
_PROCESS = {"process": ("Image",), "user": ("User",)}
_SUBJECT = ("SubjectUserName",)
_ADDRESS = ("IpAddress", "ClientAddress", "WorkstationName", "Workstation")


def _file(action: str) -> Shape:
    return Shape("file_changed", {"path": ("TargetFilename",), **_PROCESS}, {"action": action})


def _registry() -> Shape:
    return Shape(
        "registry_changed",
        {"key": ("TargetObject",), "value": ("Details", "NewName"), "action": ("EventType",), **_PROCESS},
        words={"action": _REGISTRY},
    )


def _access(access: str) -> Shape:
    values = {"target": ("TargetImage",), "process": ("SourceImage",), "user": ("SourceUser",)}
    return Shape("process_accessed", values, {"access": access})


SYSMON: Final[dict[int, Shape]] = {
    1: Shape(
        "process_started",
        {
            "image": ("Image",),
            "command_line": ("CommandLine",),
            "parent": ("ParentImage",),
            "user": ("User",),
        },
    ),
    2: _file("given another creation time"),
    3: Shape(
        "network_connection",
        {
            "destination": ("DestinationIp", "DestinationHostname"),
            "port": ("DestinationPort",),
            "process": ("Image",),
            "source": ("SourceIp",),
            "protocol": ("Protocol",),
        },
    ),
    6: Shape("module_loaded", {"path": ("ImageLoaded",)}),
    7: Shape("module_loaded", {"path": ("ImageLoaded",), **_PROCESS}),
    8: _access("started a thread in"),
    10: _access("opened"),
    11: _file("created"),
    12: _registry(),
    13: _registry(),
    14: _registry(),
    15: _file("created"),
    22: Shape("name_looked_up", {"name": ("QueryName",), "process": ("Image",)}),
    23: _file("deleted"),
    26: _file("deleted"),
    29: _file("created"),
}
"""Sysmon's event ids (schema 4.90)."""


def _logon(kind: str, *addresses: str) -> Shape:
    return Shape(
        kind,
        {
            "user": ("TargetUserName", "TargetUser", "LogonAccount"),
            "address": addresses or _ADDRESS,
            "method": ("LogonType",),
        },
        words={"method": LOGON_TYPES},
    )


def _account(action: str, target: tuple[str, ...] = ("TargetUserName",), *, group: bool = False) -> Shape:
    values: dict[str, tuple[str, ...]] = {"target": target, "user": _SUBJECT}
    if group:
        values["group"] = ("TargetUserName",)
    return Shape("account_changed", values, {"action": action})


_JOINS = _account("added to a group", ("MemberName", "MemberSid"), group=True)
_LEAVES = _account("removed from a group", ("MemberName", "MemberSid"), group=True)
_TICKET = Shape(
    "ticket_requested",
    {"user": ("TargetUserName",), "service": ("ServiceName",), "address": ("IpAddress",)},
)
_OBJECT = Shape("object_accessed", {"object": ("ObjectName",), "process": ("ProcessName",), "user": _SUBJECT})
_SHARE = Shape(
    "share_opened",
    {"share": ("ShareName",), "path": ("RelativeTargetName",), "user": _SUBJECT, "address": ("IpAddress",)},
)
_TASK = Shape("task_scheduled", {"name": ("TaskName",), "command": ("TaskContent",), "user": _SUBJECT})

SECURITY: Final[dict[int, Shape]] = {
    1102: Shape("log_cleared", {"user": _SUBJECT}, {"log": "Security"}),
    4624: _logon("logon_succeeded"),
    4648: Shape(
        "credentials_used",
        {
            "user": _SUBJECT,
            "as_user": ("TargetUserName",),
            "process": ("ProcessName",),
            "target": ("TargetServerName",),
            "address": ("IpAddress",),
        },
    ),
    4656: _OBJECT,
    4657: Shape(
        "registry_changed",
        {"key": ("ObjectName",), "value": ("NewValue",), "process": ("ProcessName",), "user": _SUBJECT},
    ),
    4662: _OBJECT,
    4663: _OBJECT,
    4688: Shape(
        "process_started",
        {
            "image": ("NewProcessName",),
            "command_line": ("CommandLine", "ProcessCommandLine"),
            "parent": ("ParentProcessName",),
            "user": _SUBJECT,
        },
    ),
    4697: Shape(
        "service_installed", {"name": ("ServiceName",), "path": ("ServiceFileName",), "user": _SUBJECT}
    ),
    4698: _TASK,
    4702: _TASK,
    4720: _account("created"),
    4722: _account("enabled"),
    4723: _account("given a new password"),
    4724: _account("given a new password"),
    4725: _account("disabled"),
    4726: _account("deleted"),
    4728: _JOINS,
    4729: _LEAVES,
    4732: _JOINS,
    4733: _LEAVES,
    4738: _account("changed"),
    4740: _account("locked out"),
    4756: _JOINS,
    4757: _LEAVES,
    4767: _account("unlocked"),
    4769: _TICKET,
    5140: _SHARE,
    5145: _SHARE,
    5156: Shape(
        "network_connection",
        {
            "destination": ("DestAddress",),
            "port": ("DestPort",),
            "process": ("Application",),
            "source": ("SourceAddress",),
        },
    ),
}
"""Event ids of the Security log."""

SYSTEM: Final[dict[int, Shape]] = {
    7045: Shape("service_installed", {"name": ("ServiceName",), "path": ("ImagePath",)}),
    # `Channel` is where the event stands; the log that was cleared has the same name in `UserData`.
    104: Shape("log_cleared", {"log": ("UserData.Channel", "EventData.Channel"), "user": _SUBJECT}),
}
POWERSHELL: Final[dict[int, Shape]] = {
    4103: Shape("script_run", {"script": ("Payload",), "user": ("UserId",)}),
    4104: Shape("script_run", {"script": ("ScriptBlockText",), "path": ("Path",)}),
}
TASKS: Final[dict[int, Shape]] = {
    106: Shape("task_scheduled", {"name": ("TaskName",), "user": ("UserContext", "UserName")}),
}
DEFENDER: Final[dict[int, Shape]] = dict.fromkeys(
    (1006, 1007, 1015, 1116, 1117),
    Shape("alert_raised", {"signature": ("Threat Name", "ThreatName")}, {"product": "Microsoft Defender"}),
)

_CHANNELS: Final[tuple[tuple[str, dict[int, Shape]], ...]] = (
    ("sysmon", SYSMON),
    ("windows defender", DEFENDER),
    ("windefend", DEFENDER),
    ("powershell", POWERSHELL),
    ("taskscheduler", TASKS),
    ("security", SECURITY),
    ("system", SYSTEM),
)


def claims(event: Event) -> tuple[Claim, ...]:
    """The claims of a Windows event, () where it is none or of a kind not written down here."""
    number = pick(event.fields, ("EventID", "event_id", "EventId"))
    if number is None or not number.isdecimal() or len(number) > 9:
        return ()
    code = int(number)
    if code in _OUTCOMES and _table(event) is SECURITY:
        return _outcome(event, code)
    shape = _table(event).get(code)
    made = shape.claim(event) if shape else None
    return (made,) if made else ()


def _table(event: Event) -> Mapping[int, Shape]:
    """The event ids of the log that `event` stands in; `windows defender` is asked before `system`."""
    services = {source.service for source in event.logsources if source.service}
    where = " ".join(
        filter(None, (pick(event.fields, ("Channel",)), pick(event.fields, ("Provider_Name",)), *services))
    ).casefold()
    return next((table for name, table in _CHANNELS if name in where), {})


_OUTCOMES: Final = (4625, 4768, 4771, 4776)


def _outcome(event: Event, code: int) -> tuple[Claim, ...]:
    """Log-ons whose event id leaves the outcome, or the reason, to a status field."""
    status = (pick(event.fields, ("SubStatus", "Status")) or "").casefold()
    if set(status) <= set("0x"):  # 0x0 in the sub-status defers to the status
        status = (pick(event.fields, ("Status",)) or "").casefold()
    if code in (4768, 4776) and not status:
        return ()
    if code == 4768 and set(status) <= set("0x"):
        made = _TICKET.claim(event)
        return (made,) if made else ()
    failed = code in (4625, 4771) or not set(status) <= set("0x")
    base = _logon("logon_failed" if failed else "logon_succeeded").claim(event)
    if base is None:
        return ()
    values = dict(base.values)
    if failed and status:
        values["reason"] = FAILURES.get(status, f"status {status}")
    made = claim_of(event, base.type, values)
    return (made,) if made else ()
