"""Rules: states and changes never seen, changes too quick, sensors that stand still."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.detect.plant.limits import LONGER, TOO_QUICK, fit_limits, stands_of
from tocsin.detect.plant.states import NEW_CHANGE, fit_states, nearest
from tocsin.detect.plant.surprise import AT_TAIL, CAP, Scale, fit_scale
from tocsin.detect.plant.tags import Tag, tag_of
from tocsin.detect.plant.view import Looked, look_whole


def _looked(tags: tuple[Tag, ...], *columns: np.ndarray) -> Looked:
    values = np.stack(columns, axis=1)
    return look_whole(tags, values, np.zeros(len(values), bool))


MODE = np.tile([0.0, 1.0, 2.0, 1.0], 100)
SMOOTH = np.round(np.sin(np.arange(400) / 7) * 5, 2)
TAGS = (
    tag_of("MODE", MODE),
    tag_of("SMOOTH", SMOOTH),
    tag_of("STILL", np.full(400, 4.0)),
    tag_of("NEVER", np.full(400, np.nan)),
)
NORMAL = _looked(TAGS, MODE, SMOOTH, np.full(400, 4.0), np.full(400, np.nan))


def _judged(mode: np.ndarray, smooth: np.ndarray, still: float = 4.0, never: float = np.nan) -> np.ndarray:
    rows = _looked(TAGS, mode, smooth, np.full(len(mode), still), np.full(len(mode), never))
    return fit_states(TAGS, [NORMAL]).surprises(rows)


def test_normal_operation_breaks_no_rule() -> None:
    assert not fit_states(TAGS, [NORMAL]).surprises(NORMAL).any()
    stands = stands_of(NORMAL.values, NORMAL.before, np.zeros(4, np.int64))
    assert not fit_limits(TAGS, [NORMAL]).surprises(NORMAL, stands).any()


def test_states_and_changes_never_seen() -> None:
    found = _judged(np.array([1.0, 2.0, 0.0, 1.01, 3.0, np.nan]), np.zeros(6))
    assert found[:, 0].tolist() == [0.0, 0.0, NEW_CHANGE, 0.0, CAP, 0.0]


def test_a_tag_that_never_moved_moves_and_one_never_read_is_read() -> None:
    found = _judged(MODE[:3], SMOOTH[:3], still=4.3, never=17.0)
    assert (found[:, 2] == CAP).all()
    assert not found[:, 3].any()
    assert not _judged(MODE[:3], SMOOTH[:3], still=4.0 + 1e-6).any()


def test_outside_the_span_grows_to_the_cap() -> None:
    found = _judged(np.ones(3), np.array([5.0, 10.0, 1e15]))[:, 1]
    assert found[0] == 0
    assert AT_TAIL < found[1] < CAP
    assert found[2] == CAP


def test_states_of_stretches_are_of_all_of_them() -> None:
    whole, parts = fit_states(TAGS, [NORMAL]), fit_states(TAGS, [NORMAL.rows(0, 100), NORMAL.rows(100, 400)])
    assert whole.changes == parts.changes
    np.testing.assert_array_equal(whole.low, parts.low)
    assert not fit_states(TAGS, [NORMAL.rows(0, 2)]).changes[2]


def test_too_quick_and_too_still() -> None:
    limits = fit_limits(TAGS, [NORMAL])
    assert np.isinf(limits.fastest[[0, 2, 3]]).all()
    quick = _looked(TAGS, np.ones(3), np.array([0.0, 4.0, np.nan]), np.full(3, 4.0), np.full(3, np.nan))
    found = limits.surprises(quick, np.ones((3, 4), np.int64))
    assert found[:, 1].tolist() == [0.0, TOO_QUICK, 0.0]
    stands = np.zeros((3, 4), np.int64)
    stands[:, 1] = [LONGER * limits.longest[1], LONGER * limits.longest[1] + 1, 1 << 40]
    level = _looked(TAGS, np.ones(3), np.zeros(3), np.full(3, 4.0), np.full(3, np.nan))
    still = limits.surprises(level, stands)[:, 1]
    assert still[0] == 0
    assert AT_TAIL <= still[1] < still[2] == CAP


def test_stands_go_on_over_batches() -> None:
    values = np.array([1.0, 1, 1, 2, 2, 2, 2])[:, None]
    before = np.vstack([values[:1], values[:-1]])
    whole = stands_of(values, before, np.array([5]))
    first = stands_of(values[:2], before[:2], np.array([5]))
    np.testing.assert_array_equal(whole, np.vstack([first, stands_of(values[2:], before[2:], first[-1])]))
    assert whole[:, 0].tolist() == [6, 7, 8, 0, 1, 2, 3]


def test_nearest_of_one_and_of_many_states() -> None:
    assert nearest(np.array([4.0]), np.array([4.0, 4.04, 4.2, -4.0])).tolist() == [0, 0, -1, -1]
    assert nearest(np.array([0.0, 1.0]), np.array([-1.0, 1e-7, 0.5, 0.97, 2.0])).tolist() == [
        -1,
        0,
        -1,
        1,
        -1,
    ]
    assert nearest(np.array([1e6]), np.array([1e6 + 0.06])).tolist() == [0]


def test_surprise_grows_to_the_tail_then_by_tens() -> None:
    scale = Scale(np.array([1.0]), np.array([0.5]))
    sizes = np.array([0.0, 0.5, 1.0, -1.0, 1.0 + 0.5 * np.log(10), 1e300, np.nan])[:, None]
    assert scale.surprises(sizes)[:, 0].tolist() == pytest.approx([0, 1, 2, 2, 3, CAP, 0])


def test_scales_of_differences_with_holes_are_numbers() -> None:
    rng = np.random.default_rng(1)
    differences = rng.normal(size=(5_000, 3))
    differences[::3, 0], differences[:, 1] = np.nan, np.nan
    scale = fit_scale(differences, np.full(3, 0.02))
    assert np.isfinite(scale.tail).all()
    assert np.isfinite(scale.excess).all()
    assert scale.tail[0] == pytest.approx(scale.tail[2], rel=0.1)
    assert scale.tail[1] == 0.02
