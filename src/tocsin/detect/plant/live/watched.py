"""One plant while it runs: its readings, its rows, and what was told of it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from tocsin.config import bounds
from tocsin.detect.plant.conformal import APART, BLOCKS
from tocsin.detect.plant.gathering import Gathering, Piece, Row, lateness_of
from tocsin.detect.plant.grid import HELD_ROWS
from tocsin.detect.plant.live.finding import Fault, alarm, cited, notice
from tocsin.detect.plant.live.named import Named, says_its_time
from tocsin.detect.plant.live.plant import Now, Plant
from tocsin.detect.plant.notices import Notice, NoticeKind
from tocsin.detect.plant.state import Damaged, Held, packed
from tocsin.detect.plant.watch import Judged, Watcher
from tocsin.records.event import Event
from tocsin.records.finding import Finding, evidence_of
from tocsin.records.instants import SECOND
from tocsin.records.readings import Readings

_KNOWN: Final = "known"
_TAGS: Final = "tags"
_GRID: Final = "grid/"
_WATCH: Final = "watch/"


class Watched:
    """Watches one plant.

    Attributes:
        plant: It and its model.
    """

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        model = plant.model
        self._named = Named(model.names, plant.words)
        self._columns = {name: column for column, name in enumerate(model.names)}
        self._gathering = Gathering(len(model.tags), model.spacing)
        self._watcher = Watcher(model)
        self._apart = dict(BLOCKS)[model.promise.unit] // APART
        self._gap = float(model.quality.limits[2 * len(model.tags)])
        self._row: int | None = None
        self._score, self._rings = 0.0, False
        self._alarm: int | None = None
        self._rang = 0
        self._strange: dict[str, None] = {}
        self._told: dict[str, int] = {}
        self._untimed = 0
        self._pauses, self._week = (0, 0), 0
        self._silent = self._excused = False
        self._written = 0

    def take(self, event: Event, resumed: int = 0) -> tuple[list[Finding], list[Row]]:
        """Takes the readings of `event`: what is told of them at once, and the rows that are complete now.

        `resumed`: when listening last began again, which ends no pause of the source.
        """
        raw = event.raw[: bounds.EVIDENCE_RAW_CHARS]
        if not all(map(_is_unicode, (event.stream, event.source, event.host or "", raw))):
            return [], []
        piece, heard = piece_of(event), self._gathering.heard
        found = self._named.found(event)
        told = list(self._strangers(found.strange, event, piece))
        timed = says_its_time(event)
        if found.readings and not timed:  # of tags that the model does not know nothing is judged anyway
            self._untimed += len(found.readings)
            told += self._seldom(NoticeKind.UNTIMED, 0.0, event, piece)
        late = self._gathering.take(event.time, event.ingest, dict(found.readings) if timed else {}, piece)
        if late:
            told += self._seldom(NoticeKind.LATE, late / SECOND, event, piece)
        if self._gathering.last is piece:  # it counts
            self._silent = False
            self._paused(event.ingest, None if heard is None else max(heard, min(resumed, event.ingest)))
        return told, list(self._gathering.due())

    def _paused(self, now: int, heard: int | None) -> None:
        """Takes note of the pause that ends `now`, for this week and the next."""
        week = now // (bounds.PLANT_PAUSE_KEPT_SECONDS * SECOND)
        if week != self._week:
            self._pauses, self._week = (self._pauses[1] if week == self._week + 1 else 0, 0), week
        if heard is not None:
            pause = min(now - heard, bounds.PLANT_PAUSE_MOST_SECONDS * SECOND)
            self._pauses = self._pauses[0], max(self._pauses[1], pause)

    def passed(self, now: int) -> tuple[list[Row], bool]:
        """The log came to the instant `now`: the rows that are complete by it, and whether silence is to be looked at."""
        rows = list(self._gathering.due_at(now))
        return rows, self._gathering.heard is not None and not self._silent

    def ended(self) -> list[Row]:
        """All rows that wait; what comes next may be of any time."""
        return list(self._gathering.end())

    def silence(self, now: int, resumed: int = 0) -> Iterator[Finding]:
        """What is told where nothing came for longer than on normal operation, and than is this source's habit.

        `resumed`: when listening last began again.
        """
        heard, last = self._gathering.heard, self._gathering.last
        if heard is None or last is None or self._silent:
            return
        rows, spacing = self._gathering.quiet_rows(now), self.plant.model.spacing
        listened, lateness = now - max(heard, resumed), lateness_of(spacing)
        if min(rows, (listened - lateness) / spacing) > self._gap and listened > max(
            2 * max(self._pauses), lateness
        ):
            self._silent = self._excused = True
            yield notice(self.plant.name, NoticeKind.SILENT, (), rows, heard, [last])

    def judge(self, rows: Sequence[Row]) -> list[Finding]:
        """What `rows`, in order of time, show."""
        if not rows:
            return []
        times = np.array([row.time for row in rows], dtype=np.int64)
        values = np.vstack([row.values for row in rows])
        judged = self._watcher.judge(Readings(self.plant.model.names, times, values))
        told: dict[int, list[Finding]] = {}
        for at, one in self._notices(judged, {row.time: at for at, row in enumerate(rows)}, rows):
            told.setdefault(at, []).append(one)
        for at in np.flatnonzero(judged.alarms).tolist():
            time = rows[at].time
            begins = self._alarm is None or abs(time - self._alarm) > self._apart
            if begins or time - self._rang >= bounds.PLANT_AGAIN_SECONDS * SECOND:
                told.setdefault(at, []).append(self._rings_in(judged, at, rows[at], lasts=not begins))
                self._rang = time
            self._alarm = time
        self._row, self._score, self._rings = (
            rows[-1].time, float(judged.scores[-1]), bool(judged.alarms[-1])
        )  # fmt: skip
        self._excused = False
        return [one for at in sorted(told) for one in told[at]]

    def now(self) -> Now:
        """How the plant is."""
        names, unread = self.plant.model.names, self._watcher.unread
        missing = (
            tuple(name for name, rows in zip(names, unread.tolist(), strict=True) if rows > HELD_ROWS)
            if self._watcher.rows
            else ()
        )
        gathering = self._gathering
        return Now(
            self._row, self._score, self._rings, self._watcher.rows, missing, gathering.late, self._untimed, gathering.heard,
            self._silent,
        )  # fmt: skip

    def _rings_in(self, judged: Judged, at: int, row: Row, *, lasts: bool) -> Finding:
        plant = self.plant
        columns = (judged.named[at].tolist(), judged.shown[at].tolist(), judged.expected[at].tolist())
        faults = [Fault(*one) for one in zip(*columns, strict=True) if one[0] >= 0]
        return alarm(plant.name, plant.model, plant.words, row, faults, units=plant.units, lasts=lasts)

    def _notices(
        self, judged: Judged, rows_at: Mapping[int, int], rows: Sequence[Row]
    ) -> Iterator[tuple[int, Finding]]:
        """The watcher's notices by row; those of one kind at one row are told together."""
        together: dict[tuple[int, NoticeKind], list[Notice]] = {}
        for one in judged.notices:
            at = rows_at[one.time]
            if not (self._excused and at == 0 and one.kind is NoticeKind.GAP):  # told when it was silent
                together.setdefault((at, one.kind), []).append(one)
        for (at, kind), alike in together.items():
            worst = max(alike, key=lambda one: one.amount / one.limit if one.limit > 0 else one.amount)
            tags = [one.tag for one in (worst, *(one for one in alike if one is not worst)) if one.tag]
            pieces = cited(rows[at], [self._columns[tag] for tag in tags if tag in self._columns])
            yield at, notice(self.plant.name, kind, tags, worst.amount, rows[at].time, pieces)

    def _strangers(self, names: Iterable[str], event: Event, piece: Piece) -> Iterator[Finding]:
        new = [name for name in names if name not in self._strange and _is_unicode(name)]
        new = new[: max(0, bounds.PLANT_STRANGE_TAGS - len(self._strange))]
        if new:
            self._strange |= dict.fromkeys(new)
            yield notice(self.plant.name, NoticeKind.NEW, list(dict.fromkeys(new)), 1.0, event.time, [piece])

    def _seldom(self, kind: NoticeKind, amount: float, event: Event, piece: Piece) -> Iterator[Finding]:
        last = self._told.get(kind)
        if last is None or event.ingest - last >= bounds.PLANT_TOLD_SECONDS * SECOND:
            self._told[kind] = event.ingest
            yield notice(self.plant.name, kind, (), amount, event.time, [piece])

    def state(self) -> dict[str, bytes]:
        """All that is known, in named pieces."""
        return self._state(self._gathering.state(), self._watcher.state(), first=True)

    def changes(self, *, first: bool) -> tuple[dict[str, bytes], list[str]]:
        """The pieces that changed since the last call and the names of those that are gone; where `first`, all."""
        since = self._written
        put, gone = self._gathering.changes()
        judged = self._watcher.rows != since or first
        watch = self._watcher.state(0 if first else since) if judged else {}
        self._written = self._watcher.rows
        return self._state(self._gathering.state() if first else put, watch, first=first), [
            f"{_GRID}{name}" for name in gone
        ]

    def _state(self, grid: Mapping[str, bytes], watch: Mapping[str, bytes], *, first: bool) -> dict[str, bytes]:  # fmt: skip
        known = packed({
            "row": self._row, "score": self._score, "rings": self._rings, "alarm": self._alarm, "strange": list(self._strange),
            "rang": self._rang, "told": self._told, "pauses": [list(self._pauses)], "week": self._week, "untimed": self._untimed, "silent": self._silent, "excused": self._excused,
        })  # fmt: skip
        model = self.plant.model
        tags = {
            _TAGS: packed({"digest": self.plant.digest, "tags": list(model.names), "spacing": model.spacing})
        }
        return {
            _KNOWN: known, **(tags if first else {}), **{f"{_GRID}{name}": body for name, body in grid.items()},
            **{f"{_WATCH}{name}": body for name, body in watch.items()},
        }  # fmt: skip

    def take_up(self, pieces: Mapping[str, bytes]) -> None:
        """Goes on from all pieces that are not gone; of another model's only readings that wait are taken up.

        Raises:
            Damaged: they are not those of a plant.
        """
        if _TAGS not in pieces or _KNOWN not in pieces:
            raise Damaged("it is not said which model judged")
        tags = Held.of(pieces[_TAGS])
        grid, watch = _below(pieces, _GRID), _below(pieces, _WATCH)
        if tags.text("digest") != self.plant.digest:
            old = Gathering(len(tags.texts("tags")), tags.whole("spacing"))
            old.take_up(grid)
            self._receive(old, tags.texts("tags"))
            self._untimed = Held.of(pieces[_KNOWN]).count("untimed")
            return
        self._gathering.take_up(grid)
        self._watcher.take_up(watch)
        known = Held.of(pieces[_KNOWN])
        self._row, self._alarm = known.maybe("row"), known.maybe("alarm")
        self._score, self._rings = known.number("score"), known.flag("rings")
        self._rang, self._week, self._untimed = (
            known.whole("rang"),
            known.whole("week"),
            known.count("untimed"),
        )
        ((before, now),) = known.rows("pauses", int, int)
        self._pauses = before, now
        self._strange = dict.fromkeys(known.texts("strange"))
        self._silent, self._excused = known.flag("silent"), known.flag("excused")
        self._told = {kind: int(instant) for kind, instant in known.table("told").items()}

    def take_over(self, old: Watched) -> None:
        """Goes on in place of `old`, which another model judged: readings that wait are judged by this one."""
        self._receive(old._gathering, old.plant.model.names)
        self._untimed = old._untimed

    def _receive(self, old: Gathering, names: Sequence[str]) -> None:
        columns = self._columns
        old.move_to(self._gathering, {at: columns[name] for at, name in enumerate(names) if name in columns})

    def begun_anew(self, error: Exception, piece: Piece) -> tuple[Watched, list[Finding]]:
        """The same plant without what was known of its present, and what is told of the `error` that came with `piece`."""
        fresh, at = Watched(self.plant), piece.evidence.time
        fresh._told, fresh._strange, fresh._untimed = self._told, self._strange, self._untimed
        last = fresh._told.get(NoticeKind.FAILED)
        if last is not None and abs(at - last) < bounds.PLANT_TOLD_SECONDS * SECOND:
            return fresh, []
        fresh._told[NoticeKind.FAILED] = at
        return fresh, [notice(self.plant.name, NoticeKind.FAILED, [_place(error)], 1.0, at, [piece])]


def piece_of(event: Event) -> Piece:
    """`event` as evidence."""
    return Piece(evidence_of(event, bounds.EVIDENCE_RAW_CHARS), event.site, event.origin)


def _place(error: Exception) -> str:
    """What kind of error it is, and where it was raised: enough to find it by."""
    where = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        where = f" in {frame.f_code.co_filename.rpartition('/')[2]}, line {line}"
    return type(error).__name__ + where


def _below(pieces: Mapping[str, bytes], place: str) -> dict[str, bytes]:
    return {name.removeprefix(place): body for name, body in pieces.items() if name.startswith(place)}


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
