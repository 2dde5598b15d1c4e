"""systemd's journal as `journalctl -o json` writes it (systemd.journal-fields(7), "Journal JSON Format")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.syslog_header import FACILITIES, SEVERITIES, SyslogLine
from tocsin.sources.text.syslog_message import syslog_draft
from tocsin.sources.times import first_instant

Record = Mapping[str, Any]


class Journald:
    """Journal entries: what a syslog line of the same program would be, with the journal's own fields beside."""

    name = "journald"

    def recognises(self, record: Record) -> bool:
        """The journal's own stamps."""
        return "__REALTIME_TIMESTAMP" in record or ("MESSAGE" in record and "_HOSTNAME" in record)

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft.

        Raises:
            BadRecord: the message is in a format of its own, and broken.
        """
        line = SyslogLine(
            message=_text(record.get("MESSAGE")) or "",
            form="rfc5424",
            time=_time(record),
            host=_text(record.get("_HOSTNAME")),
            app=_text(record.get("SYSLOG_IDENTIFIER")) or _text(record.get("_COMM")),
            pid=_text(record.get("_PID")) or _text(record.get("SYSLOG_PID")),
            facility=_named(record.get("SYSLOG_FACILITY"), FACILITIES),
            severity=_named(record.get("PRIORITY"), SEVERITIES),
        )
        draft = syslog_draft(line, context)
        for name, value in record.items():
            draft.fields.setdefault(name, value)
        return draft


def _time(record: Record) -> int | None:
    """Both stamps are microseconds since 1970."""
    for name in ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"):
        value = record.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
            return int(value)
    return first_instant(record, ("@timestamp", "timestamp"))


def _text(value: Any) -> str | None:
    """A field's text: bytes that are no UTF-8 come as an array of numbers, a repeated field as a list."""
    if isinstance(value, list) and value and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, list):
        value = value[-1] if value else None
    return value if isinstance(value, str) else None


def _named(value: Any, names: tuple[str, ...]) -> str | None:
    number = (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4
        else -1
    )
    return names[number] if 0 <= number < len(names) else None


OBJECT_FORMATS = (Journald(),)
"""In the order in which they are asked."""
