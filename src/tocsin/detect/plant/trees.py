"""Boosted trees as plain arrays: they are written to a file without code in it, and judge rows with numpy alone.

Evaluated as QuickScorer does (Lucchese et al., SIGIR 2015): every tree keeps one bit a leaf, a split that a row fails
clears the leaves to its left, and the lowest bit left is the leaf. Trees of eight leaves need one byte a row, so a
split costs a few passes over bytes, whatever path a row takes. Readings are compared as ranks among the forest's cuts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.records.readings import Values

LEAVES: Final = 8
"""Leaves of a tree: bits of a byte."""

SPLITS: Final = LEAVES - 1

CHUNK_ROWS: Final = 16_384
"""Rows judged at a time: their bytes stay in a core's cache."""

FEW_ROWS: Final = 32
"""Up to so many rows are judged all trees at a time: a loop over trees costs more than its work there."""

Bytes = NDArray[np.uint8]

_LOWEST: Final[Bytes] = np.array([8] + [(v & -v).bit_length() - 1 for v in range(1, 256)], dtype=np.uint8)
"""The lowest bit of each byte."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees for several targets, those of one target beside each other.

    Attributes:
        cuts: For each feature, ascending, what its readings are compared with; no more than 255.
        feature: Shape (trees, 7): the feature that a split looks at.
        cut: Shape (trees, 7): a row passes the split if it is not above this cut of that feature. 255: always passes.
        mask: Shape (trees, 7): the leaves that are left when a row does not pass.
        leaves: Shape (trees, 8): what a leaf adds, in the target's unit.
        bases: Shape (targets,): what every row begins with. Each target has as many trees as any other.
    """

    cuts: tuple[Values, ...]
    feature: NDArray[np.int64]
    cut: Bytes
    mask: Bytes
    leaves: Values
    bases: Values

    @property
    def trees_each(self) -> int:
        """Trees of one target."""
        return len(self.feature) // max(1, len(self.bases))

    def predict(self, features: Values) -> Values:
        """What the trees say of `features`, shape (rows, features) without NaN; shape (rows, targets)."""
        parts = [
            self._predict(self._ranks(features[start : start + CHUNK_ROWS]))
            for start in range(0, len(features), CHUNK_ROWS)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.bases)))

    def _ranks(self, features: Values) -> Bytes:
        """For each feature and row how many cuts lie below; shape (features, rows). A reading on a cut is not above it."""
        ranks = np.empty(features.shape[::-1], dtype=np.uint8)
        for column, cuts in enumerate(self.cuts):
            ranks[column] = np.searchsorted(cuts, features[:, column], side="left") if len(cuts) else 0
        return ranks

    def _predict(self, ranks: Bytes) -> Values:
        return self._few(ranks) if ranks.shape[1] <= FEW_ROWS else self._many(ranks)

    def _few(self, ranks: Bytes) -> Values:
        passed = ranks[self.feature.ravel()].reshape(*self.feature.shape, -1) <= self.cut[..., None]
        left = np.bitwise_and.reduce(np.where(passed, np.uint8(255), self.mask[..., None]), axis=1)
        added = np.take_along_axis(self.leaves, _LOWEST[left].astype(np.int64), axis=1)
        sums = np.repeat(self.bases[:, None], ranks.shape[1], axis=1)
        for tree in range(
            self.trees_each
        ):  # one after the other, as in `_many`: sums are the same to the last bit
            sums += added[tree :: self.trees_each]
        return sums.T

    def _many(self, ranks: Bytes) -> Values:
        rows = ranks.shape[1]
        sums = np.repeat(self.bases[:, None], rows, axis=1)
        left, failed, added = np.empty(rows, np.uint8), np.empty(rows, np.uint8), np.empty(rows)
        tables = self.leaves[:, np.minimum(_LOWEST, LEAVES - 1)]
        for tree in range(len(self.feature)):
            left.fill(255)
            for feature, cut, mask in zip(self.feature[tree], self.cut[tree], self.mask[tree], strict=True):
                if cut == 255:
                    break  # splits that always pass stand last
                np.less_equal(ranks[feature], cut, out=failed.view(np.bool_))
                np.negative(failed, out=failed)  # 1 → 255, 0 → 0
                np.bitwise_or(failed, mask, out=failed)
                np.bitwise_and(left, failed, out=left)
            np.take(tables[tree], left, out=added)
            sums[tree // self.trees_each] += added
        return sums.T
