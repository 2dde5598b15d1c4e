"""Windows events as shippers and exports write them into JSON: each shape an `ObjectFormat`.

Every shape ends in the same fields (`windows_fields.windows_draft`), so that one rule fits them all: `EventID` as a
number, `Channel` in Windows' own spelling, `Provider_Name`, `Computer`, and the event's data under its native names.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.csv_windows import message_fields
from tocsin.sources.times import first_instant
from tocsin.sources.wazuh_windows import WazuhWindows
from tocsin.sources.windows_event import event_draft, xml_event
from tocsin.sources.windows_fields import draft_inputs, unspelt, windows_draft
from tocsin.sources.windows_logsources import POWERSHELL_CLASSIC
from tocsin.sources.winlogbeat import Winlogbeat

Record = Mapping[str, Any]


class EvtxJson:
    """evtx_dump, the `evtx` package, and XML turned into JSON: `{"Event": {"System": …}}`."""

    name = "evtx"

    def recognises(self, record: Record) -> bool:
        """An `Event` with `System`, or the two without their wrapper."""
        event = record.get("Event")
        if isinstance(event, Mapping):
            return "System" in event
        return isinstance(record.get("System"), Mapping) and ("EventData" in record or "UserData" in record)

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft.

        Raises:
            BadRecord: no System section, no EventID.
        """
        del context  # its times are UTC
        return event_draft(record.get("Event", record))


class FlatWindows:
    """One flat object an event, as NXLog and the OTRF/Mordor recordings have it: native names beside `EventID`, `Channel`."""

    name = "windows-json"

    def recognises(self, record: Record) -> bool:
        """An EventID with something that names the log, the provider or the machine."""
        if "EventID" not in record:
            return False
        return "Channel" in record or any(name in record for name in _FLAT_MARKS)

    def draft(self, record: dict[str, Any], context: ReadContext) -> Draft:
        """The draft.

        Raises:
            BadRecord: no EventID.
        """
        time = first_instant(record, _FLAT_TIMES, context.zone)
        if time is None:
            time = first_instant(record, ("UtcTime",))
        for ours, theirs in _FLAT_NAMES:
            if ours not in record:
                for name in theirs:
                    if value := record.get(name):
                        record[ours] = value
                        break
        data = record.get("EventData")
        if isinstance(data, str) and data.lstrip().startswith("<"):
            _add_xml_data(record, data)
            return windows_draft(record, time)
        if isinstance(data, dict):
            for name, value in data.items():
                record.setdefault(name, value)
        draft = windows_draft(record, time)
        draft.unspelt = unspelt(draft)
        return draft


class GetWinEvent:
    """`Get-WinEvent | ConvertTo-Json`: `Id`, `LogName`, `ProviderName`, the rendered message and unnamed properties."""

    name = "get-winevent"

    _RENAMED = (
        ("Id", "EventID"),
        ("LogName", "Channel"),
        ("ProviderName", "Provider_Name"),
        ("MachineName", "Computer"),
        ("RecordId", "EventRecordID"),
        ("ProcessId", "ExecutionProcessID"),
        ("ThreadId", "ExecutionThreadID"),
    )
    _KEPT = (
        "Level",
        "Task",
        "Opcode",
        "Keywords",
        "Version",
        "Message",
        "LevelDisplayName",
        "TaskDisplayName",
    )

    def recognises(self, record: Record) -> bool:
        """`Id` with `LogName` or `ProviderName`."""
        return "Id" in record and ("LogName" in record or "ProviderName" in record) and "Message" in record

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft; the event's data is read back from its message.

        Raises:
            BadRecord: no event id.
        """
        fields = {ours: record[theirs] for theirs, ours in self._RENAMED if record.get(theirs) is not None}
        fields |= {name: record[name] for name in self._KEPT if record.get(name) is not None}
        if isinstance(message := record.get("Message"), str):
            for name, value in message_fields(message).items():
                fields.setdefault(name, value)
        properties = record.get("Properties")
        if isinstance(properties, list) and properties:
            values = [part.get("Value") if isinstance(part, Mapping) else part for part in properties]
            fields.setdefault("Data", values)
        return windows_draft(fields, first_instant(record, ("TimeCreated",), context.zone))


class EventXmlInside:
    """A record of another product that carries the event as XML text: Sentinel's Syslog table, Sysmon for Linux."""

    name = "event-xml"

    _HOLDERS = (
        "SyslogMessage",
        "Message",
        "message",
        "MESSAGE",
        "EventXml",
        "Xml",
        "xml",
        "RenderedXml",
        "_raw",
    )

    def recognises(self, record: Record) -> bool:
        """A known text field starts like an event."""
        return self._text(record) is not None

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft of the event inside; the record's own fields stand beside its fields.

        Raises:
            BadRecord: the XML is broken, or no event.
        """
        text = self._text(record)
        if text is None:
            raise BadRecord("there is no event XML in it")
        del context  # its times are UTC
        draft = event_draft(xml_event(text)["Event"])
        holder = next(name for name in self._HOLDERS if record.get(name) == text)
        for name, value in record.items():
            if name != holder:
                draft.fields.setdefault(name, value)
        return draft

    def _text(self, record: Record) -> str | None:
        for name in self._HOLDERS:
            value = record.get(name)
            if isinstance(value, str) and value.startswith("<Event") and value[6:7] in (">", " "):
                return value
        return None


_FLAT_TIMES = ("TimeCreated", "SystemTime", "@timestamp", "EventTime", "TimeGenerated", "timestamp")
_FLAT_MARKS = ("SourceName", "ProviderName", "Provider_Name", "EventLog")
_FLAT_NAMES = (
    ("Channel", ("Channel", "EventLog", "LogName")),
    ("Provider_Name", ("ProviderName", "SourceName", "Source", "EventSourceName", "Provider")),
    ("Computer", ("Hostname", "ComputerName", "MachineName", "HostName", "host")),
    ("EventRecordID", ("RecordNumber", "EventRecordId")),
)


def flat_inputs(channel: str, number: int, needed: AbstractSet[str]) -> frozenset[str]:
    """The names that a `FlatWindows` draft looks at, beside `needed`, so that all it says of these and of itself is right.

    Args:
        channel: In Windows' spelling.
        number: The EventID.
        needed: The names that are asked for.
    """
    names = {*_FLAT_TIMES, "UtcTime", "EventData"} | draft_inputs(channel, number)
    for ours, theirs in _FLAT_NAMES:
        if ours in needed or ours in names:
            names |= {ours, *theirs}
    if channel == POWERSHELL_CLASSIC and "Data" in needed:
        names.add("Message")
    return frozenset(names)


def _add_xml_data(fields: dict[str, Any], data: str) -> None:
    """Sentinel's Event and SecurityEvent tables hold the data section as XML."""
    number = fields.get("EventID")
    text = (
        f"<Event><System><EventID>{number if isinstance(number, int) else 0}</EventID></System>{data}</Event>"
    )
    try:
        inner = event_draft(xml_event(text)["Event"])
    except BadRecord:
        return  # the text stays as it is, under its own name
    for name, value in inner.fields.items():
        fields.setdefault(name, value)


OBJECT_FORMATS = (EvtxJson(), Winlogbeat(), WazuhWindows(), EventXmlInside(), FlatWindows(), GetWinEvent())
"""In the order in which they are asked."""
