"""Models that others use, under our protocol: scores out of contiguous folds, smoothed, threshold by weekly blocks.

They are scikit-learn's, which PyOD's kNN and isolation forest are wrappers of; PyOD's autoencoder needs PyTorch, so a small
multilayer perceptron that reproduces its input stands for it. Each with its usual settings; none was tuned.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor

from tocsin.detect.plant import conformal
from tocsin.detect.plant.score import smoothed
from tocsin.records.readings import Instants

Rows = NDArray[np.float64]
Scorer = Callable[[Rows], Rows]
FOLDS = 5


def pca(rows: Rows) -> Scorer:
    model = PCA(0.95, svd_solver="full").fit(rows)
    return lambda given: ((given - model.inverse_transform(model.transform(given))) ** 2).sum(axis=1)


def isolation_forest(rows: Rows) -> Scorer:
    model = IsolationForest(n_estimators=200, random_state=0).fit(rows)
    return lambda given: -model.score_samples(given)


def nearest_neighbours(rows: Rows) -> Scorer:
    model = NearestNeighbors(n_neighbors=10).fit(rows)
    return lambda given: model.kneighbors(given)[0].mean(axis=1)


def autoencoder(rows: Rows) -> Scorer:
    wide, narrow = max(8, rows.shape[1] * 3 // 4), max(4, rows.shape[1] // 3)
    model = MLPRegressor(
        hidden_layer_sizes=(wide, narrow, wide), early_stopping=True, max_iter=200, random_state=0
    ).fit(rows, rows)
    return lambda given: ((given - model.predict(given)) ** 2).sum(axis=1)


PEERS: dict[str, Callable[[Rows], Scorer]] = {
    "PCA": pca,
    "isolation forest": isolation_forest,
    "kNN": nearest_neighbours,
    "autoencoder": autoencoder,
}


def scores_of(fit: Callable[[Rows], Scorer], times: Instants, train: Rows, test: Rows, budget: float) -> Rows:
    """The peer's scores of `test`; 1 is where the alarm begins."""
    centre, spread = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-9)
    known = np.clip((train - centre) / spread, -20, 20)
    out = np.empty(len(known))
    bounds = np.linspace(0, len(known), FOLDS + 1).astype(int)
    for start, stop in pairwise(bounds):
        out[start:stop] = fit(np.delete(known, np.s_[start:stop], axis=0))(known[start:stop])
    usual = np.array(np.median(out))
    calm = smoothed(out, usual)
    unit, length = conformal.block_of(times)
    maxima = conformal.block_maxima(times, calm, length, int(np.median(np.diff(times))))
    promise = conformal.promise_of(unit, len(maxima), budget)
    threshold = conformal.bounded(conformal.threshold_of(maxima, promise.interruptions), calm)
    low = float(calm.min())
    return (smoothed(fit(known)(np.clip((test - centre) / spread, -20, 20)), usual) - low) / (threshold - low)
