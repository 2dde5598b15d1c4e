"""All tags together: normal operation lies near a linear subspace, and what leaves it is told tag by tag.

Principal component analysis (Jackson and Mudholkar 1979, residuals of a subspace), each tag scaled by its floored
spread, as many components as explain `EXPLAINED` of the variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.records.readings import Values

EXPLAINED: Final = 0.997
"""Share of the variance that the components explain (DESIGN section 4: about 99.7%)."""

FAR: Final = 20.0
"""Spreads beyond which a scaled reading is cut: one wild tag must not drown the others."""

CACHED_ROWS: Final = 512
"""Rows that are worked on at a time, so that they stay in a core's cache."""


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
        """What the subspace leaves unexplained of `values`, shape (rows, tags), in spreads, with its sign."""
        scaled = np.clip((values - self.centres) / self.spreads, -FAR, FAR)
        left = scaled.copy()
        takes = self.components @ self.components.T
        for start in range(0, len(left), CACHED_ROWS):
            rows = slice(start, start + CACHED_ROWS)
            for column, taken in enumerate(takes):  # no matrix product: it rounds one row otherwise than many
                left[rows] -= scaled[rows, column, None] * taken
        return left


def fit_subspace(values: Values, spreads: Values) -> Subspace:
    """The subspace of `values`, shape (rows, tags) without NaN, each tag in units of `spreads`."""
    centres = values.mean(axis=0)
    scaled = np.clip((values - centres) / spreads, -FAR, FAR)
    variances, vectors = np.linalg.eigh(scaled.T @ scaled)
    variances, vectors = np.maximum(variances[::-1], 0.0), vectors[:, ::-1]
    explained = np.cumsum(variances) / max(variances.sum(), 1e-300)
    count = min(int(np.searchsorted(explained, EXPLAINED)) + 1, max(1, values.shape[1] - 1))
    return Subspace(centres, spreads, np.ascontiguousarray(vectors[:, :count]))
