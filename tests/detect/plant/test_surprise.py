from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")

from tocsin.detect.plant.surprise import AT_TAIL, CAP, fit_scale  # noqa: E402

FLOORS = np.full(4, 0.02)


def test_what_was_not_read_makes_a_scale_no_smaller():
    whole = np.random.default_rng(1).normal(size=(4000, 4))
    holes = whole.copy()
    holes[::2, 1] = np.nan
    holes[:, 3] = np.nan
    known, scale = fit_scale(whole, FLOORS), fit_scale(holes, FLOORS)
    assert scale.tail[1] == pytest.approx(known.tail[1], rel=0.1)
    assert scale.tail[3] == FLOORS[3]
    assert np.isfinite(scale.excess).all()


def test_a_tag_with_few_rows_of_its_own_borrows_its_tail():
    rows = np.random.default_rng(2).exponential(size=(200, 4))
    # by chance nothing of this tag went further
    rows[:, 2] = np.minimum(rows[:, 2], np.quantile(rows[:, 2], 0.99) + 1e-6)
    scale = fit_scale(rows, FLOORS)
    assert scale.excess[2] > np.median(scale.excess) / 4


def test_surprise_rises_with_a_difference_up_to_the_cap():
    scale = fit_scale(np.random.default_rng(3).normal(size=(4000, 4)), FLOORS)
    found = scale.surprises(np.linspace(0, 50, 400)[:, None] * np.ones(4))
    assert (np.diff(found, axis=0) >= 0).all()
    assert found[-1].tolist() == [CAP] * 4
    assert scale.surprises(scale.tail[None, :]).tolist() == [[AT_TAIL] * 4]
    assert scale.surprises(np.full((1, 4), np.nan)).tolist() == [[0.0] * 4]
