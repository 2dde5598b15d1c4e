"""Drift: the slow mean of a tag's differences, with their sign, beside what it was on normal operation.

A plant ages, sensors wander, and a patient attacker moves a reading by less a day than any row would show. What stays
on one side for weeks shows in the mean. It is judged against the first model that was accepted, so that a model which
was taught the drift week by week does not hide it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.detect.plant.peaks import Peaks
from tocsin.detect.plant.score import smoothed
from tocsin.records.readings import Values

SLOW_BLOCKS: Final = 2
"""The mean goes back over about so many blocks of the promise (weeks, where there are enough)."""

LEAST_MEAN: Final = 0.05
"""No slow mean below this part of a tag's tail is drift."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far slow means went on normal operation; shapes (2 · moving tags,): by the subspace, then by the relations.

    Attributes:
        weight: Of the newest row in the mean.
        tails: The size from which a difference counts no more: a few wild rows are no drift.
        largest: Largest size of the mean.
        limit: How many times the largest is drift; it comes from the budget.
    """

    weight: float
    tails: Values
    largest: Values
    limit: float

    def means(self, by_relation: Values, by_subspace: Values, last: Values) -> Values:
        """The slow means after each row, shape (rows, 2 · moving tags), going on from `last`, in parts of the tails."""
        return smoothed(_clipped(by_relation, by_subspace, self.tails), last, self.weight)

    def amounts(self, means: Values) -> Values:
        """How many times its largest mean each tag is at, shape (rows, moving tags)."""
        size = np.abs(means) / self.largest
        return np.maximum(size[:, : size.shape[1] // 2], size[:, size.shape[1] // 2 :])


class Drifting:
    """Follows the slow means of differences out of fold, row after row."""

    def __init__(self, tails: Values, block_rows: int) -> None:
        self._weight, self._tails = 1.0 / max(2, SLOW_BLOCKS * block_rows), tails
        self._mean = np.zeros(len(tails))
        self._peaks = Peaks(block_rows)

    def add(self, by_relation: Values, by_subspace: Values, fold: int) -> None:
        """The next rows' differences, shape (rows, moving tags), all of one fold."""
        means = smoothed(_clipped(by_relation, by_subspace, self._tails), self._mean, self._weight)
        self._mean = means[-1].copy()
        self._peaks.add(np.abs(means), fold)

    def fitted(self) -> tuple[Drift, Values]:
        """The drift, its `limit` still 1, and each row's amount by what other folds showed."""

        def amounts(most: Values, largest: Values) -> Values:
            highest: Values = (most / np.maximum(largest, LEAST_MEAN)).max(axis=1, initial=0.0)
            return highest

        largest = np.maximum(self._peaks.largest(), LEAST_MEAN)
        return Drift(self._weight, self._tails, largest, 1.0), self._peaks.rows(amounts)


def _clipped(by_relation: Values, by_subspace: Values, tails: Values) -> Values:
    both = np.hstack([by_subspace, by_relation])
    return np.nan_to_num(np.clip(both / tails, -1.0, 1.0), nan=0.0)
