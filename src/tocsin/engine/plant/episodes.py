"""Alarms made episodes: rows in alarm that lie close together are one thing that somebody has to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.detect.plant.conformal import APART, BLOCKS
from tocsin.detect.plant.watch import Judged

NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Episode:
    """Alarms that belong together.

    Attributes:
        first: The first row in alarm, an index.
        last: And the last one.
        rows: How many rows in between are in alarm, both included.
        worst: The row with the highest score.
        tags: The columns at fault over all its alarms, most first; up to three.
    """

    first: int
    last: int
    rows: int
    worst: int
    tags: tuple[int, ...]


def episodes_of(judged: Judged, unit: str) -> tuple[Episode, ...]:
    """The episodes of rows judged by a model that promises by `unit`s, in order of time."""
    alarms = np.flatnonzero(judged.alarms)
    if not len(alarms):
        return ()
    apart = dict(BLOCKS)[unit] // APART
    cuts = np.flatnonzero(np.diff(judged.times[alarms]) > apart) + 1
    return tuple(_episode(judged, rows) for rows in np.split(alarms, cuts))


def _episode(judged: Judged, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Episode:
    named, shares = judged.named[rows].ravel(), judged.shares[rows].ravel()
    sums = np.bincount(named[named >= 0], weights=shares[named >= 0])
    order = np.argsort(-sums, kind="stable")[:NAMED]
    tags = tuple(int(one) for one in order if sums[one] > 0)
    return Episode(int(rows[0]), int(rows[-1]), len(rows), int(rows[np.argmax(judged.scores[rows])]), tags)
