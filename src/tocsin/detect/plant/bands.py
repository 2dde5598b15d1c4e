"""What every tag showed and what would have fitted the other tags, for pictures: row by row, or the extremes of many rows."""

from __future__ import annotations

from collections.abc import Callable
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

HAIR: Final = 1e-9
"""A share of a value that is no difference."""


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


Onlooker = Callable[[Bands], None]


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
    """What tags did in each of several spans of time, all of one length; shapes (spans, tags), NaN where nothing was read.

    Attributes:
        start: Where the first span begins.
        width: How long each is, in microseconds.
        low: The lowest reading.
        high: And the highest.
        middle: And their mean.
        expected: The mean of what would have fitted.
        outside: The share of readings that lay farther beside that than 99 of 100 normal ones do.
        half: Shape (tags,): how far those lie, in each tag's unit.
    """

    start: int
    width: int
    low: Values
    high: Values
    middle: Values
    expected: Values
    outside: Values
    half: Values

    @property
    def end(self) -> int:
        """Where the last span ends."""
        return self.start + self.width * len(self.low)

    def of(self, tag: int) -> Extremes:
        """Those of one tag, as shape (spans, 1)."""
        one = slice(tag, tag + 1)
        return Extremes(
            self.start, self.width, self.low[:, one], self.high[:, one], self.middle[:, one], self.expected[:, one],
            self.outside[:, one], self.half[one],
        )  # fmt: skip


class Binned:
    """Gathers what rows that come in order of time did, in memory for the spans alone."""

    def __init__(self, start: int, end: int, spans: int, half: Values, spacing: int) -> None:
        """`start`, `end`: of the first and last row; `half`: as `half_widths`; `spacing`: the model's pace."""
        self._start, self._width = start, max(1, -(-(end - start + 1) // max(1, spans)))
        self._half, self._spans = half, max(1, -(-(end - start + 1) // self._width))
        self._held = HELD_ROWS * spacing // self._width
        shape = (self._spans, len(half))
        self._low, self._high = np.full(shape, np.nan), np.full(shape, np.nan)
        self._shown, self._expected, self._outside = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._read = np.zeros(shape, np.int64)

    def add(self, found: Bands) -> None:
        """The next rows; those before the first span or after the last one are left out."""
        inside = (found.times >= self._start) & (found.times < self._start + self._width * self._spans)
        if not inside.any():
            return
        times, shown, expected = found.times[inside], found.shown[inside], found.expected[inside]
        spans = (times - self._start) // self._width
        starts = np.flatnonzero(np.diff(spans, prepend=-1))
        at, read = spans[starts], np.isfinite(shown)
        self._low[at] = np.fmin(self._low[at], np.fmin.reduceat(shown, starts, axis=0))
        self._high[at] = np.fmax(self._high[at], np.fmax.reduceat(shown, starts, axis=0))
        apart = np.abs(shown - expected) > self._half + HAIR * np.abs(expected)
        for sums, values in (
            (self._shown, shown), (self._expected, expected), (self._outside, apart), (self._read, read)
        ):  # fmt: skip
            sums[at] += np.add.reduceat(np.where(read, values, 0), starts, axis=0).astype(sums.dtype)

    def extremes(self) -> Extremes:
        """What was gathered; a span in which nothing was read takes the one before it where the model would hold a reading."""
        read = np.where(self._read > 0, self._read, np.nan)
        low, high, middle, expected, outside = (
            _held(part, self._held)
            for part in (
                self._low,
                self._high,
                self._shown / read,
                self._expected / read,
                self._outside / read,
            )
        )
        return Extremes(self._start, self._width, low, high, middle, expected, outside, self._half)


def _held(values: Values, most: int) -> Values:
    """`values` with up to `most` missing rows in a row filled from the one before."""
    if not most:
        return values
    rows = np.arange(1, len(values) + 1)[:, None]
    at = np.maximum.accumulate(np.where(np.isfinite(values), rows, 0), axis=0)
    last = np.take_along_axis(values, np.maximum(at - 1, 0), axis=0)
    return np.where((at > 0) & (rows - at <= most), last, np.nan)
