"""Drift: the slow mean of a tag's differences, with their sign, beside what it was on normal operation.

A plant ages, sensors wander, and a patient attacker moves a reading by less a day than any row would show. What stays
on one side for weeks shows in the mean. It is judged against the first model that was accepted, so that a model which
was taught the drift week by week does not hide it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.detect.plant.process import Differences
from tocsin.detect.plant.score import smoothed
from tocsin.records.readings import Flags, Values

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

    def means(self, found: Differences, last: Values) -> Values:
        """The slow means after each row, shape (rows, 2 · moving tags), going on from `last`, in parts of the tails."""
        return smoothed(_clipped(found, self.tails), last, self.weight)

    def amounts(self, means: Values) -> Values:
        """How many times its largest mean each tag is at, shape (rows, moving tags)."""
        size = np.abs(means) / self.largest
        return np.maximum(size[:, : size.shape[1] // 2], size[:, size.shape[1] // 2 :])


def fit_drift(
    found: Differences, tails: Values, block_rows: int, folds: Sequence[Flags]
) -> tuple[Drift, Values]:
    """The drift of differences out of fold, its `limit` still 1, and each row's amount by what other folds showed.

    Args:
        found: Out of fold.
        tails: Shape (2 · moving tags,).
        block_rows: Rows of a block of the promise.
        folds: For each fold, which rows are in it; the amounts of its rows rest on the others.
    """
    weight = 1.0 / max(2, SLOW_BLOCKS * block_rows)
    means = smoothed(_clipped(found, tails), np.zeros(len(tails)), weight)
    amounts = np.zeros(len(means))
    for inside in folds:
        other = Drift(weight, tails, _largest(means[~inside]), 1.0)
        amounts[inside] = other.amounts(means[inside]).max(axis=1, initial=0.0)
    return Drift(weight, tails, _largest(means), 1.0), amounts


def _clipped(found: Differences, tails: Values) -> Values:
    both = np.hstack([found.by_subspace, found.by_relation])
    return np.nan_to_num(np.clip(both / tails, -1.0, 1.0), nan=0.0)


def _largest(means: Values) -> Values:
    largest: Values = np.maximum(np.abs(means).max(axis=0, initial=0.0), LEAST_MEAN)
    return largest
