"""What leaves the subspace, told tag by tag, the same for one row as for many."""

from __future__ import annotations

import numpy as np

from tocsin.detect.plant.subspace import FAR, fit_subspace
from tocsin.detect.plant.view import Looked

RNG = np.random.default_rng(1)
HIDDEN = RNG.normal(size=(3_000, 2))
VALUES = HIDDEN @ RNG.normal(size=(2, 9)) + RNG.normal(0, 0.01, (3_000, 9))
SPREADS = VALUES.std(axis=0)
ALL = np.ones(VALUES.shape, bool)
LOOKED = Looked(VALUES, VALUES, ALL, ALL, ~ALL, ~ALL)
COLUMNS = np.arange(9)


def test_normal_rows_lie_in_it_and_a_lie_stands_out() -> None:
    found = fit_subspace([LOOKED], COLUMNS, SPREADS)
    assert found.components.shape == (9, 2)
    assert np.abs(found.residuals(VALUES)).max() < 0.1
    lie = VALUES.copy()
    lie[:, 4] += 2 * SPREADS[4]
    left = np.abs(found.residuals(lie))
    assert (left.argmax(axis=1) == 4).mean() > 0.9


def test_it_is_the_projection() -> None:
    found = fit_subspace([LOOKED], COLUMNS, SPREADS)
    scaled = np.clip((VALUES - found.centres) / SPREADS, -FAR, FAR)
    np.testing.assert_allclose(
        found.residuals(VALUES), scaled - scaled @ found.components @ found.components.T, atol=1e-12
    )


def test_a_row_alone_is_the_row_among_others_to_the_last_bit() -> None:
    found = fit_subspace([LOOKED], COLUMNS, SPREADS)
    whole = found.residuals(VALUES)
    for size in (1, 2, 3, 17, 500):
        parts = [found.residuals(VALUES[at : at + size]) for at in range(0, 1_000, size)]
        np.testing.assert_array_equal(np.concatenate(parts)[:1_000], whole[:1_000])


def test_one_tag_constant_ones_and_huge_ones() -> None:
    for values in (VALUES[:, :1], np.zeros((50, 3)), np.full((50, 2), 1e15), VALUES * 1e14):
        every = np.ones(values.shape, bool)
        spreads = np.maximum(values.std(axis=0), 1e-9)
        found = fit_subspace(
            [Looked(values, values, every, every, ~every, ~every)], np.arange(values.shape[1]), spreads
        )
        assert np.isfinite(found.residuals(values)).all()
