"""Network sensors' JSON: Zeek's logs and Suricata's EVE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.times import first_instant
from tocsin.sources.zeek import zeek_draft

Record = Mapping[str, Any]

_LOG_NAME = re.compile(
    r"([a-z][a-z0-9_]{0,40}?)(?:[._-]?\d[\d._:-]*)?\.(?:log|json|ndjson|jsonl)(?:\.[a-z0-9]+)*"
)
_EVE_CLASSES = {
    "flow": 4001,
    "netflow": 4001,
    "dns": 4003,
    "http": 4002,
    "ssh": 4007,
    "alert": 2004,
    "smb": 4006,
}
_EVE_CLASSES |= {
    "dhcp": 4004,
    "ftp": 4008,
    "smtp": 4009,
    "rdp": 4005,
    "krb5": 3002,
    "tls": 4001,
    "fileinfo": 1001,
}


def _eve_logsources(event_type: str) -> frozenset[Logsource]:
    return frozenset({Logsource("suricata", None, event_type)})


_EVE_LOGSOURCES = {event_type: _eve_logsources(event_type) for event_type in _EVE_CLASSES}


class SuricataEve:
    """Suricata's eve.json (its manual, "Eve JSON Format")."""

    name = "suricata"

    def recognises(self, record: Record) -> bool:
        """An event_type with Suricata's time or flow."""
        return isinstance(record.get("event_type"), str) and (
            "flow_id" in record or "src_ip" in record or record["event_type"] == "stats"
        )

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft; nested fields are reached with dots (`alert.signature`)."""
        kind = str(record.get("event_type"))
        host = record.get("host")
        return Draft(
            fields=dict(record),
            logsources=_EVE_LOGSOURCES.get(kind) or _eve_logsources(kind),
            kind=f"suricata/{kind}" if kind in _EVE_CLASSES else "suricata/other",
            time=first_instant(record, ("timestamp", "@timestamp"), context.zone),
            host=host if isinstance(host, str) else None,
            ocsf_class=_EVE_CLASSES.get(kind, 0),
        )


class ZeekJson:
    """Zeek's logs in JSON (`LogAscii::use_json`, json-streaming-logs): the log's name is `_path`, or the file's."""

    name = "zeek-json"

    def recognises(self, record: Record) -> bool:
        """Zeek's own stamps: `_path` with a time, or `ts` with a connection's uid or end points."""
        if "_path" in record:
            return "ts" in record or "_write_ts" in record
        return "ts" in record and (
            "uid" in record or "id.orig_h" in record or "fuid" in record or "certificate.serial" in record
        )

    def draft(self, record: Record, context: ReadContext) -> Draft:
        """The draft, under Zeek's own dotted names; an `id` object is spread into them."""
        inner = record.get("id")
        if isinstance(inner, dict):
            record = {**{f"id.{name}": value for name, value in inner.items()}, **record}
        path = record.get("_path")
        log = path if isinstance(path, str) and path else _name_of(context.source)
        return zeek_draft(log, record, first_instant(record, ("ts", "_write_ts"), context.zone))


def _name_of(source: str) -> str:
    """The log's name from a file's: `conn` of `logs/conn.08:00:00-09:00:00.log.gz`."""
    name = re.split(r"[/\\!]", source)[-1].lower()
    match = _LOG_NAME.fullmatch(name)
    return match[1] if match else "unknown"


OBJECT_FORMATS = (SuricataEve(), ZeekJson())
"""In the order in which they are asked."""
