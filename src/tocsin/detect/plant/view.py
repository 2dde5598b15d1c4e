"""What models look at of a row: counters as what they gained, no finer than the step, without holes.

Carries over what the next rows need of these, so that rows may come in batches cut anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.grid import HELD_ROWS, held
from tocsin.detect.plant.resolution import quantise
from tocsin.detect.plant.state import Held, State, counts, numbers
from tocsin.detect.plant.tags import Tag, TagKind, gained, readable
from tocsin.records.readings import Flags, Instants, Values

CELLS: Final = 1 << 20
"""Readings (rows times tags) that are worked on at a time."""

LEAST_AT_A_TIME: Final = 4_096
MOST_AT_A_TIME: Final = 16_384
"""Rows that are worked on at a time, however many tags there are."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Rows as models look at them; all of shape (rows, tags).

    Attributes:
        values: Without NaN.
        before: The row before each, without NaN.
        read: Where a value was read in its row, so that a difference means something.
        follows: Where one was read in the row before too, and no time is missing between both, so that a change does.
        guessed: Where no reading stands in either, so that the value is the tag's centre.
        guessed_before: Likewise of the row before.
    """

    values: Values
    before: Values
    read: Flags
    follows: Flags
    guessed: Flags
    guessed_before: Flags

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, start: int, stop: int) -> Looked:
        """The rows from `start` up to `stop`, as a view."""
        part = slice(start, stop)
        return Looked(
            self.values[part], self.before[part], self.read[part], self.follows[part],
            self.guessed[part], self.guessed_before[part],
        )  # fmt: skip

    def picked(self, at: NDArray[np.int64]) -> Looked:
        """The rows `at`, as a copy."""
        return Looked(
            self.values[at],
            self.before[at],
            self.read[at],
            self.follows[at],
            self.guessed[at],
            self.guessed_before[at],
        )

    def pieces(self) -> Iterator[Looked]:
        """All rows, few enough at a time."""
        step = rows_at_a_time(self.values.shape[1])
        return (self.rows(start, start + step) for start in range(0, len(self), step))


class View:
    """Looks at rows, one batch after the other."""

    def __init__(self, tags: Sequence[Tag]) -> None:
        self._counters = np.array([tag.kind is TagKind.COUNTER for tag in tags], dtype=bool)
        self._steps = np.array([tag.step for tag in tags], dtype=np.float64)
        self._centres = np.array([tag.centre for tag in tags], dtype=np.float64)
        self._raw = np.full(len(tags), np.nan)
        self._last = np.full(len(tags), np.nan)
        self._filled: Values | None = None
        self._ages = np.full(len(tags), 2**31, dtype=np.int64)

    def look(self, values: Values, late: Flags) -> Looked:
        """`values`, shape (rows, tags), one row at least, NaN where nothing was read; `late` where rows before are missing."""
        looked = quantise(self._gained(readable(values)), self._steps)
        filled, ages = held(looked, self._last, self._ages, self._centres)
        first = filled[0] if self._filled is None else self._filled
        before = np.vstack([first[None, :], filled[:-1]])
        guessed = ages > HELD_ROWS
        guessed_first = guessed[0] if self._filled is None else self._ages > HELD_ROWS
        read = np.isfinite(looked)
        follows = read & np.vstack([self._ages[None, :] == 0, read[:-1]]) & ~late[:, None]
        at = np.where(read.any(axis=0), len(looked) - 1 - read[::-1].argmax(axis=0), -1)
        self._last = np.where(
            at >= 0, np.take_along_axis(looked, np.maximum(at, 0)[None, :], axis=0)[0], self._last
        )
        self._filled, self._ages = filled[-1].copy(), ages[-1].copy()
        return Looked(
            filled, before, read, follows, guessed, np.vstack([guessed_first[None, :], guessed[:-1]])
        )

    def state(self) -> State:
        """All that it carries over."""
        filled = None if self._filled is None else numbers(self._filled)
        return {
            "raw": numbers(self._raw),
            "last": numbers(self._last),
            "filled": filled,
            "ages": counts(self._ages),
        }

    def take_up(self, held: Held) -> None:
        """Goes on from a `state` of a view of the same tags.

        Raises:
            Damaged: it is none.
        """
        tags = len(self._steps)
        self._raw, self._last = held.numbers("raw", tags), held.numbers("last", tags)
        self._filled = None if held.is_none("filled") else held.numbers("filled", tags)
        self._ages = held.counts("ages", tags)

    def _gained(self, values: Values) -> Values:
        """Counters as their gain since the row before; after a reset nothing was read."""
        if not self._counters.any():
            return values
        counts = values[:, self._counters]
        stacked = np.vstack([self._raw[self._counters][None, :], counts])
        self._raw = values[-1].copy()
        looked = values.copy()
        looked[:, self._counters] = gained(stacked[1:], stacked[:-1])
        return looked


def look_whole(tags: Sequence[Tag], values: Values, late: Flags) -> Looked:
    """All of `values` as `View` looks at them, in little more memory than they take once."""
    rows, view = len(values), View(tags)
    filled = np.empty((rows + 1, len(tags)))
    read, follows = np.empty((rows, len(tags)), dtype=bool), np.empty((rows, len(tags)), dtype=bool)
    guessed = np.empty((rows + 1, len(tags)), dtype=bool)
    step = rows_at_a_time(len(tags))
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        part = view.look(values[start:stop], late[start:stop])
        if not start:
            filled[0], guessed[0] = part.before[0], part.guessed_before[0]
        guessed[start + 1 : stop + 1] = part.guessed
        filled[start + 1 : stop + 1], read[start:stop], follows[start:stop] = (
            part.values,
            part.read,
            part.follows,
        )
    return Looked(filled[1:], filled[:-1], read, follows, guessed[1:], guessed[:-1])


def late_of(times: Instants, spacing: int, last: int | None = None) -> Flags:
    """Where rows at `times` come so long after the one before (`last`, for the first) that readings no longer stand in."""
    before = np.concatenate([times[:1] if last is None else np.array([last], dtype=np.int64), times[:-1]])
    late: Flags = times - before > (HELD_ROWS + 1) * max(spacing, 1)
    return late


def rows_at_a_time(tags: int) -> int:
    """How many rows of so many `tags` are worked on at a time."""
    return min(MOST_AT_A_TIME, max(LEAST_AT_A_TIME, CELLS // max(tags, 1)))
