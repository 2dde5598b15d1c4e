"""The JSON contract: one object a line, each with a `kind`, the last one the summary. Times are RFC 3339 UTC."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import orjson

from tocsin.records.event import SetAside
from tocsin.records.finding import Finding
from tocsin.records.incident import Told
from tocsin.records.instants import rfc3339


def emit(line: Mapping[str, Any]) -> None:
    """Writes one line to stdout. A lone surrogate from a hostile record becomes U+FFFD: JSON cannot carry it."""
    try:
        text = orjson.dumps(line)
    except TypeError:
        text = orjson.dumps(_encodable(line))
    sys.stdout.buffer.write(text + b"\n")


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    return value


def finding_line(finding: Finding) -> dict[str, Any]:
    """A finding of the contract; `source` and `record` are those of its last piece of evidence."""
    last = finding.evidence[-1]
    return {
        "kind": "finding",
        "id": finding.id,
        "detector": finding.detector,
        "rule_id": finding.rule_id,
        "rule_title": finding.rule_title,
        "level": finding.level,
        "techniques": list(finding.techniques),
        "event_ids": [str(piece.event_id) for piece in finding.evidence],
        "records": [{"source": piece.source, "record": piece.record} for piece in finding.evidence],
        "source": last.source,
        "record": last.record,
        "time": rfc3339(finding.time),
        "host": finding.hosts[0] if finding.hosts else last.host,
        "subject": str(finding.subject),
    }


def incident_line(told: Told) -> dict[str, Any]:
    """An incident of the contract, in the words that a person reads."""
    incident = told.incident
    return {
        "kind": "incident",
        "id": incident.id,
        "rank": incident.rank,
        "title": told.title,
        "severity": incident.severity,
        "status": incident.status,
        "first": rfc3339(incident.first),
        "last": rfc3339(incident.last),
        "hosts": list(incident.hosts),
        "users": list(incident.users),
        "techniques": list(incident.techniques),
        "findings": incident.count,
        "story": [sentence.text for sentence in told.story],
        "steps": list(told.steps),
    }


def set_aside_line(record: SetAside) -> dict[str, Any]:
    """A record that could not be read: where it stands and why."""
    return {
        "kind": "set_aside",
        "source": record.source,
        "record": record.record,
        "offset": record.offset,
        "reason": record.reason,
    }
