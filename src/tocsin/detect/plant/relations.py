"""One relation a tag: what it should show, given every other tag now and all tags a row before.

A plant's control logic is made of thresholds (a pump runs until its tank is full), which linear models miss and small
boosted trees find. The relation that breaks names the tag at fault, and what it should have shown is the sentence.

Learning uses scikit-learn's histogram gradient boosting (after LightGBM, Ke et al., NIPS 2017) with a stated number
of threads; what was learnt is kept as plain arrays (`trees.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.trees import LEAVES, SPLITS, Forest
from tocsin.records.readings import Values

TREES: Final = 40
RATE: Final = 0.2
BINS: Final = 63
ROWS_A_LEAF: Final = 20

TRAIN_ROWS: Final = 20_000
"""Rows that a relation is learnt from, evenly spread over the rows given: more add minutes and nothing to see."""


def fit_relations(features: Values, targets: Sequence[int], threads: int) -> Forest:
    """The relations of the tags `targets`, `threads` of them learnt at a time.

    Args:
        features: Shape (rows, 2 · tags) without NaN: every tag now, then every tag in the row before.
        targets: Columns of the first half.
        threads: More make it quicker, and change nothing.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  an extra's, needed for learning only

    picked = features[np.linspace(0, len(features) - 1, min(len(features), TRAIN_ROWS)).astype(np.int64)]
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        grown = list(pool.map(lambda target: _grow(picked, target), targets))
    return _forest(grown, features.shape[1])


def _grow(features: Values, target: int) -> tuple[float, list[_Tree]]:
    """The trees of one tag, which are not shown the tag itself in the row that they judge."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  an extra's, needed for learning only

    shown = np.delete(np.arange(features.shape[1]), target)
    model = HistGradientBoostingRegressor(
        max_leaf_nodes=LEAVES, max_iter=TREES, learning_rate=RATE, max_bins=BINS,
        min_samples_leaf=min(ROWS_A_LEAF, max(1, len(features) // 10)), early_stopping=False, random_state=0,
    ).fit(features[:, shown], features[:, target])  # fmt: skip
    base = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001  scikit-learn shows no other way to its trees
    return base, [_tree(one.nodes, shown) for (one,) in model._predictors]  # noqa: SLF001


class _Tree:
    """One tree while its forest is being put together."""

    def __init__(self) -> None:
        self.splits: list[tuple[int, float, int]] = []
        """(feature, threshold, leaves left where a row is above it), in any order."""
        self.leaves: list[float] = []


def _tree(nodes: Any, shown: NDArray[np.int64]) -> _Tree:
    """scikit-learn's `nodes` of one tree, its leaves numbered from left to right."""
    tree = _Tree()

    def walk(at: int) -> int:
        """The leaves under node `at`, as bits."""
        node = nodes[at]
        if node["is_leaf"]:
            tree.leaves.append(float(node["value"]))
            return 1 << (len(tree.leaves) - 1)
        left = walk(int(node["left"]))
        right = walk(int(node["right"]))
        tree.splits.append((int(shown[node["feature_idx"]]), float(node["num_threshold"]), 255 & ~left))
        return left | right

    walk(0)
    return tree


def _forest(grown: Sequence[tuple[float, list[_Tree]]], width: int) -> Forest:
    trees = [tree for _, own in grown for tree in own]
    found: list[set[float]] = [set() for _ in range(width)]
    for tree in trees:
        for feature, threshold, _ in tree.splits:
            found[feature].add(threshold)
    cuts = tuple(np.array(sorted(one), dtype=np.float64) for one in found)
    if max(map(len, cuts), default=0) > 255:
        raise ValueError("a feature has more cuts than a byte can rank")
    feature = np.zeros((len(trees), SPLITS), np.int64)
    cut, mask = np.full((len(trees), SPLITS), 255, np.uint8), np.full((len(trees), SPLITS), 255, np.uint8)
    leaves = np.zeros((len(trees), LEAVES))
    for row, tree in enumerate(trees):
        leaves[row, : len(tree.leaves)] = tree.leaves
        for column, (at, threshold, left) in enumerate(tree.splits):
            feature[row, column], mask[row, column] = at, left
            cut[row, column] = np.searchsorted(cuts[at], threshold)
    return Forest(cuts, feature, cut, mask, leaves, np.array([base for base, _ in grown]))
