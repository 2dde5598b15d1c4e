"""Any other JSON object: kept under its own names, with its time, host and user guessed from the usual names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.times import first_instant

Record = Mapping[str, Any]

_TIMES = (
    "@timestamp", "timestamp", "time", "TimeGenerated", "EventTime", "eventTime", "event_time", "datetime", "date", "ts",
    "_time", "Timestamp", "created_at", "createdAt", "published", "syslog_timestamp", "occurred_at",
)  # fmt: skip
_HOSTS = (
    "host",
    "hostname",
    "Computer",
    "Hostname",
    "HostName",
    "computer",
    "device",
    "agent",
    "machine",
    "host_name",
)
_USERS = ("user", "username", "User", "userName", "UserName", "user_name", "account", "actor", "userId")


class GenericJson:
    """The last resort: it takes everything and claims no logsource."""

    name = "json"

    def recognises(self, record: Record) -> bool:
        """Always."""
        del record
        return True

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft."""
        return Draft(
            fields=dict(record),
            logsources=frozenset(),
            kind="json",
            time=first_instant(record, _TIMES, context.zone),
            host=_first_name(record, _HOSTS),
            user=_first_name(record, _USERS),
        )


def _first_name(record: Record, names: tuple[str, ...]) -> str | None:
    """The first of the fields `names` that is text, or an object with a `name`."""
    for name in names:
        value = record.get(name)
        if isinstance(value, dict):
            value = value.get("name", value.get("hostname"))
        if isinstance(value, str) and value:
            return value
    return None
