"""The bodies of Splunk's HTTP Event Collector, `/services/collector/event` and `/raw`, told apart into records.

Source: Splunk Enterprise, "Format events for HTTP Event Collector" and "Troubleshoot HTTP Event Collector" (reply
codes). An event is an object with the key `event` (text, object, anything) and, all optional, `time` (seconds since
1970), `host`, `source`, `sourcetype`, `index`, `fields`. A body holds them one after the other, with white space between
them or none, or in one array.

Intake checks with `check_events`, the engine reads with `event_objects`: one walk, so that both count alike. Splunk keeps
the events before a broken one; here a body is taken whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tocsin.config import bounds
from tocsin.sources.listened.json_bodies import is_nested_deeper, mended, value_end

NO_DATA, INVALID_FORMAT, EVENT_REQUIRED, EVENT_BLANK = 5, 6, 12, 13
"""Splunk's reply codes for a body; each goes with HTTP status 400."""

_TEXTS = {
    NO_DATA: "No data",
    INVALID_FORMAT: "Invalid data format",
    EVENT_REQUIRED: "Event field is required",
    EVENT_BLANK: "Event field cannot be blank",
}
_DEPTH = bounds.JSON_DEPTH + 1  # the object around the event counts too
_WHITE = b" \t\r\n"
_NEXT = re.compile(rb"\}[ \t\r\n]*+\{")
_NEXT_ELEMENT = re.compile(rb"\}[ \t\r\n]*+(?:,[ \t\r\n]*+\{|\][ \t\r\n]*+\Z)")
_ARRAY_END = re.compile(rb"\][ \t\r\n]*+\Z")
_GAP = re.compile(rb"[ \t\r\n]*+")


class BadBody(ValueError):  # noqa: N818  named for what it is about
    """A body that is not taken in.

    Attributes:
        code: Splunk's reply code.
        text: Splunk's text for it.
        event_number: Ordinal of the event that is at fault (`invalid-event-number`), None where none is.
    """

    def __init__(self, code: int, event_number: int | None = None, text: str = "") -> None:
        self.code = code
        self.text = text or _TEXTS[code]
        self.event_number = event_number
        super().__init__(self.text)


class HecEvent(msgspec.Struct, gc=False):
    """One event as it was sent; `event` is its JSON text."""

    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    time: Any = None
    host: Any = None
    source: Any = None
    sourcetype: Any = None
    fields: Any = None

    @property
    def text(self) -> bytes:
        """The event's JSON text; empty where it has none."""
        return b"" if isinstance(self.event, msgspec.UnsetType) else bytes(self.event)


_EVENT = msgspec.json.Decoder(HecEvent)
_ARRAY = msgspec.json.Decoder(list[HecEvent])


def check_events(body: bytes) -> int:
    """How many events `body` holds.

    Raises:
        BadBody: it is not taken in: no UTF-8, no such objects, nested deeper than `bounds.JSON_DEPTH`, more than
            `bounds.BODY_RECORDS`.
    """
    plain = _plain_events(body)  # `mended` or not: that changes no count
    return len(plain) if plain is not None else sum(1 for _ in _each_event(body))


def event_objects(body: bytes) -> Iterator[HecEvent]:
    """Each event of `body`, in order.

    Raises:
        BadBody: as `check_events`, at the event where it is found; before the first one where `body` is no UTF-8.
    """
    body = mended(body)
    plain = _plain_events(body)
    yield from plain if plain is not None else _each_event(body)


def _plain_events(body: bytes) -> Sequence[HecEvent] | None:
    """All events of a body that is whole, decoded at once: the quick way of most bodies.

    None where there may be something to refuse, which `_each_event` then finds and names; it gives the same events.
    """
    opens = body.count(b"{")
    if not 0 < opens <= bounds.BODY_RECORDS:  # there are no more events than that
        return None
    try:
        body.decode()
        # it takes objects with white space between them or none, not only lines
        events = _ARRAY.decode(body) if body.lstrip(_WHITE).startswith(b"[") else _EVENT.decode_lines(body)
    except (ValueError, RecursionError):
        return None
    lists = b"[" in body
    opens += body.count(b"[") if lists else 0
    within = most = 0
    for event in events:
        text = event.text
        if not text.startswith(b'{"') and _fault(text):
            return None
        inside = text.count(b"{") + (text.count(b"[") if lists else 0)
        within += inside
        most = max(most, inside)
    around = (
        opens - within - len(events) + 1
    )  # at most so many that belong to one event and stand outside its text
    return events if events and around + most <= _DEPTH else None


def _each_event(body: bytes) -> Iterator[HecEvent]:
    """Each event of `body`, found and checked one after the other.

    Raises:
        BadBody: as `event_objects`.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        raise BadBody(INVALID_FORMAT, 0, "Invalid data format: no UTF-8") from None
    body = mended(body)
    number = 0
    for event, piece in _pieces(body):
        if number >= bounds.BODY_RECORDS:
            raise _too_many(number)
        _refuse_bad(event, piece, number)
        yield event
        number += 1
    if not number:
        raise BadBody(NO_DATA)


def check_lines(body: bytes) -> int:
    """How many lines of a raw body are records: all but blank ones.

    Raises:
        BadBody: none is, or more than `bounds.BODY_RECORDS` are.
    """
    count = sum(1 for _ in raw_lines(body))
    if not count:
        raise BadBody(NO_DATA)
    if count > bounds.BODY_RECORDS:
        raise _too_many(bounds.BODY_RECORDS)
    return count


def raw_lines(body: bytes) -> Iterator[bytes]:
    """Each line of a raw body that is not blank, without its line end."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        line = body[start:end].rstrip(b"\r")
        if line.strip(b" \t\r\0"):
            yield line
        start = end + 1


def _pieces(body: bytes) -> Iterator[tuple[HecEvent, bytes]]:
    """Each event with its own JSON text."""
    at, number = _after_gap(body, 0), 0
    in_array = body.startswith(b"[", at)
    if in_array:
        at = _after_gap(body, at + 1)
        if _ARRAY_END.match(body, at):
            return
    while at < len(body):
        event, end = _piece(body, at, _NEXT_ELEMENT if in_array else _NEXT)
        if event is None:
            raise BadBody(INVALID_FORMAT, number)
        yield event, body[at:end]
        number += 1
        at = _after_gap(body, end)
        if in_array:
            if _ARRAY_END.match(body, at):
                return
            if not body.startswith(b",", at):
                break
            at = _after_gap(body, at + 1)
    if in_array:
        raise BadBody(INVALID_FORMAT, number)


def _piece(body: bytes, at: int, border: re.Pattern[bytes]) -> tuple[HecEvent | None, int]:
    """The event at `at` and where it ends; None where there is none."""
    found = border.search(body, at)
    end = found.start() + 1 if found else len(body)
    event = _decoded(body[at:end])
    if event is None:  # such a border may stand inside a text, or an event's own list
        end = value_end(body, at, _DEPTH) if body.startswith(b"{", at) else 0
        event = _decoded(body[at:end])
    return event, end


def _too_many(number: int) -> BadBody:
    return BadBody(INVALID_FORMAT, number, f"Invalid data format: more than {bounds.BODY_RECORDS} events")


def _after_gap(body: bytes, at: int) -> int:
    gap = _GAP.match(body, at)
    return gap.end() if gap else at


def _decoded(piece: bytes) -> HecEvent | None:
    try:
        return _EVENT.decode(piece)
    except (ValueError, RecursionError):
        return None


def _refuse_bad(event: HecEvent, piece: bytes, number: int) -> None:
    if code := _fault(event.text):
        raise BadBody(code, number)
    if is_nested_deeper(piece, _DEPTH):
        raise BadBody(INVALID_FORMAT, number)


def _fault(text: bytes) -> int:
    """The reply code for an event of that JSON text where it says nothing, 0 where it says something."""
    if not text or text == b"null":
        return EVENT_REQUIRED
    blank = text == b'""' or (text[:1] in (b"{", b"[") and not text[1:-1].strip(_WHITE))
    return EVENT_BLANK if blank else 0
