"""One relation a tag: what it should show, given every other tag now and all tags a row before.

A plant's control logic is made of thresholds (a pump runs until its tank is full), which linear models miss and small
boosted trees find. The relation that breaks names the tag at fault, and what it should have shown is the sentence.

Learning uses scikit-learn's histogram gradient boosting (after LightGBM, Ke et al., NIPS 2017) with a stated number
of threads; what was learnt is kept as plain arrays (`trees.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.trees import LEAVES, SPLITS, Forest
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Values

TREES: Final = 40
RATE: Final = 0.2
BINS: Final = 63
ROWS_A_LEAF: Final = 20

TRAIN_ROWS: Final = 20_000
"""Rows that a relation is learnt from, evenly spread over the rows given: more add minutes and nothing to see."""

TRAIN_ROWS_LEAST: Final = 4_000
"""And so many at least where there are many tags."""

TRAIN_CELLS: Final = 2_000_000
"""Tags times rows that are learnt from, between those two."""

PARTNERS: Final = 100
"""Tags that a relation looks at: all of them, or those that go with its own the most."""


def fit_relations(stretches: Sequence[Looked], columns: NDArray[np.int64], threads: int) -> Forest:
    """The relations of the tags `columns`, `threads` of them learnt at a time.

    Args:
        stretches: Rows without NaN.
        columns: Which tags; each is explained by the others.
        threads: More make it quicker, and change nothing.
    """
    # Before any limit is set: a limit holds for the libraries that are loaded by then.
    import sklearn.ensemble  # noqa: F401, PLC0415  an extra's, needed for learning only
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    features = _features(stretches, columns)
    cuts = [_cuts(column) for column in features.T]
    ranks = np.stack(
        [np.searchsorted(own, column) for own, column in zip(cuts, features.T, strict=True)], axis=1
    )
    shown = _shown(features[:, : len(columns)])
    # OpenMP's limit is each thread's own, so each sets it; without it a fit spins as many threads as there are cores.
    alone = partial(threadpool_limits, 1, user_api="openmp")
    with (
        threadpool_limits(1),
        ThreadPoolExecutor(1, initializer=alone) as binning,
        ThreadPoolExecutor(threads, initializer=alone) as pool,
    ):
        grow = partial(_grow, _regressor(binning), ranks)
        grown = list(
            pool.map(lambda target: grow(features[:, target], shown[target], cuts), range(len(columns)))
        )
    return _forest(grown, features.shape[1])


def features_of(looked: Looked, columns: NDArray[np.int64]) -> Values:
    """What relations look at: every tag of `columns` now, then every one in the row before."""
    return np.hstack([looked.values[:, columns], looked.before[:, columns]])


def _features(stretches: Sequence[Looked], columns: NDArray[np.int64]) -> Values:
    """The features of rows that are evenly spread over `stretches`."""
    lengths = [len(one) for one in stretches]
    rows = min(sum(lengths), TRAIN_ROWS, max(TRAIN_ROWS_LEAST, TRAIN_CELLS // len(columns)))
    picked = np.linspace(0, sum(lengths) - 1, rows).astype(np.int64)
    starts = np.cumsum([0, *lengths])
    return np.concatenate([
        features_of(one.picked(picked[(picked >= start) & (picked < start + len(one))] - start), columns)
        for one, start in zip(stretches, starts, strict=False)
    ])  # fmt: skip


def _cuts(values: Values) -> Values:
    """Where a feature may be split, ascending: between all its values where these are few, else at even shares of the rows."""
    own = np.unique(values)
    if len(own) > BINS:
        return np.unique(
            np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], method="averaged_inverted_cdf")
        )
    return np.unique((own[:-1] + own[1:]) / 2)


def _shown(values: Values) -> list[NDArray[np.int64]]:
    """For each tag the features that its relation looks at: never the tag itself in the row that is judged."""
    tags = values.shape[1]
    partners = np.broadcast_to(np.arange(tags), (tags, tags))
    if tags > PARTNERS:
        scaled = values - values.mean(axis=0)
        scaled /= np.maximum(np.sqrt((scaled**2).sum(axis=0)), 1e-300)
        alike = np.abs(scaled.T @ scaled).round(6)
        np.fill_diagonal(alike, 2.0)
        partners = np.sort(np.argsort(-alike, axis=1, kind="stable")[:, :PARTNERS], axis=1)
    return [np.concatenate([own[own != target], own + tags]) for target, own in enumerate(partners)]


def _grow(
    regressor: Any, ranks: NDArray[np.int64], target: Values, shown: NDArray[np.int64], cuts: Sequence[Values]
) -> tuple[float, list[_Tree]]:
    """The trees of one tag; `ranks`, shape (rows, features): how many of `cuts` lie below."""
    model = regressor(
        max_leaf_nodes=LEAVES, max_iter=TREES, learning_rate=RATE, max_bins=BINS,
        min_samples_leaf=min(ROWS_A_LEAF, max(1, len(target) // 10)), early_stopping=False, random_state=0,
    ).fit(ranks[:, shown], target)  # fmt: skip
    base, trees = trees_of(model, shown)
    for tree in trees:
        tree.splits = [(at, float(cuts[at][int(rank)]), left) for at, rank, left in tree.splits]
    return base, trees


def _regressor(binning: Executor) -> Any:
    """scikit-learn's regressor, which `binning`, of one thread, puts into bins.

    scikit-learn does that through joblib, which saves, empties and restores the warning filters of the whole
    interpreter: two threads that do so at once lose them.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  an extra's, needed for learning only

    class BinnedAlone(HistGradientBoostingRegressor):  # type: ignore[misc]  # it has no types
        def _bin_data(self, *args: Any, **kwargs: Any) -> Any:
            return binning.submit(super()._bin_data, *args, **kwargs).result()

    return BinnedAlone


def trees_of(model: Any, shown: NDArray[np.int64]) -> tuple[float, list[_Tree]]:
    """What every row begins with, and the trees, of a fitted `HistGradientBoostingRegressor` whose features are `shown`."""
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
    """The trees of all targets as arrays. A feature has fewer than `BINS` cuts, whatever its trees, so a byte ranks them."""
    trees = [tree for _, own in grown for tree in own]
    found: list[set[float]] = [set() for _ in range(width)]
    for tree in trees:
        for looked_at, threshold, _ in tree.splits:
            found[looked_at].add(threshold)
    cuts = tuple(np.array(sorted(one), dtype=np.float64) for one in found)
    feature = np.zeros((len(trees), SPLITS), np.int64)
    cut, mask = np.full((len(trees), SPLITS), 255, np.uint8), np.full((len(trees), SPLITS), 255, np.uint8)
    leaves = np.zeros((len(trees), LEAVES))
    for row, tree in enumerate(trees):
        leaves[row, : len(tree.leaves)] = tree.leaves
        for column, (looked_at, threshold, left) in enumerate(tree.splits):
            feature[row, column], mask[row, column] = looked_at, left
            cut[row, column] = np.searchsorted(cuts[looked_at], threshold)
    return Forest(cuts, feature, cut, mask, leaves, np.array([base for base, _ in grown]))
