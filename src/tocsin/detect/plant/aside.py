"""Tags set aside: what contradicts the others for days on end was told, and must not drown what comes after it.

A sensor that was swapped, or lost digits, is off until somebody learns the plant anew, and with it every row would ring. Once a
tag was beyond what is usual for all of `PATIENCE`, the score leaves it out, until it has fitted for as long: one that is off while a
pump runs fits while it rests. It is told of, and whoever watches goes on hearing of every other tag.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.notices import Edges
from tocsin.detect.plant.score import smoothed
from tocsin.detect.plant.state import Held, State, counts, numbers
from tocsin.detect.plant.surprise import AT_TAIL
from tocsin.records.instants import DAY, HOUR
from tocsin.records.readings import Flags, Values

PATIENCE: Final = 7 * DAY
"""For so long a tag's own alarm is heard, longer than anybody may need to look at it."""

UNUSUAL: Final = AT_TAIL
"""Smoothed surprise from which a tag is beyond what is usual: on normal operation its middle is some 0.5."""

SMOOTHING: Final = 0.075
"""Weight of the newest row in what speaks against a tag: slower than the score's, because what an attack hits first stays
at fault while its effects travel through the plant."""


class Aside:
    """Follows what speaks against each tag, over batches cut anywhere.

    Args:
        usual: Where that begins, shape (tags,); what lies nearer to it than to `UNUSUAL` fits.
        spacing: Microseconds from row to row.
    """

    def __init__(self, usual: Values, spacing: int) -> None:
        self._blame = self._slow = usual
        # As slow by the clock as at a row an hour: of the rows of a week by the second, chance alone lifts or lowers some.
        self._weight = min(SMOOTHING, SMOOTHING * max(1, spacing) / HOUR)
        self._calm_below = (np.minimum(usual, UNUSUAL) + UNUSUAL) / 2
        self._rows = max(2, PATIENCE // max(1, spacing))
        self._runs = self._calm = np.zeros(len(usual), np.int64)
        self._aside = Edges(len(usual))

    def follow(self, blame: Values) -> tuple[Values, Flags]:
        """The smoothed `blame`, and which tags are set aside; all of shape (rows, tags)."""
        means = smoothed(blame, self._blame, SMOOTHING)
        slow = means if self._weight == SMOOTHING else smoothed(blame, self._slow, self._weight)
        runs, calm = _runs(slow > UNUSUAL, self._runs), _runs(slow < self._calm_below, self._calm)
        self._blame, self._slow = means[-1].copy(), slow[-1].copy()
        self._runs, self._calm = runs[-1].copy(), calm[-1].copy()
        # Above 1 begins a state and 0 ends it; in between it stays as it is.
        shares = np.where(runs >= self._rows, 2.0, np.where(calm >= self._rows, 0.0, 0.75))
        return means, self._aside.inside(shares)

    def state(self) -> State:
        """All that it carries over."""
        return {
            "blame": numbers(self._blame),
            "slow": numbers(self._slow),
            "runs": counts(self._runs),
            "calm": counts(self._calm),
            "aside": self._aside.state(),
        }

    def take_up(self, held: Held) -> None:
        """Goes on from a `state` of as many tags.

        Raises:
            Damaged: it is none.
        """
        self._blame = held.numbers("blame", len(self._blame))
        self._slow = held.numbers("slow", len(self._slow))
        self._runs, self._calm = (
            held.counts("runs", len(self._runs)), held.counts("calm", len(self._calm))
        )  # fmt: skip
        self._aside.take_up(held.part("aside"))


def _runs(flags: Flags, before: NDArray[np.int64]) -> NDArray[np.int64]:
    """For how many rows in a row each of `flags` holds, shape (rows, tags), going on from `before`."""
    rows, runs = np.arange(1, len(flags) + 1)[:, None], np.zeros(flags.shape, np.int64)
    whole, some = flags.all(axis=0), flags.any(axis=0)
    runs[:, whole] = rows + before[whole]
    mixed = np.flatnonzero(some & ~whole)
    if len(mixed):
        ended = np.maximum.accumulate(np.where(flags[:, mixed], 0, rows), axis=0)
        runs[:, mixed] = np.where(ended > 0, rows - ended, rows + before[mixed])
    return runs
