"""States never seen: a discrete tag with a value that it never had, or a change between values that it never made;
any other tag outside the span of its readings.

Rules, not statistics: what was never seen in a year is surprising to the cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.detect.plant.surprise import AT_TAIL, CAP
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.records.readings import Flags, Values

NEW_CHANGE: Final = 4.0
"""Surprise of a change that was never made between two states that were seen."""

BESIDE: Final = 0.05
"""How far beside a seen state a reading may lie, in its own unit or this share of the state, to be that state."""

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

    def surprises(self, values: Values, before: Values, read: Flags) -> Values:
        """The surprise of each of `values` after `before`, all of shape (rows, tags)."""
        outside = np.maximum(self.low - values, values - self.high) / self.spreads
        found = np.where(outside > 1.0, np.minimum(AT_TAIL + BEYOND * outside, CAP), 0.0)
        for column, seen in enumerate(self.seen):
            if len(seen):
                found[:, column] = self._discrete(column, values[:, column], before[:, column])
        return np.where(read, found, 0.0)

    def _discrete(self, column: int, values: Values, before: Values) -> Values:
        now, then = nearest(self.seen[column], values), nearest(self.seen[column], before)
        found = np.where(now < 0, CAP, 0.0)
        for row in np.flatnonzero((now != then) & (now >= 0) & (then >= 0)):
            if (int(then[row]), int(now[row])) not in self.changes[column]:
                found[row] = NEW_CHANGE
        return found


def nearest(seen: Values, values: Values) -> Values:
    """The index in `seen` of the state that each of `values` is; -1 where it is none."""
    at = np.clip(np.searchsorted(seen, values), 1, max(1, len(seen) - 1)) if len(seen) > 1 else np.zeros(len(values), int)
    if len(seen) > 1:
        at = np.where(values - seen[at - 1] <= seen[at] - values, at - 1, at)
    slack = np.maximum(BESIDE * np.minimum(1.0, np.abs(seen[at])), 1e-9)
    return np.where(np.abs(values - seen[at]) <= slack, at, -1)


def fit_states(tags: Sequence[Tag], values: Values, before: Values) -> States:
    """What `values` after `before`, shape (rows, tags), show."""
    seen, changes = [], []
    for column, tag in enumerate(tags):
        own = np.unique(values[:, column]) if tag.kind in {TagKind.DISCRETE, TagKind.CONSTANT} else np.empty(0)
        seen.append(own)
        changes.append(_changes(own, values[:, column], before[:, column]) if len(own) else frozenset())
    spreads = np.array([tag.spread for tag in tags])
    return States(tuple(seen), tuple(changes), values.min(axis=0), values.max(axis=0), spreads)


def _changes(seen: Values, values: Values, before: Values) -> frozenset[tuple[int, int]]:
    moved = values != before
    now, then = nearest(seen, values[moved]), nearest(seen, before[moved])
    return frozenset((int(a), int(b)) for a, b in zip(then, now, strict=True))
