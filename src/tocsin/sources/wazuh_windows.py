"""Wazuh's records of Windows events, as alerts.json and archives.json hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.times import first_instant
from tocsin.sources.windows_fields import windows_draft

Record = Mapping[str, Any]

_PARAMETER = re.compile(r"param[0-9]{1,3}")
_LOWER_NATIVE = frozenset(
    {"processPath", "processId", "subjectName", "jobTitle", "jobId", "jobOwner", "queryid", "payload"}
)
"""Names that some provider writes with a small letter; Wazuh does not tell, so they are given both ways."""

_ESCAPED = re.compile(r'(?:[^\\]|\\[\\"])*', re.DOTALL)
_ESCAPE = re.compile(r'\\([\\"])')


class WazuhWindows:
    """Wazuh's alerts.json and archives.json of Windows agents: `data.win.system`, `data.win.eventdata`.

    Wazuh writes the names with a small first letter and escapes backslashes and quotes once more; both are undone.
    """

    name = "wazuh"

    _SYSTEM = (
        ("eventID", "EventID"),
        ("channel", "Channel"),
        ("providerName", "Provider_Name"),
        ("providerGuid", "ProviderGuid"),
        ("computer", "Computer"),
        ("eventRecordID", "EventRecordID"),
        ("level", "Level"),
        ("task", "Task"),
        ("opcode", "Opcode"),
        ("keywords", "Keywords"),
        ("version", "Version"),
        ("processID", "ExecutionProcessID"),
        ("threadID", "ExecutionThreadID"),
        ("message", "Message"),
    )

    def recognises(self, record: Record) -> bool:
        """There is a `win.system`."""
        return isinstance(_object(_wazuh_data(record).get("win")).get("system"), Mapping)

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft.

        Raises:
            BadRecord: no event id.
        """
        win = _object(_wazuh_data(record).get("win"))
        system = _object(win.get("system"))
        fields = {ours: _unescaped(system[theirs]) for theirs, ours in self._SYSTEM if theirs in system}
        for section in ("eventdata", "userdata"):
            _add_native(fields, _object(win.get(section)))
        time = first_instant(system, ("systemTime",), context.zone)
        if time is None:
            time = first_instant(record, ("timestamp", "@timestamp"), context.zone)
        return windows_draft(fields, time)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _wazuh_data(record: Record) -> Mapping[str, Any]:
    return _object(record.get("data", record))


def _add_native(fields: dict[str, Any], section: Mapping[str, Any]) -> None:
    for name, value in section.items():
        if isinstance(value, Mapping):
            _add_native(fields, value)
            continue
        plain = _unescaped(value)
        if _PARAMETER.fullmatch(name) or name in _LOWER_NATIVE:
            fields.setdefault(name, plain)
        if not _PARAMETER.fullmatch(name):
            fields.setdefault(name[:1].upper() + name[1:], plain)


def _unescaped(value: Any) -> Any:
    """`value` with Wazuh's own escaping undone, where every backslash in it is an escaped one."""
    if isinstance(value, list):
        return [_unescaped(part) for part in value]
    if not isinstance(value, str) or "\\" not in value or not _ESCAPED.fullmatch(value):
        return value
    return _ESCAPE.sub(r"\1", value)
