"""The bodies of OTLP/HTTP's `/v1/logs` (`ExportLogsServiceRequest`), in protobuf or JSON, told apart into log records.

Source: OpenTelemetry Protocol specification 1.7, "OTLP/HTTP"; `logs.proto`. Intake checks with `check`, the engine reads with
`read`: one walk, so that both count alike. A record that cannot be taken is rejected alone, which the answer says as
a partial success; a body that is none is refused whole. A record that turns out unreadable later is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tocsin.config import bounds
from tocsin.sources.listened.json_bodies import why_no_object
from tocsin.sources.listened.otlp_pieces import PROTOBUF, Piece, last, messages, pieces
from tocsin.sources.listened.otlp_values import (
    Budget,
    json_pairs,
    json_value,
    signed,
    text,
    whole,
    wire_pairs,
    wire_value,
)
from tocsin.sources.protobuf_wire import BadMessage, wire_fields

_NANO: Final = 1_000
_PATHS: Final = ("log.file.path", "log.file.name", "service.name")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a body holds: records that are taken, others that are not, and why the first of those."""

    taken: int
    rejected: int
    why: str


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record.

    Attributes:
        body: Text, or whatever was logged; None where it has none.
        time: Instant of the event, or else of its observation; None where it says neither.
        host: `host.name` of the record or its resource.
        fields: The attributes of record, scope and resource, and what else the record says of itself.
        origin: What records of one format have in common, most likely.
    """

    body: Any
    time: int | None = None
    host: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    origin: tuple[str, ...] = ()


def check(body: bytes, coding: str) -> Checked:
    """What `body` holds.

    Raises:
        BadMessage: it is no such request, or holds too many records.
    """
    taken = rejected = 0
    why = ""
    for piece in pieces(body, coding):
        if piece.why:
            rejected, why = rejected + 1, why or piece.why
        else:
            taken += 1
        if taken + rejected > bounds.BODY_RECORDS:
            raise BadMessage(f"more than {bounds.BODY_RECORDS} log records in one request")
    return Checked(taken, rejected, why)


def read(body: bytes, coding: str) -> Iterator[LogRecord | BadMessage]:
    """The records of `body` that were taken, in order; for one that cannot be read what is wrong with it.

    Raises:
        BadMessage: as `check`, where it is met.
    """
    known: dict[tuple[bytes, bytes], Mapping[str, Any] | BadMessage] = {}
    for piece in pieces(body, coding):
        if piece.why:
            continue
        around = known.get((piece.resource, piece.scope))
        if around is None:
            known.clear()  # they come one after the other
            around = known[piece.resource, piece.scope] = _around(piece, coding)
        try:
            if isinstance(around, BadMessage):
                raise around
            yield (
                _wire_record(piece.record, around)
                if coding == PROTOBUF
                else _json_record(piece.record, around)
            )
        except (BadMessage, msgspec.MsgspecError, ValueError, RecursionError) as error:
            yield BadMessage(f"the log record cannot be read: {error}")


def _around(piece: Piece, coding: str) -> Mapping[str, Any] | BadMessage:
    """The fields that all records of a scope have in common."""
    try:
        budget = Budget()
        if coding == PROTOBUF:
            places = [(low, high) for _, low, high in messages(piece.resource, 0, len(piece.resource), 1)]
            resource = wire_pairs(piece.resource, places, budget)
            scope: dict[str, Any] = {
                name: text(last(piece.scope, 0, len(piece.scope), number))
                for number, name in ((1, "otel.scope.name"), (2, "otel.scope.version"))
            }
            places = [(low, high) for _, low, high in messages(piece.scope, 0, len(piece.scope), 3)]
            attributes = wire_pairs(piece.scope, places, budget)
        else:
            resource = json_pairs(_object(piece.resource).get("attributes"), budget)
            given = _object(piece.scope)
            scope = {f"otel.scope.{name}": given.get(name, "") for name in ("name", "version")}
            attributes = json_pairs(given.get("attributes"), budget)
    except (BadMessage, msgspec.MsgspecError, ValueError, RecursionError) as error:
        return BadMessage(str(error))
    return (
        attributes
        | resource
        | {name: value for name, value in scope.items() if isinstance(value, str) and value}
    )


def _object(raw: bytes) -> Mapping[str, Any]:
    if not raw or raw == b"null":
        return {}
    if why := why_no_object(raw):
        raise BadMessage(why)
    found: Mapping[str, Any] = msgspec.json.decode(raw)
    return found


def _wire_record(data: bytes, around: Mapping[str, Any]) -> LogRecord:
    budget = Budget()
    body: Any = None
    places: list[tuple[int, int]] = []
    times = {1: 0, 11: 0}
    own: dict[str, Any] = {}
    for number, kind, low, high in wire_fields(data):
        if number in times and kind == 1:
            times[number] = int.from_bytes(data[low:high], "little")
        elif number == 2 and kind == 0:
            own["severity_number"] = signed(low)
        elif number == 5 and kind == 2:
            body = wire_value(data, low, high, budget)
        elif number == 6 and kind == 2:
            places.append((low, high))
        elif kind == 2 and number in _TEXTS:
            own[_TEXTS[number]] = text(data[low:high])
        elif kind == 2 and number in _IDS and low < high:
            own[_IDS[number]] = data[low:high].hex()
    return _record(body, times[1] or times[11], own, wire_pairs(data, places, budget), around)


_TEXTS: Final = {3: "severity_text", 12: "event_name"}
_IDS: Final = {9: "trace_id", 10: "span_id"}
_OWN: Final = {
    "severityText": "severity_text", "eventName": "event_name", "traceId": "trace_id", "spanId": "span_id",
}  # fmt: skip


def _json_record(raw: bytes, around: Mapping[str, Any]) -> LogRecord:
    given = msgspec.json.decode(raw)
    budget = Budget()
    body = None if given.get("body") is None else json_value(given["body"], budget)
    own: dict[str, Any] = {
        ours: given[theirs]
        for theirs, ours in _OWN.items()
        if isinstance(given.get(theirs), str) and given[theirs]
    }
    if given.get("severityNumber") is not None:
        own["severity_number"] = whole(given["severityNumber"])
    time = whole(given.get("timeUnixNano")) or whole(given.get("observedTimeUnixNano"))
    return _record(body, time, own, json_pairs(given.get("attributes"), budget), around)


def _record(
    body: Any,
    nanoseconds: int,
    own: Mapping[str, Any],
    attributes: Mapping[str, Any],
    around: Mapping[str, Any],
) -> LogRecord:
    own = {name: value for name, value in own.items() if value != ""}
    fields = {**around, **own, **attributes}
    host = fields.get("host.name")
    origin = tuple(value for name in _PATHS if isinstance(value := fields.get(name), str))
    time = nanoseconds // _NANO if nanoseconds > 0 else None
    return LogRecord(body, time, host if isinstance(host, str) and host else None, fields, origin)
