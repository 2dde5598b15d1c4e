"""How rare a difference is, in powers of ten, judged by differences on normal operation that the model had not seen.

Up to the 99th percentile of those the surprise grows evenly to 2 (one in 10^2). Beyond it, the tail is taken as
exponential (peaks over threshold, Pickands 1975, with shape 0) and cut at `CAP`: no single reading may claim more
than the data can say, nor raise the alarm by itself for long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.records.readings import Values

TAIL: Final = 0.99
"""Where the tail begins."""

AT_TAIL: Final = 2.0
"""The surprise there: -log10(1 - TAIL)."""

CAP: Final = 6.0
"""No difference is more surprising than one in 10^6."""

DOUBLINGS: Final = 20.0
"""So far it is told apart how far beyond `CAP` differences go, where that is asked: a millionfold."""

BORROWED: Final = 10
"""How many rows beyond its tail a tag borrows from all tags together: of few of its own, chance alone makes its excess
small, and with many tags the smallest ones ring."""

FLOOR: Final = 0.02
"""Least threshold and least scale of a tail, in spreads: a tag that the model knew by heart is not surprising by a hair."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large differences are on normal operation; shapes (tags,), in the unit of the differences.

    Attributes:
        tail: The 99th percentile of their size.
        excess: How far they go beyond it on average, where they do.
    """

    tail: Values
    excess: Values

    def surprises(self, differences: Values) -> Values:
        """The surprise of each of `differences`, shape (rows, tags); 0 to `CAP`. NaN (nothing read) is no surprise."""
        size = np.abs(differences)
        inside = AT_TAIL * np.minimum(size / self.tail, 1.0)
        return np.nan_to_num(np.minimum(np.where(size > self.tail, self._beyond(size), inside), CAP), nan=0.0)

    def doublings(self, differences: Values) -> Values:
        """How often the surprise at the tail doubles, uncut, for each of `differences`, shape (rows, tags); 0 to `DOUBLINGS`.

        Between powers of two it is taken as straight: exact, so that it is the same for one row as for many.
        """
        size = np.abs(differences)
        part, power = np.frexp(np.nan_to_num(self._beyond(size) / AT_TAIL, nan=1.0))
        return np.minimum(power + 2.0 * part - 2.0, DOUBLINGS)

    def _beyond(self, size: Values) -> Values:
        return np.asarray(AT_TAIL + np.maximum(size - self.tail, 0.0) / (self.excess * np.log(10.0)))


def fit_scale(differences: Values, floors: Values) -> Scale:
    """The scale of `differences`, shape (rows, tags), out of fold; `floors`: least tail and excess of each tag.

    The excess of a tag is the mean of its own and of `BORROWED` rows with the excess that is usual among the tags (in
    parts of their tails).
    """
    size = np.abs(differences)
    size[~np.isfinite(size)] = np.nan
    size[:, np.isnan(size).all(axis=0)] = 0.0  # nothing read is no difference, and makes no scale smaller
    tail = np.maximum(np.nanquantile(size, TAIL, axis=0), floors)
    above = np.nan_to_num(np.maximum(size - tail, 0.0), nan=0.0)
    count, total = np.count_nonzero(above, axis=0), above.sum(axis=0)
    moved = count > 0
    usual = float(np.median(total[moved] / count[moved] / tail[moved])) if moved.any() else 0.0
    excess = (total + BORROWED * usual * tail) / (count + BORROWED)
    return Scale(tail, np.maximum(excess, floors))
