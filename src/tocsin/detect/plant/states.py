"""States never seen: a discrete tag with a value that it never had, or a change between values that it never made;
any other tag outside the span of its readings.

Rules, not statistics: what was never seen in a year is surprising to the cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.surprise import AT_TAIL, CAP
from tocsin.detect.plant.tags import LARGEST, Tag, TagKind
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Values

NEW_CHANGE: Final = 4.0
"""Surprise of a change that was never made between two states that were seen."""

BESIDE: Final = 0.05
"""How far beside a seen state a reading may lie, in its own unit or this share of the state, to be that state."""

NOISE: Final = 1e-6
"""And in any case so far, in this share of the state or in its own unit: what 32-bit numbers lose."""

BEYOND: Final = 1.0
"""Surprise grows by this for each spread outside the span of the readings."""


@dataclass(frozen=True, slots=True)
class States:
    """What was seen.

    Attributes:
        seen: For each tag its states, ascending; empty where it is not discrete.
        changes: For each tag, the pairs (from, to) that it made, as indices of `seen`.
        low: Lowest reading of each tag, shape (tags,).
        high: Highest.
        spreads: Shape (tags,).
    """

    seen: tuple[Values, ...]
    changes: tuple[frozenset[tuple[int, int]], ...]
    low: Values
    high: Values
    spreads: Values

    def surprises(self, looked: Looked) -> Values:
        """The surprise of each value of `looked`, shape (rows, tags)."""
        outside = np.maximum(self.low - looked.values, looked.values - self.high) / self.spreads
        found = np.where(outside > 1.0, np.minimum(AT_TAIL + BEYOND * outside, CAP), 0.0)
        for column, seen in enumerate(self.seen):
            if len(seen):
                found[:, column] = self._discrete(column, looked)
        return np.where(looked.read, found, 0.0)

    def _discrete(self, column: int, looked: Looked) -> Values:
        """The surprise of a discrete tag: a state never seen, or a change never made."""
        seen = self.seen[column]
        now = nearest(seen, looked.values[:, column])
        found = np.where(now < 0, CAP, 0.0)
        if len(seen) > 1:
            then = nearest(seen, looked.before[:, column])
            made = np.eye(
                len(seen) + 1, dtype=bool
            )  # the last row and column, -1, are readings that are no state
            made[-1, :] = made[:, -1] = True
            for pair in self.changes[column]:
                made[pair] = True
            found[~made[then, now] & looked.follows[:, column]] = NEW_CHANGE
        return found


def nearest(seen: Values, values: Values) -> NDArray[np.int64]:
    """The index in `seen`, which is not empty, of the state that each of `values` is; -1 where it is none."""
    at = np.zeros(len(values), np.int64)
    if len(seen) > 1:
        at = np.clip(np.searchsorted(seen, values), 1, len(seen) - 1)
        at = np.where(values - seen[at - 1] <= seen[at] - values, at - 1, at)
    sizes = np.abs(seen)
    slack = np.maximum(BESIDE * np.minimum(1.0, sizes), NOISE * np.maximum(1.0, sizes))
    return np.where(np.abs(values - seen[at]) <= slack[at], at, -1)


def fit_states(tags: Sequence[Tag], stretches: Sequence[Looked]) -> States:
    """What the rows of `stretches` show. A tag that was never read may be anything."""
    low, high = np.full(len(tags), np.inf), np.full(len(tags), -np.inf)
    for piece in (piece for stretch in stretches for piece in stretch.pieces()):
        low = np.minimum(low, np.where(piece.read, piece.values, np.inf).min(axis=0))
        high = np.maximum(high, np.where(piece.read, piece.values, -np.inf).max(axis=0))
    unread = low > high
    seen = tuple(_seen(tag, column, stretches) for column, tag in enumerate(tags))
    changes = tuple(_changes(own, column, stretches) for column, own in enumerate(seen))
    spreads = np.array([tag.spread for tag in tags])
    return States(seen, changes, np.where(unread, -LARGEST, low), np.where(unread, LARGEST, high), spreads)


def _seen(tag: Tag, column: int, stretches: Sequence[Looked]) -> Values:
    if tag.kind not in {TagKind.DISCRETE, TagKind.CONSTANT}:
        return np.empty(0)
    return np.unique(np.concatenate([one.values[one.read[:, column], column] for one in stretches]))


def _changes(seen: Values, column: int, stretches: Sequence[Looked]) -> frozenset[tuple[int, int]]:
    if len(seen) < 2:
        return frozenset()
    found: set[tuple[int, int]] = set()
    for one in stretches:
        values, before = one.values[:, column], one.before[:, column]
        moved = (values != before) & one.follows[:, column]
        pairs = np.unique(
            np.stack([nearest(seen, before[moved]), nearest(seen, values[moved])], axis=1), axis=0
        )
        found.update((int(a), int(b)) for a, b in pairs)
    return frozenset(found)
