"""All tags together: normal operation lies near a linear subspace, and what leaves it is told tag by tag.

Principal component analysis (Jackson and Mudholkar 1979, residuals of a subspace), each tag scaled by its floored
spread, as many components as explain `EXPLAINED` of the variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Flags, Values

EXPLAINED: Final = 0.997
"""Share of the variance that the components explain (DESIGN section 4: about 99.7%)."""

FAR: Final = 20.0
"""Spreads beyond which a scaled reading is cut: one wild tag must not drown the others."""


SWEEPS: Final = 3
"""How often several tags that nobody read are fitted to each other."""

LEAST_UNEXPLAINED: Final = 1e-3
"""A tag of which less is left unexplained is a component of its own: the others say nothing of it."""


@dataclass(frozen=True, slots=True)
class Subspace:
    """The subspace of normal operation.

    Attributes:
        centres: Shape (tags,), in each tag's unit.
        spreads: Shape (tags,), in each tag's unit, above 0.
        components: Shape (tags, components), orthonormal columns.
    """

    centres: Values
    spreads: Values
    components: Values

    def residuals(self, values: Values) -> Values:
        """What the subspace leaves unexplained of `values`, shape (rows, tags), in spreads, with its sign.

        Summed up tag by tag and not by a matrix product, whose last bits change with the number of rows.
        """
        left = np.clip((values - self.centres) / self.spreads, -FAR, FAR).T.copy()
        parts = np.zeros((self.components.shape[1], len(values)))
        for scaled, weights in zip(left, self.components, strict=True):
            parts += weights[:, None] * scaled
        for part, weights in zip(parts, self.components.T, strict=True):
            left -= weights[:, None] * part
        return left.T

    def filled(self, values: Values, guessed: Flags) -> Values:
        """`values` with those that nobody read (`guessed`) moved to where the subspace has them, given the tags that were read.

        By Gauss-Seidel: column by column to where its residual is 0; exact for one tag, near enough for several.
        """
        found, left = values.copy(), self.residuals(values)
        columns = np.flatnonzero(guessed.any(axis=0))
        for column in [*columns] * (1 if len(columns) == 1 else SWEEPS):
            unexplained = -(self.components * self.components[column]).sum(axis=1)
            unexplained[column] += 1.0
            if unexplained[column] < LEAST_UNEXPLAINED:
                continue
            step = np.where(guessed[:, column], left[:, column] / unexplained[column], 0.0)
            found[:, column] -= step * self.spreads[column]
            left -= step[:, None] * unexplained
        return found


def fit_subspace(stretches: Sequence[Looked], columns: NDArray[np.int64], spreads: Values) -> Subspace:
    """The subspace of the tags `columns` in the rows of `stretches`, each tag in units of `spreads`."""
    rows = sum(map(len, stretches))
    centres = (
        sum((piece.values[:, columns].sum(axis=0) for piece in _pieces(stretches)), np.zeros(len(columns)))
        / rows
    )
    product = np.zeros((len(columns), len(columns)))
    for piece in _pieces(stretches):
        scaled = np.clip((piece.values[:, columns] - centres) / spreads, -FAR, FAR)
        product += scaled.T @ scaled
    variances, vectors = np.linalg.eigh(product)
    variances, vectors = np.maximum(variances[::-1], 0.0), vectors[:, ::-1]
    explained = np.cumsum(variances) / max(variances.sum(), 1e-300)
    count = min(int(np.searchsorted(explained, EXPLAINED)) + 1, max(1, len(columns) - 1))
    return Subspace(centres, spreads, np.ascontiguousarray(vectors[:, :count]))


def _pieces(stretches: Sequence[Looked]) -> Iterator[Looked]:
    return (piece for stretch in stretches for piece in stretch.pieces())
