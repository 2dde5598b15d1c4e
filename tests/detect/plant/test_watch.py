"""Rows are judged the same however they are cut, whatever they hold, and the tag at fault is named."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.plant.plants import changed, tank, times_of, with_gaps

from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import NoticeKind
from tocsin.detect.plant.watch import NAMED, ROWS, Judged, Watcher
from tocsin.records.readings import Readings

HOSTILE = [np.nan, np.inf, -np.inf, 1e308, -1e308, 1e15, 5e-324, -0.0, 2.0**63, 1e-300]


def _same(one: Judged, other: Judged) -> None:
    for name in ROWS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.notices == other.notices


def _joined(parts: list[Judged]) -> Judged:
    return Judged(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ROWS},
        notices=tuple(one for part in parts for one in part.notices),
    )


def _spoilt(rows: int, seed: int) -> Readings:
    """A stretch with everything in it: gaps of values and of time, a stuck sensor, resets, hostile numbers."""
    rng = np.random.default_rng(seed)
    readings = with_gaps(tank(rows, seed=seed, stolen=float(rng.integers(0, 2))), 0.1, seed)
    values = readings.values.copy()
    start, column = int(rng.integers(0, rows // 2)), int(rng.integers(0, 6))
    values[start : start + rows // 3, column] = values[start, column]
    values[rows // 2 :, 4] -= np.nanmin(values[rows // 2 :, 4])
    wild = rng.random(values.shape) < 0.01
    values[wild] = rng.choice(HOSTILE, size=int(wild.sum()))
    times = readings.times + 40 * (np.arange(rows) > rows // 3) * times_of(2)[1]
    return Readings(readings.tags, times, values)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 150), max_size=12))
def test_the_answers_are_the_same_however_rows_are_cut(
    tank_model: PlantModel, seed: int, cuts: list[int]
) -> None:
    readings = _spoilt(150, seed)
    whole = Watcher(tank_model).judge(readings)
    edges = [0, *sorted(cuts), len(readings)]
    watcher = Watcher(tank_model)
    parts = [watcher.judge(readings.rows(a, b)) for a, b in itertools.pairwise(edges)]
    _same(whole, _joined(parts))


def test_row_by_row_says_what_all_at_once_says(tank_model: PlantModel) -> None:
    readings = _spoilt(300, 7)
    watcher = Watcher(tank_model)
    parts = [watcher.judge(readings.rows(at, at + 1)) for at in range(len(readings))]
    _same(Watcher(tank_model).judge(readings), _joined(parts))


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(st.one_of(st.floats(), st.sampled_from(HOSTILE)), min_size=6, max_size=6),
        min_size=1,
        max_size=40,
    )
)
def test_no_reading_breaks_the_judgement(tank_model: PlantModel, rows: list[list[float]]) -> None:
    judged = Watcher(tank_model).judge(
        changed(Readings(tank_model.names, times_of(len(rows)), np.array(rows)), np.array(rows))
    )
    assert np.isfinite(judged.scores).all()
    assert (judged.scores >= 0).all()
    assert np.isfinite(judged.shares).all()
    assert np.isfinite(judged.shown).all()


def test_no_rows_are_no_answer(tank_model: PlantModel) -> None:
    judged = Watcher(tank_model).judge(tank(10).rows(0, 0))
    assert len(judged.scores) == len(judged.times) == 0
    assert (
        judged.named.shape == judged.shares.shape == judged.shown.shape == judged.expected.shape == (0, NAMED)
    )


def test_tags_in_another_order_are_the_same_and_a_clock_that_went_back_is_told(
    tank_model: PlantModel,
) -> None:
    readings = tank(10)
    turned = Readings(readings.tags[::-1], readings.times, readings.values[:, ::-1].copy())
    _same(Watcher(tank_model).judge(turned), Watcher(tank_model).judge(readings))
    watcher = Watcher(tank_model)
    assert NoticeKind.CLOCK not in {one.kind for one in watcher.judge(readings).notices}
    assert NoticeKind.CLOCK in {one.kind for one in watcher.judge(readings).notices}


def test_a_tag_that_is_gone_does_not_ring(tank_model: PlantModel) -> None:
    """It is where the tags that are left say, not where it usually is."""
    readings = tank(400, seed=12)
    values = readings.values.copy()
    values[50:, 5] = np.nan
    whole, without = Watcher(tank_model).judge(readings), Watcher(tank_model).judge(changed(readings, values))
    assert without.alarms[50:].mean() <= whole.alarms[50:].mean() + 0.05
    values[200:, 0] += 3
    assert Watcher(tank_model).judge(changed(readings, values)).alarms[205:350].mean() > 0.9


def test_a_lying_sensor_rings_and_is_named(tank_model: PlantModel) -> None:
    readings = tank(200, seed=9)
    values = readings.values.copy()
    values[100:, 5] += 8
    judged = Watcher(tank_model).judge(changed(readings, values))
    assert judged.alarms[:100].mean() < 0.2  # the budget allows a quarter of the days
    assert judged.alarms[105:].all()
    assert (judged.named[105:, 0] == 5).mean() > 0.9
    at = 110
    assert judged.shown[at, 0] == pytest.approx(values[at, 5], abs=0.06)
    assert judged.expected[at, 0] == pytest.approx(values[at, 5] - 8, abs=2)


def test_a_hidden_outflow_rings_by_the_balance_alone(tank_model: PlantModel) -> None:
    stolen = tank(400, seed=11, stolen=0.8)
    judged = Watcher(tank_model).judge(stolen)
    assert judged.alarms[30:160].mean() > 0.9
    assert (judged.named[30:160, 0] == 0).mean() > 0.9
    assert (NoticeKind.ASIDE, "LEVEL") in {(one.kind, one.tag) for one in judged.notices}
    unaware = Watcher(learn(with_gaps(tank(1_500), 0.02), 0.25, 2)).judge(stolen)
    assert unaware.alarms[30:160].mean() < judged.alarms[30:160].mean()


def test_a_gap_in_time_is_no_jump(tank_model: PlantModel) -> None:
    first, later = tank(120, seed=4), tank(240, seed=5)
    times = np.concatenate([first.times, first.times[-1] + later.times[200:]])
    values = np.vstack([first.values, later.values[200:]])
    with_gap = Watcher(tank_model).judge(Readings(first.tags, times, values))
    without = Watcher(tank_model).judge(Readings(first.tags, times_of(len(values)), values))
    assert with_gap.scores[120] <= without.scores[120]


def test_a_stuck_sensor_rings_in_the_end(tank_model: PlantModel) -> None:
    readings = tank(400, seed=6)
    values = readings.values.copy()
    values[100:, 5] = values[100, 5]
    judged = Watcher(tank_model).judge(changed(readings, values))
    assert judged.alarms[150:260].mean() > 0.9
    assert (judged.named[150:260] == 5).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("tag", ["INFLOW", "OUTFLOW", "PRESSURE"])
def test_of_tags_that_are_all_as_surprising_as_can_be_the_one_that_lies_is_named_first(
    tank_model: PlantModel, tag: str
) -> None:
    rows = tank(400, seed=21)
    values = rows.values.copy()
    column = rows.tags.index(tag)
    values[300:, column] += 3 * np.ptp(values[:, column])
    judged = Watcher(tank_model).judge(changed(rows, values))
    ringing = np.flatnonzero(judged.alarms[300:]) + 300
    assert len(ringing)
    named = judged.named[ringing, 0]
    assert (named == column).mean() > 0.8
