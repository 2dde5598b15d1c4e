"""From differences to one number a row: the row's most surprising tag, or all tags together, smoothed over time.

An attack on a process lasts; noise does not. So the score is an exponentially weighted mean (Roberts 1959).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from tocsin.detect.plant.process import Differences, Process
from tocsin.detect.plant.surprise import Scale
from tocsin.records.readings import Values

SMOOTHING: Final = 0.15
"""Weight of the newest row (DESIGN section 4)."""

TOGETHER: Final = 5
"""How many tags the subspace's word is averaged over: a change that no single tag shows moves several a little."""


def tag_surprises(found: Differences, process: Process, by_relation: Scale, imbalances: Values) -> Values:
    """How surprising each tag is by its relation, the rules and its balance, shape (rows, tags).

    `imbalances`: surprises of shape (rows, balances).
    """
    surprises = found.by_rule.copy()
    surprises[:, process.moving] = np.maximum(
        surprises[:, process.moving], by_relation.surprises(found.by_relation)
    )
    for column, balance in enumerate(process.balances):
        surprises[:, balance.level] = np.maximum(surprises[:, balance.level], imbalances[:, column])
    return surprises


def row_surprises(by_tag: Values, by_subspace: Values) -> Values:
    """How surprising each row is, shape (rows,), from surprises of shape (rows, tags) and (rows, moving tags)."""
    highest: Values = by_tag.max(axis=1, initial=0.0)
    count = min(TOGETHER, by_subspace.shape[1])
    if count:
        together = np.sort(
            np.partition(by_subspace, by_subspace.shape[1] - count, axis=1)[:, -count:], axis=1
        )
        highest = np.maximum(highest, sum(together.T, np.zeros(len(together))) / count)
    return highest


def smoothed(values: Values, last: Values, weight: float = SMOOTHING) -> Values:
    """The exponentially weighted mean of `values`, shape (rows, …), going on from `last`, shape (…)."""
    means = np.empty_like(values)
    if not values.size:
        return means
    if values.ndim == 1:
        return np.array(list(_means(values.tolist(), float(last), weight)))
    mean, step = np.asarray(last, dtype=np.float64), np.empty_like(last, dtype=np.float64)
    for value, row in zip(values, means, strict=True):  # a recurrence: each row needs the one before
        np.subtract(value, mean, out=step)
        np.multiply(step, weight, out=step)
        mean = np.add(mean, step, out=row)
    return means


def _means(values: Iterable[float], mean: float, weight: float) -> Iterator[float]:
    """As `smoothed`, to the last bit: one number at a time, the interpreter's own arithmetic is quicker than an array's."""
    for value in values:
        mean += (value - mean) * weight
        yield mean
