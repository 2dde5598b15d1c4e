"""The largest values of long stretches, run by run: what is told of a block rests on its largest, not on each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.records.readings import Values

RUNS_A_BLOCK: Final = 64
"""Runs that a block of the promise is cut into."""


class Peaks:
    """Keeps the largest values of runs of rows, and the fold of each run."""

    def __init__(self, block_rows: int) -> None:
        self._step = max(1, block_rows // RUNS_A_BLOCK)
        self._most: list[Values] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._folds: list[NDArray[np.int64]] = []

    def add(self, values: Values, fold: int) -> None:
        """The next rows' values, none below 0, shape (rows, columns), all of one fold."""
        starts = np.arange(0, len(values), self._step)
        self._most.append(np.maximum.reduceat(values, starts, axis=0))
        self._lengths.append(np.diff(starts, append=len(values)))
        self._folds.append(np.full(len(starts), fold))

    def largest(self) -> Values:
        """The largest of each column, shape (columns,)."""
        largest: Values = np.concatenate(self._most).max(axis=0, initial=0.0)
        return largest

    def rows(self, share: Callable[[Values, Values], Values]) -> Values:
        """Of each row, shape (rows,), what `share` says of its run's largest, and of the largest of all other folds.

        `share` is given shapes (runs, columns) and (columns,), and gives shape (runs,).
        """
        most, folds = np.concatenate(self._most), np.concatenate(self._folds)
        shares = np.zeros(len(most))
        for fold in np.unique(folds):
            inside = folds == fold
            shares[inside] = share(most[inside], most[~inside].max(axis=0, initial=0.0))
        return np.repeat(shares, np.concatenate(self._lengths))
