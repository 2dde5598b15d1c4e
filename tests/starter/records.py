"""Raw records from short descriptions: a case says what matters, this adds what every such record has around it.

One event of a case is a mapping with one shape (`m365`, `entra`, `windows`, `process`, `security`, `system`, `defender`,
`script`, `sysmon`, `syslog`, `audit`, `fortigate`, `web`, `zeek`) and, where wanted, `times` (how often), `every` (seconds
between) and `after` (seconds after the event before it). `{n}` in a value counts the repetitions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
_CONTROL = {"times", "every", "after"}
_SECURITY = "Microsoft-Windows-Security-Auditing"


def write(events: list[dict[str, Any]] | dict[str, Any], folder: Path) -> list[Path]:
    """Writes `events` as the files that their sources would write; the paths."""
    files: dict[str, list[str]] = {}
    time = START
    for event in events if isinstance(events, list) else [events]:
        for moment, shape, value in _repeated(event, time):
            name, lines = SHAPES[shape](value, moment)
            head, *rest = lines
            files.setdefault(name, [] if not rest else [head]).append(rest[0] if rest else head)
            time = moment
    paths = []
    for name, lines in files.items():
        path = folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _repeated(event: dict[str, Any], time: datetime) -> Iterator[tuple[datetime, str, Any]]:
    (shape,) = event.keys() - _CONTROL
    time += timedelta(seconds=event.get("after", 1))
    for n in range(event.get("times", 1)):
        yield time + timedelta(seconds=n * event.get("every", 1)), shape, _numbered(event[shape], n + 1)


def _numbered(value: Any, n: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(n))
    if isinstance(value, dict):
        return {key: _numbered(part, n) for key, part in value.items()}
    return [_numbered(part, n) for part in value] if isinstance(value, list) else value


def _pairs(value: dict[str, Any], second: str = "Value") -> list[dict[str, Any]]:
    return [{"Name": name, second: part} for name, part in value.items()]


def m365(value: dict[str, Any], time: datetime) -> tuple[str, list[str]]:
    """Unified audit record; mappings of Parameters and the like become lists of names and values."""
    record = {
        "CreationTime": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "Id": f"7d2f5f8e-0000-4000-8000-{time:%H%M%S%f}",
        "OrganizationId": "2c1f3c0a-5b7e-4a4e-9f8a-0d6c4d7c1b11",
        "RecordType": 1,
        "ResultStatus": "Success",
        "UserKey": "10032000",
        "UserType": 0,
        "Version": 1,
        "Workload": "Exchange",
        "UserId": "anna@town.example",
        "ClientIP": "203.0.113.7",
        **value,
    }
    for name, second in (
        ("Parameters", "Value"),
        ("ExtendedProperties", "Value"),
        ("OperationProperties", "Value"),
        ("ModifiedProperties", "NewValue"),
    ):
        if isinstance(record.get(name), dict):
            record[name] = _pairs(record[name], second)
    return "audit.json", [json.dumps(record)]


def entra(value: dict[str, Any], time: datetime) -> tuple[str, list[str]]:
    """Entra sign-in record as the portal and Graph export it."""
    record = {
        "id": f"signin-{time:%H%M%S%f}",
        "createdDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "userDisplayName": "Anna Example",
        "userPrincipalName": "anna@town.example",
        "appDisplayName": "Office 365 Exchange Online",
        "ipAddress": "203.0.113.7",
        "clientAppUsed": "Browser",
        "conditionalAccessStatus": "notApplied",
        "isInteractive": True,
        "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
        **value,
    }
    return "signins.json", [json.dumps(record)]


def windows(value: dict[str, Any], time: datetime) -> tuple[str, list[str]]:
    """A Windows event as winlogbeat writes it: channel, id, provider, and the event's data."""
    record = {
        "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "winlog": {
            "channel": value["channel"],
            "event_id": str(value["id"]),
            "provider_name": value["provider"],
            "computer_name": value.get("computer", "PC-07.town.example"),
            "record_id": int(time.timestamp()),
            "event_data": {name: str(part) for name, part in value.get("data", {}).items()},
        },
        "event": {"code": str(value["id"]), "provider": value["provider"], "kind": "event"},
        "host": {"name": value.get("computer", "PC-07.town.example")},
        "agent": {"type": "winlogbeat", "version": "8.15.0"},
    }
    return "winlogbeat.json", [json.dumps(record)]


def _channel(channel: str, provider: str) -> Callable[[dict[str, Any], datetime], tuple[str, list[str]]]:
    def shape(value: dict[str, Any], time: datetime) -> tuple[str, list[str]]:
        data = {name: part for name, part in value.items() if name not in {"id", "provider", "computer"}}
        outer = {
            "channel": channel,
            "provider": value.get("provider", provider),
            "id": value["id"],
            "data": data,
        }
        return windows({**outer, **{k: v for k, v in value.items() if k == "computer"}}, time)

    return shape


def process(value: dict[str, Any], time: datetime) -> tuple[str, list[str]]:
    """A process start, as Security 4688 with its command line; on Linux (an image with slashes) as audit records."""
    image, parent = value["Image"], value.get("ParentImage", "C:\\Windows\\explorer.exe")
    data = {
        "SubjectUserName": "anna",
        "NewProcessName": image,
        "CommandLine": value.get("CommandLine", image),
        "ParentProcessName": parent,
    }
    return SHAPES["security"]({"id": 4688, **data}, time)


def script(value: str, time: datetime) -> tuple[str, list[str]]:
    """A PowerShell script block."""
    channel, provider = "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell"
    data = {"MessageNumber": 1, "MessageTotal": 1, "ScriptBlockText": value, "Path": ""}
    return windows({"channel": channel, "provider": provider, "id": 4104, "data": data}, time)


def syslog(value: str, time: datetime) -> tuple[str, list[str]]:
    """A line of RFC 3164: `program[pid]: message` behind time and host."""
    return "auth.log", [f"{time:%b} {time.day:2d} {time:%H:%M:%S} srv01 {value}"]


def audit(value: str, time: datetime) -> tuple[str, list[str]]:
    """Audit records of one event, separated by ` | `: `TYPE fields`."""
    stamp = f"{int(time.timestamp())}.000:{int(time.timestamp()) % 100_000}"
    records = (part.split(" ", 1) for part in value.split(" | "))
    return "audit.log", ["\n".join(f"type={kind} msg=audit({stamp}): {fields}" for kind, fields in records)]


def fortigate(value: str, time: datetime) -> tuple[str, list[str]]:
    """A FortiOS event: its own fields behind the ones every line has."""
    head = (
        f'date={time:%Y-%m-%d} time={time:%H:%M:%S} devname="FW01" devid="FGT60FTK00000000" tz="+0000" '
        'logid="0100000000" type="event" level="notice" vd="root"'
    )
    return "fortigate.log", [f"{head} {value}"]


def web(value: str, time: datetime) -> tuple[str, list[str]]:
    """A line of a combined access log from `address METHOD target status`."""
    address, method, target, status = value.split(" ")
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return "access.log", [
        f'{address} - - [{stamp}] "{method} {target} HTTP/1.1" {status} 512 "-" "Mozilla/5.0"'
    ]


def zeek(value: dict[str, Any], time: datetime) -> tuple[str, list[str]]:
    """A line of a Zeek TSV log with its header; the fields in the order given."""
    fields = {
        "ts": f"{time.timestamp():.6f}",
        "uid": f"C{int(time.timestamp())}",
        "id.orig_h": "10.1.1.20",
        "id.orig_p": "50000",
        "id.resp_h": "10.1.9.5",
        "id.resp_p": "502",
        **{name: str(part) for name, part in value.items() if name != "log"},
    }
    header = "\n".join(
        (
            "#separator \\x09",
            "#set_separator\t,",
            "#empty_field\t(empty)",
            "#unset_field\t-",
            f"#path\t{value['log']}",
            "#fields\t" + "\t".join(fields),
            "#types\t" + "\t".join(["time", *["string"] * (len(fields) - 1)]),
        )
    )
    return f"{value['log']}.log", [header, "\t".join(fields.values())]


SHAPES: dict[str, Callable[[Any, datetime], tuple[str, list[str]]]] = {
    "m365": m365,
    "entra": entra,
    "windows": windows,
    "process": process,
    "security": _channel("Security", _SECURITY),
    "system": _channel("System", "Service Control Manager"),
    "defender": _channel(
        "Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender"
    ),
    "sysmon": _channel("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon"),
    "script": script,
    "syslog": syslog,
    "audit": audit,
    "fortigate": fortigate,
    "web": web,
    "zeek": zeek,
}
