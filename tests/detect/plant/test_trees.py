"""Our trees say what scikit-learn's say, to the last bit, on ordinary and hostile values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from tests.detect.plant.plants import changed, tank

from tocsin.detect.plant.relations import BINS, _forest, fit_relations, trees_of
from tocsin.detect.plant.tags import tags_of
from tocsin.detect.plant.trees import FEW_ROWS, Forest
from tocsin.detect.plant.view import look_whole


def _trained(seed: int, kind: str) -> tuple[list[HistGradientBoostingRegressor], np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(600, 5))
    if kind == "steps":
        features = np.round(features, 1)
    if kind == "wide":
        features = features * 10.0 ** rng.integers(-12, 12, size=5)
    targets = [
        features[:, 0] * 2 + (features[:, 1] > np.median(features[:, 1])),
        np.abs(features[:, 3]),
        np.zeros(600),
    ]
    models = [
        HistGradientBoostingRegressor(
            max_leaf_nodes=8, max_iter=8, max_bins=BINS, early_stopping=False, random_state=0
        ).fit(features, target)
        for target in targets
    ]
    return models, features


def _ours(models: list[HistGradientBoostingRegressor], width: int) -> Forest:
    return _forest([trees_of(model, np.arange(width)) for model in models], width)


@pytest.mark.parametrize("kind", ["plain", "steps", "wide"])
@pytest.mark.parametrize("seed", [1, 2])
def test_trees_say_what_scikit_learn_says(kind: str, seed: int) -> None:
    models, features = _trained(seed, kind)
    forest = _ours(models, features.shape[1])
    cuts = np.array([cut for own in forest.cuts for cut in own])
    edge = np.concatenate(
        [
            cuts,
            np.nextafter(cuts, np.inf),
            np.nextafter(cuts, -np.inf),
            [0, -0.0, 1e300, -1e300, np.inf, -np.inf, 5e-324],
        ]
    )
    rows = np.random.default_rng(seed).choice(
        np.concatenate([edge, features.ravel()]), size=(1_000, features.shape[1])
    )
    theirs = np.stack([model.predict(rows) for model in models], axis=1)
    np.testing.assert_array_equal(forest.predict(rows), theirs)


def test_few_rows_are_judged_as_many_are() -> None:
    models, features = _trained(3, "plain")
    forest = _ours(models, features.shape[1])
    whole = forest.predict(features)
    for size in (1, 2, FEW_ROWS, FEW_ROWS + 1, 100):
        parts = [forest.predict(features[at : at + size]) for at in range(0, len(features), size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert forest.predict(features[:0]).shape == (0, 3)


def test_no_feature_has_more_cuts_than_a_byte_ranks() -> None:
    rng = np.random.default_rng(1)
    values = np.cumsum(rng.normal(size=(5_000, 6)), axis=0)
    readings = changed(tank(5_000), values)
    tags = tags_of(readings)
    forest = fit_relations([look_whole(tags, values, np.zeros(5_000, bool))], np.arange(6), 1)
    assert 10 < max(map(len, forest.cuts)) < BINS
