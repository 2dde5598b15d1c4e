"""The detector of plants: one `Watched` for each that the settings name.

An error of ours while one is judged ends nothing but what was known of that plant's present: it is told, and the plant begins
anew with the next row. Rows that waited are lost then, and how events were cut into batches may show.

While nobody listened no plant was silent: two instants of the log that are too far apart say so.

State in rows, `clock` and `PLANT/piece`: of a commit with a new row some kilobytes are written (`Watcher.state`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tocsin.config import bounds
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.plant.gathering import Piece, Row
from tocsin.detect.plant.live.finding import DETECTOR, VERSION
from tocsin.detect.plant.live.named import FORMAT, KIND
from tocsin.detect.plant.live.plant import Now, Plant
from tocsin.detect.plant.live.watched import Watched, piece_of
from tocsin.detect.plant.state import Damaged, Held, packed
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch
from tocsin.records.finding import Finding
from tocsin.records.instants import SECOND
from tocsin.records.state_changes import WHOLE, StateChanges

_CLOCK: Final = "clock"
_A_PLANT: Final = 256 * 1024
_A_TAG: Final = 512
_A_READING: Final = 1024


class PlantDetector:
    """Judges the readings of plants.

    Args:
        plants: To watch, each name once.

    Attributes:
        memory_bound: Of what it knows, in bytes.
    """

    name = DETECTOR
    version = VERSION

    def __init__(self, plants: Sequence[Plant]) -> None:
        self._watched = {plant.name: Watched(plant) for plant in plants}
        self._touched: set[str] = set()
        self._kept = False
        self._clock: int | None = None
        self._resumed = 0
        self.memory_bound = self._bound()

    def _bound(self) -> int:
        """The most that a snapshot takes: of each plant the rows that it remembers, and the readings that wait."""
        waiting = bounds.PLANT_OPEN_READINGS * _A_READING + 4 * bounds.PLANT_OPEN_BYTES
        tags = sum(len(one.plant.model.tags) for one in self._watched.values())
        return _A_PLANT + len(self._watched) * (_A_PLANT + waiting) + tags * _A_TAG

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        """What begins with the rows that `batch` completes, and what is to be told of its readings."""
        findings: list[Finding] = []
        rows: dict[str, list[Row]] = {}
        for event in batch:
            if event.format != FORMAT or not event.kind.startswith(KIND):
                continue
            name = event.kind[len(KIND) :]
            if name not in self._watched:
                continue
            self._reach(event.ingest)
            told, due = self._take(name, event)
            findings += told
            rows.setdefault(name, []).extend(due)
        self._touched |= rows.keys()
        return [*findings, *(one for name, due in rows.items() for one in self._judge(name, due))]

    def advance(self, watermark: int) -> Sequence[Finding]:
        """What begins with the rows that are complete by now, and whose silence is to be told."""
        findings: list[Finding] = []
        now = watermark + bounds.LATENESS_SECONDS * SECOND
        if watermark >= END_OF_TIME:
            self._clock, self._resumed = None, 0
        else:
            self._reach(now)
        for name, watched in [*self._watched.items()]:
            if watermark >= END_OF_TIME:
                rows, listens = watched.ended(), False
                self._touched.add(name)
            else:
                rows, listens = watched.passed(now)
            told = self._judge(name, rows)
            if listens:
                told += self._watched[name].silence(now, self._resumed)
            if rows or told:
                self._touched.add(name)
            findings += told
        return findings

    def _reach(self, now: int) -> None:
        """The log came to the instant `now`."""
        if self._clock is not None and now - self._clock > bounds.PLANT_AWAY_SECONDS * SECOND:
            self._resumed = now
        self._clock = max(now, self._clock or now)

    def _clock_row(self) -> dict[str, bytes]:
        return {_CLOCK: packed({"clock": self._clock, "resumed": self._resumed})}

    def _take(self, name: str, event: Event) -> tuple[list[Finding], list[Row]]:
        try:
            return self._watched[name].take(event, self._resumed)
        except Exception as error:  # noqa: BLE001  a defect of ours with one plant stops no other, and no rule
            return self._begin_anew(name, error, piece_of(event)), []

    def _judge(self, name: str, rows: Sequence[Row]) -> list[Finding]:
        try:
            return self._watched[name].judge(rows)
        except Exception as error:  # noqa: BLE001  likewise
            return self._begin_anew(name, error, rows[-1].pieces[-1])

    def _begin_anew(self, name: str, error: Exception, piece: Piece) -> list[Finding]:
        self._watched[name], told = self._watched[name].begun_anew(error, piece)
        self._touched.add(name)
        self.unwrite()
        return told

    def now(self) -> Mapping[str, Now]:
        """How each plant is, by name."""
        return {name: watched.now() for name, watched in self._watched.items()}

    @property
    def plants(self) -> Sequence[Plant]:
        """The plants that are watched."""
        return tuple(watched.plant for watched in self._watched.values())

    def take_up(self, plants: Sequence[Plant]) -> None:
        """Watches these from now on; a plant whose model is the same goes on as if nothing was said."""
        before = self._watched
        self._watched = {}
        for plant in plants:
            old = before.get(plant.name)
            if old is not None and old.plant.digest == plant.digest:
                self._watched[plant.name] = old
                continue
            self._watched[plant.name] = Watched(plant)
            if old is not None:
                self._watched[plant.name].take_over(old)
        if self._watched != before:
            self.unwrite()
        self.memory_bound = self._bound()

    def snapshot(self) -> bytes:
        """The whole state."""
        rows = self._clock_row() | _rows({name: watched.state() for name, watched in self._watched.items()})
        return msgspec.msgpack.encode(dict(sorted(rows.items())))

    def restore(self, state: bytes, version: str) -> None:
        """Takes up `state`.

        Raises:
            PluginError: it is of another version, or damaged.
        """
        try:
            rows = msgspec.msgpack.decode(state, type=dict[str, bytes])
        except msgspec.MsgspecError as error:
            raise PluginError(self.name, f"its state is damaged: {error}") from error
        self._take_up_rows(rows, version)

    def changes(self) -> StateChanges:
        """What of the state changed since the last call."""
        first, self._kept = not self._kept, True
        put, gone = {}, []
        for name in self._watched if first else sorted(self._touched):
            changed, lost = self._watched[name].changes(first=first)
            put[name] = changed
            gone += [] if first else [f"{name}/{piece}" for piece in lost]
        self._touched.clear()
        return StateChanges(first, self._clock_row() | _rows(put), gone)

    def unwrite(self) -> None:
        """What `changes` told was not kept."""
        self._kept = False

    def restore_rows(self, rows: Mapping[str, bytes], version: str) -> None:
        """Takes up what all `changes` so far came to; plants that are watched no more are left out.

        Raises:
            PluginError: it is of another version, or damaged.
        """
        if WHOLE in rows:
            self.restore(rows[WHOLE], version)
        else:
            self._take_up_rows(rows, version)

    def _take_up_rows(self, rows: Mapping[str, bytes], version: str) -> None:
        if version != self.version:
            raise PluginError(self.name, f"its state is of version {version}, which this one does not read")
        of: dict[str, dict[str, bytes]] = {}
        for row, body in rows.items():
            name, _, piece = row.partition("/")
            if piece:
                of.setdefault(name, {})[piece] = body
        try:
            clock = Held.of(rows[_CLOCK]) if _CLOCK in rows else Held({"clock": None, "resumed": 0})
            self._clock, self._resumed = clock.maybe("clock"), clock.whole("resumed")
        except Damaged as error:
            raise PluginError(self.name, f"its clock is damaged: {error}") from error
        for name, watched in self._watched.items():
            fresh = Watched(watched.plant)
            if name in of:
                try:
                    fresh.take_up(of[name])
                except (Damaged, ValueError) as error:
                    raise PluginError(self.name, f"its state of {name} is damaged: {error}") from error
            self._watched[name] = fresh
        self.unwrite()


def _rows(of: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    return {f"{name}/{piece}": body for name, pieces in of.items() for piece, body in pieces.items()}
