"""What every tag showed and what would have fitted the other tags, for pictures: row by row, or the extremes of many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.detect.plant.grid import HELD_ROWS
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.process import Process
from tocsin.detect.plant.view import Looked, View, late_of, rows_at_a_time
from tocsin.records.readings import Instants, Readings, Values

BEFORE: Final = HELD_ROWS + 2
"""Rows before the first one of interest that the model looks at too."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Some rows, for tags that ever change (`Process.moving`, in that order).

    Attributes:
        times: When they were read.
        shown: Shape (rows, moving tags), in each tag's unit; for a counter what it gained. NaN where nothing was read.
        expected: What would fit the other tags; NaN where nothing was read.
    """

    times: Instants
    shown: Values
    expected: Values


def bands(process: Process, times: Instants, looked: Looked, by_relation: Values) -> Bands:
    """The bands of rows `looked` at, which differ from their relations by `by_relation` (in spreads)."""
    shown = looked.values[:, process.moving]
    expected = shown - by_relation * process.spreads
    return Bands(times, np.where(looked.read[:, process.moving], shown, np.nan), expected)


def bands_of(model: PlantModel, readings: Readings, first: int = 0) -> list[Bands]:
    """The bands of the rows of `readings` from `first` on, in pieces; their pace and columns are the model's own."""
    view, late = View(model.tags), late_of(readings.times, model.spacing)
    step, found = rows_at_a_time(len(model.tags)), []
    for start in range(0, len(readings), step):
        piece = readings.rows(start, start + step)
        looked = view.look(piece.values, late[start : start + step])
        by_relation, _ = model.process.unexplained(looked)
        one = bands(model.process, piece.times, looked, by_relation)
        skipped = max(0, first - start)
        found.append(Bands(one.times[skipped:], one.shown[skipped:], one.expected[skipped:]))
    return found


def half_widths(model: PlantModel) -> Values:
    """How far beside what is expected 99 of 100 readings of normal operation lie, shape (moving tags,), in each tag's unit."""
    return model.by_relation.tail * model.process.spreads


@dataclass(frozen=True, slots=True)
class Extremes:
    """The extremes of tags in each of several spans of time, all of one length; shapes (spans, tags), NaN where nothing was read.

    Attributes:
        start: Where the first span begins.
        width: How long each is, in microseconds.
        low: The lowest reading.
        high: And the highest.
        floor: The lowest that would still have fitted.
        ceiling: And the highest.
    """

    start: int
    width: int
    low: Values
    high: Values
    floor: Values
    ceiling: Values

    @property
    def end(self) -> int:
        """Where the last span ends."""
        return self.start + self.width * len(self.low)

    def of(self, tag: int) -> Extremes:
        """Those of one tag, as shape (spans, 1)."""
        part = slice(tag, tag + 1)
        return Extremes(
            self.start, self.width, self.low[:, part], self.high[:, part], self.floor[:, part], self.ceiling[:, part]
        )  # fmt: skip


class Binned:
    """Gathers the extremes of rows that come in order of time, in memory for the spans alone."""

    def __init__(self, start: int, end: int, spans: int, half: Values, spacing: int) -> None:
        """`start`, `end`: of the first and last row; `half`: as `half_widths`; `spacing`: the model's pace."""
        self._start, self._width = start, max(1, -(-(end - start + 1) // max(1, spans)))
        self._half, self._spans = half, max(1, -(-(end - start + 1) // self._width))
        self._held = HELD_ROWS * spacing // self._width
        self._parts = [np.full((self._spans, len(half)), np.nan) for _ in range(4)]

    def add(self, found: Bands) -> None:
        """The next rows; those before the first span or after the last one are left out."""
        inside = (found.times >= self._start) & (found.times < self._start + self._width * self._spans)
        if not inside.any():
            return
        times, shown, expected = found.times[inside], found.shown[inside], found.expected[inside]
        spans = (times - self._start) // self._width
        starts = np.flatnonzero(np.diff(spans, prepend=-1))
        at = spans[starts]
        for part, values, extreme in (
            (0, shown, np.fmin), (1, shown, np.fmax),
            (2, expected - self._half, np.fmin), (3, expected + self._half, np.fmax),
        ):  # fmt: skip
            own = self._parts[part]
            own[at] = extreme(own[at], extreme.reduceat(values, starts, axis=0))

    def extremes(self) -> Extremes:
        """What was gathered; a span in which nothing was read takes the one before it where the model would hold a reading."""
        return Extremes(self._start, self._width, *(_held(part, self._held) for part in self._parts))


def _held(values: Values, most: int) -> Values:
    """`values` with up to `most` missing rows in a row filled from the one before."""
    if not most:
        return values
    rows = np.arange(1, len(values) + 1)[:, None]
    at = np.maximum.accumulate(np.where(np.isfinite(values), rows, 0), axis=0)
    last = np.take_along_axis(values, np.maximum(at - 1, 0), axis=0)
    return np.where((at > 0) & (rows - at <= most), last, np.nan)
