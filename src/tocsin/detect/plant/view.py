"""What models look at of a row: counters as what they gained, no finer than the step, without holes.

Carries over what the next rows need of these, so that rows may come in batches cut anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.grid import held
from tocsin.detect.plant.resolution import quantise
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.records.readings import Flags, Values


@dataclass(frozen=True, slots=True)
class Looked:
    """Rows as models look at them; all of shape (rows, tags).

    Attributes:
        values: Without NaN.
        before: The row before each, without NaN.
        ages: How many rows old each value is; 0 where it was read.
    """

    values: Values
    before: Values
    ages: NDArray[np.int64]

    @property
    def read(self) -> Flags:
        """Where a value was read in its row and in the row before, so that a difference means something."""
        return self.ages == 0


class View:
    """Looks at rows, one batch after the other."""

    def __init__(self, tags: Sequence[Tag]) -> None:
        self._counters = np.array([tag.kind is TagKind.COUNTER for tag in tags])
        self._steps = np.array([tag.step for tag in tags])
        self._centres = np.array([tag.centre for tag in tags])
        self._raw = np.full(len(tags), np.nan)
        self._last = np.full(len(tags), np.nan)
        self._filled: Values | None = None
        self._ages = np.full(len(tags), 2**31, dtype=np.int64)

    def look(self, values: Values) -> Looked:
        """`values`, shape (rows, tags), NaN where nothing was read, as models look at them."""
        looked = quantise(self._gained(values), self._steps)
        filled, ages = held(looked, self._last, self._ages, self._centres)
        first = filled[0] if self._filled is None else self._filled
        before = np.vstack([first[None, :], filled[:-1]])
        read = np.isfinite(looked)
        at = np.where(read.any(axis=0), len(looked) - 1 - read[::-1].argmax(axis=0), -1)
        self._last = np.where(at >= 0, np.take_along_axis(looked, np.maximum(at, 0)[None, :], axis=0)[0], self._last)
        self._filled, self._ages = filled[-1], ages[-1]
        return Looked(filled, before, ages)

    def _gained(self, values: Values) -> Values:
        """Counters as their gain since the row before; a reset (a fall) is nothing read."""
        if not self._counters.any():
            return values
        counts = values[:, self._counters]
        gains = np.diff(np.vstack([self._raw[self._counters][None, :], counts]), axis=0)
        self._raw = values[-1].copy()
        looked = values.copy()
        looked[:, self._counters] = np.where(gains < 0, np.nan, gains)
        return looked
