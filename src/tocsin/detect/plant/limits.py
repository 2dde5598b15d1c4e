"""Sensors that move too quickly, or not at all.

A tag may change from row to row by as much as it ever did, and a quarter more. A continuous tag that stands still for
much longer than ever before is stuck, or its readings are replayed by somebody who holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.surprise import AT_TAIL, CAP
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.records.readings import Flags, Values

QUICKER: Final = 1.25
"""How much more than ever before a change must be to be too quick."""

TOO_QUICK: Final = 5.0
"""Surprise of a change that is too quick."""

LONGER: Final = 2.0
"""How many times its longest stand a tag must stand still to be stuck; its surprise then grows with the time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What tags did at most; shapes (tags,).

    Attributes:
        fastest: Largest change from row to row, in the tag's unit; infinite for discrete tags.
        longest: Longest stand in rows; 0 for tags that may stand for ever.
    """

    fastest: Values
    longest: NDArray[np.int64]

    def surprises(self, values: Values, before: Values, read: Flags, stands: NDArray[np.int64]) -> Values:
        """The surprise of each of `values` after `before`; `stands`: rows that each has stood still. Shapes (rows, tags)."""
        quick = np.where(np.abs(values - before) > QUICKER * self.fastest, TOO_QUICK, 0.0)
        over = stands / np.maximum(LONGER * self.longest, 1)
        stuck = np.where((self.longest > 0) & (over > 1.0), np.minimum(AT_TAIL + np.log2(np.maximum(over, 1.0)) * 2, CAP), 0.0)
        return np.where(read, np.maximum(quick, stuck), 0.0)


def stands_of(values: Values, before: Values, already: NDArray[np.int64]) -> NDArray[np.int64]:
    """For how many rows each value has not changed, shape (rows, tags); `already`: before the first row, shape (tags,)."""
    rows = np.arange(1, len(values) + 1)[:, None]
    moved = np.where(values != before, rows, 0)
    last = np.maximum.accumulate(moved, axis=0)
    return np.where(last > 0, rows - last, already[None, :] + rows)


def fit_limits(tags: Sequence[Tag], values: Values, before: Values) -> Limits:
    """What `values` after `before`, shape (rows, tags), did at most."""
    fastest = np.abs(values - before).max(axis=0)
    longest = stands_of(values, before, np.zeros(len(tags), np.int64)).max(axis=0)
    moving = np.array([tag.kind in {TagKind.CONTINUOUS, TagKind.COUNTER} for tag in tags])
    busy = np.array([tag.kind is TagKind.CONTINUOUS for tag in tags]) & (longest < len(values) // 20)
    return Limits(np.where(moving, fastest, np.inf), np.where(busy, longest, 0))
