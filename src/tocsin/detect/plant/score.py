"""From differences to one number a row: the row's most surprising tag, or all tags together, smoothed over time.

An attack on a process lasts; noise does not. So the score is an exponentially weighted mean (Roberts 1959).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.process import Differences
from tocsin.detect.plant.surprise import Scale
from tocsin.records.readings import Values

SMOOTHING: Final = 0.15
"""Weight of the newest row (DESIGN section 4)."""

TOGETHER: Final = 5
"""How many tags the subspace's word is averaged over: a change that no single tag shows moves several a little."""


def tag_surprises(found: Differences, moving: NDArray[np.int64], by_relation: Scale) -> Values:
    """How surprising each tag is by its relation and by the rules, shape (rows, tags)."""
    surprises = found.by_rule.copy()
    surprises[:, moving] = np.maximum(surprises[:, moving], by_relation.surprises(found.by_relation))
    return surprises


def row_surprises(by_tag: Values, by_subspace: Values) -> Values:
    """How surprising each row is, shape (rows,), from surprises of shape (rows, tags) and (rows, moving tags)."""
    count = min(TOGETHER, by_subspace.shape[1])
    if not count:
        return by_tag.max(axis=1, initial=0.0)
    highest = np.partition(by_subspace, by_subspace.shape[1] - count, axis=1)[:, -count:]
    return np.maximum(by_tag.max(axis=1, initial=0.0), highest.mean(axis=1))


def smoothed(values: Values, last: Values, weight: float = SMOOTHING) -> Values:
    """The exponentially weighted mean of `values`, shape (rows, …), going on from `last`, shape (…)."""
    means = np.empty_like(values)
    mean = last
    for row in range(len(values)):  # a recurrence: each row needs the one before
        mean = mean + weight * (values[row] - mean)
        means[row] = mean
    return means
