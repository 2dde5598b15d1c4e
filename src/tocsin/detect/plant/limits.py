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
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Values

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

    def surprises(self, looked: Looked, stands: NDArray[np.int64]) -> Values:
        """The surprise of each value of `looked`, shape (rows, tags); `stands`: for how many rows each has stood still."""
        quick = np.abs(looked.values - looked.before) > QUICKER * self.fastest
        found = np.where(quick & looked.follows, TOO_QUICK, 0.0)
        stuck = (self.longest > 0) & (stands > LONGER * self.longest) & looked.read
        rows, columns = np.nonzero(stuck)
        over = stands[rows, columns] / (LONGER * self.longest[columns])
        found[rows, columns] = np.maximum(found[rows, columns], np.minimum(AT_TAIL + np.log2(over) * 2, CAP))
        return found


def stands_of(values: Values, before: Values, already: NDArray[np.int64]) -> NDArray[np.int64]:
    """For how many rows each value has not changed, shape (rows, tags); `already`: before the first row, shape (tags,)."""
    rows = np.arange(1, len(values) + 1)[:, None]
    moved = np.where(values != before, rows, 0)
    last = np.maximum.accumulate(moved, axis=0)
    return np.where(last > 0, rows - last, already[None, :] + rows)


def fit_limits(tags: Sequence[Tag], stretches: Sequence[Looked]) -> Limits:
    """What the rows of `stretches`, each without a hole, did at most."""
    fastest, longest, rows = np.zeros(len(tags)), np.zeros(len(tags), np.int64), 0
    for stretch in stretches:
        already = np.zeros(len(tags), np.int64)
        for piece in stretch.pieces():
            changes = np.where(piece.follows, np.abs(piece.values - piece.before), 0.0)
            stands = stands_of(piece.values, piece.before, already)
            fastest = np.maximum(fastest, changes.max(axis=0))
            longest = np.maximum(longest, np.where(piece.read, stands, 0).max(axis=0))
            already, rows = stands[-1], rows + len(piece)
    moving = np.array([tag.kind in {TagKind.CONTINUOUS, TagKind.COUNTER} for tag in tags])
    busy = np.array([tag.kind is TagKind.CONTINUOUS for tag in tags]) & (longest < rows // 20)
    return Limits(np.where(moving, fastest, np.inf), np.where(busy, longest, 0))
