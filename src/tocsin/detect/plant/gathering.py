"""Readings that come one by one, late and out of order, made rows at a model's pace: what `grid.gridded` makes of all of
them, row by row.

1. A row is given out once the plant's own time has passed its end by the lateness; that time is the latest that a reading
   proved (no reading was made after it came), or, where nothing of the plant came for a while, the time of the log.
2. Where the last `STEADY` rows were each read within a tenth of a span, at the same place in it, a row ends there and not
   with its span: an hourly export is judged minutes after its hour, and not an hour after.
3. A reading for a row that is not after the last one given out comes too late: it is counted, and changes nothing.
4. No row is made of a span in which nothing was read; that a source is silent is told by the clock of the log (`silent`).
5. How the readings were cut into batches changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from tocsin.config import bounds
from tocsin.detect.plant.state import Damaged, Held, packed
from tocsin.records.event import AUTH_ORDER, EventId
from tocsin.records.finding import Evidence
from tocsin.records.instants import SECOND
from tocsin.records.readings import Values

STEADY: Final = 8
"""Rows read at the same place of their span after which that is taken for the source's habit."""

_STATE: Final = "grid"
_SPAN: Final = "span/"


class Piece(NamedTuple):
    """An event that readings came in, as evidence."""

    evidence: Evidence
    site: str
    origin: str


class Row(NamedTuple):
    """A row that is complete.

    Attributes:
        time: The beginning of its span.
        values: Shape (tags,); NaN where nothing was read.
        pieces: The events that its readings came in, never empty.
        read_in: For each tag that was read, by column, the index in `pieces` of its event; -1 where that was not kept.
    """

    time: int
    values: Values
    pieces: tuple[Piece, ...]
    read_in: dict[int, int]


@dataclass(slots=True)
class _Span:
    """Readings that belong to one row: by column (instant, value, index of the event or -1).

    `used`: events that were left when those without a reading were let go last.
    """

    readings: dict[int, tuple[int, float, int]] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    low: int = 0
    high: int = 0
    used: int = 0

    @property
    def size(self) -> int:
        """Characters of its events."""
        return sum(len(piece.evidence.raw) for piece in self.pieces)

    def drop_unused(self) -> None:
        """Lets events go whose readings later ones took the place of; one is always left."""
        used = sorted({index for _, _, index in self.readings.values() if index >= 0}) or [0]
        places = {index: place for place, index in enumerate(used)} | {-1: -1}
        self.pieces = [self.pieces[index] for index in used]
        self.used = len(used)
        self.readings = {
            column: (instant, value, places[index])
            for column, (instant, value, index) in self.readings.items()
        }


def lateness_of(spacing: int) -> int:
    """How late readings may come for a model of that pace, both in microseconds."""
    least, most = bounds.PLANT_LATENESS_SECONDS * SECOND, bounds.PLANT_LATENESS_MOST_SECONDS * SECOND
    return min(max(least, spacing // 10), most)


class Gathering:
    """Gathers the readings of one plant.

    Args:
        tags: How many the model has.
        spacing: Its pace, microseconds.

    Attributes:
        late: Readings that came too late since the beginning.
        heard: When the last event came in whose readings counted; None before the first, and after `end`.
        last: The last of these events.
    """

    def __init__(self, tags: int, spacing: int) -> None:
        self._tags, self._spacing = tags, max(1, spacing)
        self._lateness = lateness_of(self._spacing)
        self._spans: dict[int, _Span] = {}
        self._open = self._bytes = 0
        self._given: int | None = None
        self._proven = 0
        self._places: list[tuple[int, int]] = []
        self._touched: set[int] = set()
        self._gone: set[int] = set()
        self.late = 0
        self.heard: int | None = None
        self.last: Piece | None = None

    def take(self, instant: int, came: int, readings: dict[int, float], piece: Piece) -> int:
        """Takes the readings of one event: by column, all made at `instant`; it came in at `came`.

        Returns:
            How far behind the newest reading they are, in microseconds, where their row was given out before; else 0.
        """
        if not readings:
            return 0
        self._proven = max(self._proven, min(instant, came))
        at = instant // self._spacing
        place = instant - at * self._spacing
        if self._given is not None and at <= self._given:
            self.late += len(readings)
            if at == self._given and self._places:
                low, high = self._places[-1]
                self._places[-1] = min(low, place), max(high, place)
            return max(1, self._proven - instant)
        self.heard, self.last = max(came, self.heard or came), piece
        span = self._spans.get(at)
        if span is None:
            span = self._spans[at] = _Span(low=place, high=place)
        span.low, span.high = min(span.low, place), max(span.high, place)
        self._touched.add(at)
        self._put(span, instant, readings, piece)
        return 0

    def _put(self, span: _Span, instant: int, readings: dict[int, float], piece: Piece) -> None:
        size, index = len(piece.evidence.raw), -1
        if not span.pieces or self._bytes + size <= bounds.PLANT_OPEN_BYTES:
            index = len(span.pieces)
        kept = False
        for column, value in readings.items():
            before = span.readings.get(column)
            if before is None:
                self._open += 1
            elif before[0] > instant:
                continue
            span.readings[column], kept = (instant, value, index), True
        if not kept or index < 0:
            return
        span.pieces.append(piece)
        self._bytes += size
        if len(span.pieces) > 2 * span.used + STEADY:
            self._bytes -= span.size
            span.drop_unused()
            self._bytes += span.size

    def due(self) -> Iterator[Row]:
        """The rows that are complete by the plant's own time, oldest first; to be asked after each event."""
        yield from self._closed_by(self._proven)
        while self._open > bounds.PLANT_OPEN_READINGS or self._bytes > 2 * bounds.PLANT_OPEN_BYTES:
            yield self._give(min(self._spans))

    def due_at(self, now: int) -> Iterator[Row]:
        """The rows that are complete by the time of the log, where nothing that counts came for its lateness."""
        if self.heard is not None and now - self.heard >= self._lateness:
            yield from self._closed_by(now)

    def end(self) -> Iterator[Row]:
        """All that are left; what comes next may be of any time."""
        for at in sorted(self._spans):
            yield self._give(at)
        self._given, self._proven, self.heard = None, 0, None
        self._places.clear()

    def _closed_by(self, now: int) -> Iterator[Row]:
        while self._spans:
            at = min(self._spans)
            if at * self._spacing + self._reach() + self._lateness > now:
                return
            yield self._give(at)

    def _reach(self) -> int:
        """How long after its beginning a row ends."""
        if len(self._places) == STEADY:
            low, high = min(low for low, _ in self._places), max(high for _, high in self._places)
            if high - low <= self._spacing // 10:
                return high
        return self._spacing

    def _give(self, at: int) -> Row:
        span = self._spans.pop(at)
        self._touched.discard(at)
        self._gone.add(at)
        self._open -= len(span.readings)
        self._bytes -= span.size
        self._given = at
        self._places = [*self._places, (span.low, span.high)][-STEADY:]
        values = np.full(self._tags, np.nan)
        for column, (_, value, _) in span.readings.items():
            values[column] = value
        span.drop_unused()
        read_in = {column: index for column, (_, _, index) in span.readings.items()}
        return Row(at * self._spacing, values, tuple(span.pieces), read_in)

    def quiet_rows(self, now: int) -> float:
        """How many rows are missing by now, if nothing more comes that is older than `now`; 0 before the first row."""
        if self._given is None:
            return 0.0
        newest = max(self._spans, default=self._given)
        return (now - self._lateness - (newest + 1) * self._spacing) / self._spacing

    def move_to(self, other: Gathering, columns: Mapping[int, int]) -> None:
        """Hands to `other`, which is new and perhaps of another pace, what waits; `columns`: its column of each of ours."""
        for at in sorted(self._spans):
            span = self._spans[at]
            events: dict[tuple[int, int], dict[int, float]] = {}
            for column, (instant, value, index) in sorted(span.readings.items()):
                if column in columns:
                    events.setdefault((instant, max(index, 0)), {})[columns[column]] = value
            for (instant, index), readings in sorted(events.items()):
                other.take(instant, self.heard or instant, readings, span.pieces[index])
        if self._given is not None and self._spacing == other._spacing:
            other._given = self._given
        other._proven, other.late, other.heard, other.last = self._proven, self.late, self.heard, self.last

    def state(self) -> dict[str, bytes]:
        """What it knows, in named pieces."""
        return {_STATE: self._state(), **{f"{_SPAN}{at}": _of_span(span) for at, span in self._spans.items()}}

    def changes(self) -> tuple[dict[str, bytes], list[str]]:
        """The pieces that changed since the last call, and the names of those that are gone."""
        put = {_STATE: self._state(), **{f"{_SPAN}{at}": _of_span(self._spans[at]) for at in self._touched}}
        gone = [f"{_SPAN}{at}" for at in sorted(self._gone - self._spans.keys())]
        self._touched, self._gone = set(), set()
        return put, gone

    def _state(self) -> bytes:
        return packed({
            "given": self._given, "proven": self._proven, "places": [list(one) for one in self._places], "late": self.late,
            "heard": self.heard, "last": None if self.last is None else _of_piece(self.last),
        })  # fmt: skip

    def take_up(self, pieces: Mapping[str, bytes]) -> None:
        """Goes on from all pieces that are not gone.

        Raises:
            Damaged: they are not those of a gathering for as many tags.
        """
        if _STATE not in pieces:
            raise Damaged("how far rows were given out is missing")
        held = Held.of(pieces[_STATE])
        self._given, self._proven, self.late = held.maybe("given"), held.whole("proven"), held.whole("late")
        self._places = [(low, high) for low, high in held.rows("places", int, int)][-STEADY:]
        self.heard = held.maybe("heard")
        self.last = None if held.is_none("last") else _piece(held.table("last"))
        self._spans = {}
        for name, body in pieces.items():
            if name == _STATE:
                continue
            at = name.removeprefix(_SPAN)
            if not at.removeprefix("-").isdecimal():
                raise Damaged("there are pieces of something else")
            self._spans[int(at)] = _span(Held.of(body), self._tags)
        self._open = sum(len(span.readings) for span in self._spans.values())
        self._bytes = sum(span.size for span in self._spans.values())


def _of_span(span: _Span) -> bytes:
    return packed({
        "readings": [[column, *one] for column, one in sorted(span.readings.items())],
        "pieces": [_of_piece(piece) for piece in span.pieces], "low": span.low, "high": span.high, "used": span.used,
    })  # fmt: skip


def _span(held: Held, tags: int) -> _Span:
    readings = {
        column: (instant, value, index)
        for column, instant, value, index in held.rows("readings", int, int, float, int)
    }
    pieces = [_piece(one) for one in held.tables("pieces")]
    if not pieces or not all(
        0 <= column < tags and -1 <= index < len(pieces) for column, (_, _, index) in readings.items()
    ):
        raise Damaged("readings are of tags or events that are not there")
    return _Span(readings, pieces, held.whole("low"), held.whole("high"), held.whole("used"))


def _of_piece(piece: Piece) -> dict[str, Any]:
    one = piece.evidence
    return {
        "stream": one.event_id.stream, "seq": one.event_id.seq, "source": one.source, "record": one.record, "time": one.time,
        "auth": one.auth, "host": one.host, "raw": one.raw, "site": piece.site, "origin": piece.origin,
    }  # fmt: skip


def _piece(table: dict[str, Any]) -> Piece:
    held = Held(table)
    auth = next((one for one in AUTH_ORDER if one == table.get("auth")), None)
    if auth is None:
        raise Damaged("how an event was proven is not said")
    evidence = Evidence(
        EventId(held.text("stream"), held.whole("seq")), held.text("source"), held.whole("record"), held.whole("time"), auth,
        None if held.is_none("host") else held.text("host"), held.text("raw"),
    )  # fmt: skip
    return Piece(evidence, held.text("site"), held.text("origin"))
