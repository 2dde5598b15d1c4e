"""What is told beside the rows: things that are not an attack by themselves, and spoil the promise if nobody is told.

A notice is told once when its state begins, not with each row of it; it may be told again after the state has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from tocsin.detect.plant.state import Held, State, flags
from tocsin.records.readings import Flags, Values

OVER: Final = 0.5
"""A state ends where its measure falls below this share of what began it: one at its edge is told once."""


class NoticeKind(StrEnum):
    """What is told."""

    DRIFT = "drift"
    MISSING = "missing"
    COARSE = "coarse"
    GAP = "gap"
    REPEATED = "repeated"
    CLOCK = "clock"
    GONE = "gone"
    NEW = "new"
    SILENT = "silent"
    LATE = "late"
    UNTIMED = "untimed"
    ASIDE = "aside"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told, when its state began.

    Attributes:
        time: Of the row that it began with.
        kind: What it is about.
        tag: Whose; empty where it is about all of them.
        amount: How much, in the unit of the kind: times the largest slow mean on normal operation (drift), rows
            (missing, gap, repeated, silent), changes in a row on a coarser step (coarse), seconds (clock: back; late: behind
            the newest reading; untimed: beside the time when it came), days at fault (aside), 1 (failed).
        limit: How much begins such a state.
    """

    time: int
    kind: NoticeKind
    tag: str
    amount: float
    limit: float


class Edges:
    """Finds where states begin, over batches cut anywhere."""

    def __init__(self, columns: int) -> None:
        self._inside = np.zeros(columns, bool)

    def begun(self, shares: Values) -> Flags:
        """Where a state begins, of `shares`, shape (rows, columns): above 1 begins one, below `OVER` ends it."""
        before = self._inside
        inside = self.inside(shares)
        begun: Flags = inside & ~np.vstack([before[None, :], inside[:-1]])
        return begun

    def inside(self, shares: Values) -> Flags:
        """Where a state holds, of `shares` as in `begun`."""
        begins, inside = shares > 1.0, np.zeros(shares.shape, bool)
        some = np.flatnonzero(self._inside | begins.any(axis=0))  # mostly none
        if len(some):
            begins, ends = begins[:, some], shares[:, some] < OVER
            rows = np.arange(1, len(shares) + 1)[:, None]
            at = np.maximum.accumulate(np.where(begins | ends, rows, 0), axis=0)
            before = self._inside[None, some]
            inside[:, some] = np.take_along_axis(np.vstack([before, begins]), at, axis=0)
        self._inside = inside[-1]
        return inside

    def state(self) -> State:
        """All that it carries over."""
        return {"inside": flags(self._inside)}

    def take_up(self, held: Held) -> None:
        """Goes on from a `state` of as many columns.

        Raises:
            Damaged: it is none.
        """
        self._inside = held.flags("inside", len(self._inside))
