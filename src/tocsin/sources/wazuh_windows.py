"""Wazuh's records of Windows events, as alerts.json and archives.json hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
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

_NAME_CHARS = 64


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
        return isinstance(_object(_wazuh_data(record).get("win")).get("system"), dict)

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
    return value if isinstance(value, dict) else {}


def _wazuh_data(record: Record) -> Mapping[str, Any]:
    return _object(record.get("data", record))


def _add_native(fields: dict[str, Any], section: Mapping[str, Any]) -> None:
    for name, value in section.items():
        if isinstance(value, dict):
            _add_native(fields, value)
            continue
        plain = _unescaped(value)
        for native in _known_names(name) if len(name) <= _NAME_CHARS else _native_names(name):
            fields.setdefault(native, plain)


def _native_names(name: str) -> tuple[str, ...]:
    """What the provider may call what Wazuh calls `name`."""
    if _PARAMETER.fullmatch(name):
        return (name,)
    upper = name[:1].upper() + name[1:]
    return (name, upper) if name in _LOWER_NATIVE else (upper,)


_known_names = lru_cache(maxsize=4096)(_native_names)


def _unescaped(value: Any) -> Any:
    """`value` with Wazuh's own escaping undone, where every backslash in it is an escaped one."""
    if isinstance(value, list):
        return [_unescaped(part) for part in value]
    if not isinstance(value, str) or "\\" not in value:
        return value
    parts = value.split(
        "\\\\"
    )  # at each pair from the left: what is left of a run before a quote is that quote's
    if any("\\" in part.replace('\\"', "") for part in parts):
        return value
    return "\\".join(part.replace('\\"', '"') for part in parts)
