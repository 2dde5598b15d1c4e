"""A tag that contradicts the others for a week is told of, and drowns nothing that comes after."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.detect.plant.plants import changed, tank

from tocsin.detect.plant.aside import SMOOTHING, UNUSUAL, Aside
from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import NoticeKind
from tocsin.detect.plant.watch import Judged, Watcher
from tocsin.records.instants import DAY
from tocsin.records.readings import Readings

WEEK = 168
PRESSURE = 5


def _by_hand(blame: np.ndarray, rows: int) -> np.ndarray:
    """Row after row, as the module says it."""
    mean, run, calm, held, aside = *np.zeros((4, blame.shape[1])), []
    for row in blame:
        mean = mean + SMOOTHING * (row - mean)
        run = np.where(mean > UNUSUAL, run + 1, 0)
        calm = np.where(mean < UNUSUAL / 2, calm + 1, 0)
        held = np.where(run >= rows, 1, np.where(calm >= rows, 0, held))
        aside.append(held.astype(bool))
    return np.array(aside)


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 300), max_size=9))
def test_what_is_set_aside_is_the_same_however_rows_are_cut(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.choice([0.3, 1.2, 3.0], size=(6, 2)), 50, axis=0)
    blame = levels + rng.normal(0, 0.2, levels.shape)
    follower, spacing = Aside(np.zeros(2), 7 * DAY // 20), [0, *sorted(cuts), 300]
    parts = [follower.follow(blame[a:b])[1] for a, b in itertools.pairwise(spacing) if a < b]
    np.testing.assert_array_equal(np.concatenate(parts), _by_hand(blame, 20))


def test_what_is_set_aside_does_not_depend_on_the_pace() -> None:
    """By the minute, a week has ten thousand rows, and chance alone lifts or lowers some of them."""
    rng = np.random.default_rng(3)
    fits, off = rng.uniform(0.0, 2.4, (28 * 1440, 1)), rng.uniform(0.0, 6.0, (14 * 1440, 1))
    follower = Aside(np.full(1, 1.2), DAY // 1440)
    assert not follower.follow(fits)[1].any()
    assert follower.follow(off)[1][-1].all()
    assert not follower.follow(fits)[1][-1].any()


def test_a_tag_that_is_usually_near_its_tail_comes_back() -> None:
    rng = np.random.default_rng(4)
    follower = Aside(np.full(1, 1.3), DAY // 24)
    assert follower.follow(np.full((14 * 24, 1), 5.0))[1][-1].all()
    assert not follower.follow(rng.uniform(0.8, 1.8, (28 * 24, 1)))[1][-1].any()


def _swapped(rows: int, start: int, stolen: float = 0.0) -> Readings:
    """The pressure's sensor shows 6 more from the row `start` on."""
    readings = tank(rows, seed=8, stolen=stolen)
    values = readings.values.copy()
    values[start:, PRESSURE] += 6.0
    return changed(readings, values)


def _asides(judged: Judged) -> list[str]:
    return [one.tag for one in judged.notices if one.kind is NoticeKind.ASIDE]


def test_a_swapped_sensor_rings_for_a_week_and_is_then_told_of(tank_model: PlantModel) -> None:
    judged = Watcher(tank_model).judge(_swapped(800, 200))
    assert judged.alarms[200 + 20 : 200 + WEEK].mean() > 0.9
    assert "PRESSURE" in _asides(judged)
    assert judged.alarms[200 + WEEK + 60 :].mean() < 0.1


def test_what_comes_after_it_is_heard_and_named(tank_model: PlantModel) -> None:
    quiet, readings = Watcher(tank_model).judge(_swapped(900, 100)), _swapped(900, 100)
    assert not quiet.alarms[600:].any()
    values = readings.values.copy()
    values[600:, 3] = 1 - values[600:, 3]  # the pump's state lies
    judged = Watcher(tank_model).judge(changed(readings, values))
    ringing = 600 + np.flatnonzero(judged.alarms[600:])
    assert len(ringing)
    assert ringing[0] < 620
    named = {tank_model.names[at] for at in judged.named[ringing[0]] if at >= 0}
    assert named & {"PUMP", "INFLOW"}
    assert "PRESSURE" not in named


def test_what_was_set_aside_while_learning_is_part_of_the_promise() -> None:
    """A notice that normal operation itself brings spends the budget like any other."""
    readings = tank(1_500)
    values = readings.values.copy()
    values[200:600, PRESSURE] += 6.0
    model = learn(changed(readings, values), 0.25, 2)
    assert 1 <= model.promise.by_notice <= model.promise.interruptions


def test_one_that_fits_again_is_watched_again(tank_model: PlantModel) -> None:
    readings = _swapped(1_200, 100)
    values = readings.values.copy()
    values[600:900, PRESSURE] -= 6.0  # repaired
    judged = Watcher(tank_model).judge(changed(readings, values))
    assert not judged.alarms[700:890].any()
    assert judged.alarms[930:1_000].mean() > 0.9
