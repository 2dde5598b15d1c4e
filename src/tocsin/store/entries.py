"""What the write-ahead log carries, and its form in bytes.

Payloads are msgpack (msgspec). A file scan's events travel parsed *and* raw: see docs/decisions/0010-parsed-events-in-the-log.md. Text that is
no Unicode (lone surrogates, from file names or damaged records) and integers over 64 bits have no msgpack form; an
event that holds any travels as ASCII JSON text in its place, so that everything that went in comes out the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import msgspec

from tocsin.config import bounds
from tocsin.records.event import Auth, Event, EventBatch, Logsource, SetAside
from tocsin.records.received import Received


@dataclass(frozen=True, slots=True)
class Events:
    """Events that were read, in order, and the records set aside between them."""

    batch: EventBatch


@dataclass(frozen=True, slots=True)
class RuleSet:
    """From here on, events are judged with this version of the rules."""

    version: str
    rules: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """From here on, these settings hold."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Watermark:
    """No event older than `instant` will come."""

    instant: int


@dataclass(frozen=True, slots=True)
class Passed:
    """Time passed: what comes after this was taken in at `instant` or later. Written where nothing else says so."""

    instant: int


@dataclass(frozen=True, slots=True)
class StreamBegun:
    """A stream was recognised; see `streams.py`.

    Attributes:
        fingerprint: SHA-256 over its head and member name.
        head: Length of that head in bytes.
        size: Bytes of content that were measured.
        digest: SHA-256 over them, 64 hexadecimal digits.
    """

    stream: str
    fingerprint: str
    head: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """All of a stream was read: `records` ordinals from `size` bytes of content with SHA-256 `digest`."""

    stream: str
    records: int
    size: int
    digest: str


Entry = Events | Passed | Received | RuleSet | Settings | Watermark | StreamBegun | StreamEnded

_EVENTS: Final = 1
_NOTES: Final[
    dict[int, type[RuleSet | Settings | Watermark | StreamBegun | StreamEnded | Received | Passed]]
] = {
    2: RuleSet,
    3: Settings,
    4: Watermark,
    5: StreamBegun,
    6: StreamEnded,
    7: Received,
    8: Passed,
}
_KIND_OF: Final = {kind: number for number, kind in _NOTES.items()}


class _Row(msgspec.Struct, array_like=True, frozen=True):
    """An `Event` as an array."""

    stream: str
    seq: int
    time: int
    ingest: int
    logsources: list[tuple[str | None, str | None, str | None]]
    fields: dict[str, Any]
    raw: str
    source: str
    format: str
    host: str | None
    user: str | None
    kind: str
    ocsf_class: int
    auth: str
    origin: str
    time_known: bool
    site: str


class _Aside(msgspec.Struct, array_like=True, frozen=True):
    """A `SetAside` as an array."""

    source: str
    record: int | None
    offset: int | None
    reason: str
    raw: str


class _Payload(msgspec.Struct, array_like=True, frozen=True):
    """An event batch; a `str` is the JSON of a row that msgpack cannot hold."""

    events: list[_Row | str]
    set_aside: list[_Aside | str]


_Packed = TypeVar("_Packed", _Row, _Aside)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Payload)


def encode(entry: Entry) -> Iterator[tuple[int, bytes]]:
    """The frames (kind, payload) of `entry`: one, or more where a batch is larger than a frame may be."""
    if isinstance(entry, Events):
        yield from _encode_batch(entry.batch.events, entry.batch.set_aside)
    else:
        yield _KIND_OF[type(entry)], _pack(entry)


def decode(kind: int, payload: bytes) -> Entry:
    """The entry that was encoded.

    Raises:
        ValueError: the frame is of an unknown kind or its payload is not of its kind's form.
    """
    if kind == _EVENTS:
        return Events(_decode_batch(payload))
    if kind not in _NOTES:
        raise ValueError(f"frame kind {kind} is unknown")
    return msgspec.msgpack.decode(payload, type=_NOTES[kind])


def _encode_batch(events: tuple[Event, ...], aside: tuple[SetAside, ...]) -> Iterator[tuple[int, bytes]]:
    payload = _pack(
        _Payload(
            [_row(event) for event in events],
            [_Aside(a.source, a.record, a.offset, a.reason, a.raw) for a in aside],
        )
    )
    if len(payload) <= bounds.WAL_FRAME_BYTES:
        yield _EVENTS, payload
    elif events and aside:
        yield from _encode_batch(events, ())
        yield from _encode_batch((), aside)
    elif len(events) + len(aside) > 1:
        yield from _encode_batch(events[: len(events) // 2], aside[: len(aside) // 2])
        yield from _encode_batch(events[len(events) // 2 :], aside[len(aside) // 2 :])
    else:
        yield from _encode_batch((), tuple(map(_oversized, events)))


def _oversized(event: Event) -> SetAside:
    reason = f"the record takes more than {bounds.WAL_FRAME_BYTES} bytes and cannot be stored"
    return SetAside(event.source, event.seq, None, reason, event.raw[: bounds.SET_ASIDE_RAW_CHARS])


def _row(event: Event) -> _Row:
    return _Row(
        event.stream, event.seq, event.time, event.ingest, [(one[0], one[1], one[2]) for one in event.logsources],
        cast("dict[str, Any]", event.fields), event.raw, event.source, event.format, event.host, event.user,
        event.kind, event.ocsf_class, event.auth, event.origin, event.time_known, event.site,
    )  # fmt: skip


def _pack(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, OverflowError):
        if not isinstance(value, _Payload):
            raise
        return _ENCODER.encode(_Payload(list(_each(value.events)), list(_each(value.set_aside))))


def _each(rows: Iterable[Any]) -> Iterator[Any]:
    """Each row as it is where msgpack can hold it, else as JSON text."""
    for row in rows:
        try:
            _ENCODER.encode(row)
            yield row
        except (UnicodeEncodeError, OverflowError):
            yield json.dumps([getattr(row, name) for name in row.__struct_fields__])


def _unpacked(text: str, form: type[_Packed]) -> _Packed:
    """The row that `_each` wrote as JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.convert(json.loads(text), form)
    except RecursionError as error:
        raise ValueError("a row nests too deep") from error


def _decode_batch(payload: bytes) -> EventBatch:
    decoded = _DECODER.decode(payload)
    logsources: dict[tuple[Any, ...], frozenset[Logsource]] = {}
    events = []
    for packed in decoded.events:
        row = _unpacked(packed, _Row) if isinstance(packed, str) else packed
        key = tuple(map(tuple, row.logsources))
        known = logsources.get(key)
        if known is None:
            known = logsources[key] = frozenset(Logsource(*one) for one in key)
        events.append(_event(row, known))
    asides = (_unpacked(one, _Aside) if isinstance(one, str) else one for one in decoded.set_aside)
    return EventBatch(
        tuple(events), tuple(SetAside(a.source, a.record, a.offset, a.reason, a.raw) for a in asides)
    )


def _event(row: _Row, logsources: frozenset[Logsource]) -> Event:
    return Event(
        row.stream, row.seq, row.time, row.ingest, logsources, row.fields, row.raw, row.source, row.format, row.host,
        row.user, row.kind, row.ocsf_class, cast("Auth", row.auth), row.origin, row.time_known, row.site,
    )  # fmt: skip
