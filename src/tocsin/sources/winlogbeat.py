"""Windows events as winlogbeat ships them, with its modules (which move event data into ECS fields) and without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.times import first_instant
from tocsin.sources.windows_event import SYSTEM_FIELDS
from tocsin.sources.windows_fields import put, windows_draft
from tocsin.sources.windows_logsources import SYSMON

Record = Mapping[str, Any]

_PARAMETER = re.compile(r"param[0-9]{1,3}")
_LEVELS = {"critical": 1, "error": 2, "warning": 3, "information": 4, "verbose": 5}
_PROCESS = (
    ("Image", "process.executable"),
    ("ProcessGuid", "process.entity_id"),
    ("ProcessId", "process.pid"),
)
_MOVED_ALWAYS = (("RuleName", "rule.name"),)
_MOVED: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    (SYSMON, "1"): (
        *_PROCESS, ("CommandLine", "process.command_line"), ("CurrentDirectory", "process.working_directory"),
        ("ParentImage", "process.parent.executable"), ("ParentCommandLine", "process.parent.command_line"),
        ("ParentProcessGuid", "process.parent.entity_id"), ("ParentProcessId", "process.parent.pid"),
        ("OriginalFileName", "process.pe.original_file_name"), ("Company", "process.pe.company"),
        ("Description", "process.pe.description"), ("Product", "process.pe.product"),
        ("FileVersion", "process.pe.file_version"),
    ),
    (SYSMON, "3"): (
        *_PROCESS, ("Protocol", "network.transport"), ("SourceIp", "source.ip"), ("SourcePort", "source.port"),
        ("SourceHostname", "source.domain"), ("DestinationIp", "destination.ip"),
        ("DestinationPort", "destination.port"), ("DestinationHostname", "destination.domain"),
    ),
    **{(SYSMON, number): _PROCESS for number in ("5", "9", "12", "13", "14", "17", "18", "25")},
    (SYSMON, "6"): (("ImageLoaded", "file.path"),),
    (SYSMON, "7"): (*_PROCESS, ("ImageLoaded", "file.path"), ("OriginalFileName", "file.pe.original_file_name")),
    (SYSMON, "8"): (("SourceImage", "process.executable"), ("SourceProcessId", "process.pid")),
    (SYSMON, "10"): (("SourceImage", "process.executable"), ("SourceProcessId", "process.pid")),
    **{(SYSMON, number): (*_PROCESS, ("TargetFilename", "file.path")) for number in ("2", "11", "15", "23", "26")},
    (SYSMON, "22"): (*_PROCESS, ("QueryName", "dns.question.name")),
    ("Security", "4688"): (
        ("NewProcessName", "process.executable"), ("CommandLine", "process.command_line"),
        ("ParentProcessName", "process.parent.executable"),
    ),
}  # fmt: skip
"""What winlogbeat 7's modules and 8's ingest pipelines rename, by channel and event id: native name, ECS path."""

_MOVED_PATHS = {
    sort: tuple((name, tuple(path.split("."))) for name, path in (*moved, *_MOVED_ALWAYS))
    for sort, moved in _MOVED.items()
}


class Winlogbeat:
    """winlogbeat 7 and 8 (`winlog.…`, and the `_source` of Elasticsearch) and 5 and 6 (`event_data` at the top)."""

    name = "winlogbeat"

    _RENAMED = (
        ("event_id", "EventID"),
        ("channel", "Channel"),
        ("log_name", "Channel"),
        ("provider_name", "Provider_Name"),
        ("source_name", "Provider_Name"),
        ("provider_guid", "ProviderGuid"),
        ("computer_name", "Computer"),
        ("record_id", "EventRecordID"),
        ("record_number", "EventRecordID"),
        ("task", "Task"),
        ("opcode", "Opcode"),
        ("version", "Version"),
        ("keywords", "Keywords"),
        ("activity_id", "ActivityID"),
    )

    def recognises(self, record: Record) -> bool:
        """`winlog` with an event id or channel; or an event id and a log name."""
        winlog = record.get("winlog")
        if isinstance(winlog, dict):
            return "event_id" in winlog or "channel" in winlog
        return "event_id" in record and ("log_name" in record or "source_name" in record)

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft.

        Raises:
            BadRecord: no event id.
        """
        inner = record.get("winlog")
        winlog = inner if isinstance(inner, dict) else record
        fields = {ours: winlog[theirs] for theirs, ours in self._RENAMED if theirs in winlog}
        data = _data(winlog)
        for name, value in data.items():
            put(fields, name, value)
        _put_moved(fields, record)
        if "Data" not in data and data and all(map(_PARAMETER.fullmatch, data.keys() - {"Binary"})):
            fields["Data"] = [value for name, value in data.items() if name != "Binary"]
        if "event_id" not in winlog and (code := _object(record.get("event")).get("code")) is not None:
            fields["EventID"] = code
        level = winlog.get("level", _object(record.get("log")).get("level"))
        put(fields, "Level", _LEVELS.get(str(level).lower(), level))
        put(fields, "Message", record.get("message"))
        host = _object(record.get("host"))
        put(fields, "Computer", host.get("name") if "Computer" not in fields else None)
        times = ("@timestamp", "time_created")
        return windows_draft(fields, first_instant(record, times, context.zone))


def _data(winlog: Record) -> dict[str, Any]:
    """The event's own fields; one that is named like a System field ("log cleared" has a Channel) gets a prefix."""
    data: dict[str, Any] = {}
    for section, theirs in (("EventData", "event_data"), ("UserData", "user_data")):
        for name, value in _object(winlog.get(theirs)).items():
            if name != "xml_name":
                data.setdefault(f"{section}.{name}" if name in SYSTEM_FIELDS else name, value)
    return data


def _put_moved(fields: dict[str, Any], record: Record) -> None:
    """Puts back what winlogbeat's Sysmon and Security modules moved out of `event_data` into ECS fields."""
    moved = _MOVED_PATHS.get((str(fields.get("Channel")), str(fields.get("EventID"))), ())
    for name, path in moved:
        value: Any = record
        for part in path:
            value = _object(value).get(part)
        put(fields, name, str(value) if isinstance(value, int) else value)
    user = _object(record.get("user"))
    if moved and fields.get("Channel") == SYSMON and isinstance(account := user.get("name"), str):
        domain = user.get("domain")
        put(fields, "User", f"{domain}\\{account}" if domain else account)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
