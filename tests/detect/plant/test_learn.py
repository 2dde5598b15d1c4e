"""Any readings give a model that judges, or a sentence that says why not; the same ones whatever the threads."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detect.plant.plants import changed, tank, times_of, with_gaps

from tocsin.config import bounds
from tocsin.detect.plant.balance import Tank
from tocsin.detect.plant.learn import LEAST_ROWS, learn
from tocsin.detect.plant.tags import TagKind, tags_of
from tocsin.detect.plant.watch import Watcher
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Readings


def _judges(readings: Readings, other: Readings | None = None) -> np.ndarray:
    judged = Watcher(learn(readings, 0.2, 2)).judge(other if other is not None else readings)
    assert np.isfinite(judged.scores).all()
    return judged.scores


def _flat(value: object) -> list[object]:
    if hasattr(value, "__dataclass_fields__"):
        return [one for name in value.__dataclass_fields__ for one in _flat(getattr(value, name))]
    if isinstance(value, tuple):
        return [one for part in value for one in _flat(part)]
    return [value.tobytes() if isinstance(value, np.ndarray) else value]


def test_the_model_is_the_same_whatever_the_threads() -> None:
    readings = with_gaps(tank(300), 0.05)
    one, *others = (
        _flat(learn(readings, 0.2, threads, (Tank("LEVEL", ("INFLOW",), ("OUTFLOW",)),)))
        for threads in (1, 2)
    )
    assert len(one) > 50
    assert all(other == one for other in others)


@pytest.mark.parametrize("rows", [0, 1, 2, LEAST_ROWS - 1])
def test_few_rows_are_refused(rows: int) -> None:
    with pytest.raises(OperatorError, match="and a plant cannot be learnt"):
        learn(tank(max(rows, 2)).rows(0, rows), 0.1, 1)


def test_the_fewest_rows_are_learnt() -> None:
    _judges(tank(LEAST_ROWS))


def test_what_fills_no_hour_is_refused() -> None:
    rows = tank(300)
    with pytest.raises(OperatorError, match="not one hour"):
        learn(Readings(rows.tags, rows.times // 3_600, rows.values), 0.1, 1)


def test_a_plant_that_is_read_by_day_only_is_learnt() -> None:
    rows = tank(60 * 8)
    times = times_of(60 * 24).reshape(60, 24)[:, :8].ravel()
    _judges(Readings(rows.tags, times, rows.values))


def test_what_never_moves_is_refused() -> None:
    for value in (5.0, np.nan, np.inf):
        with pytest.raises(OperatorError, match="No tag ever changes"):
            learn(changed(tank(300), np.full((300, 6), value)), 0.1, 1)


def test_too_many_tags_are_refused() -> None:
    width = bounds.PLANT_TAGS + 1
    values = np.random.default_rng(1).normal(size=(LEAST_ROWS, width))
    with pytest.raises(OperatorError, match="tags change"):
        learn(Readings(tuple(map(str, range(width))), times_of(LEAST_ROWS), values), 0.1, 1)


def test_one_tag_alone() -> None:
    readings = tank(400)
    alone = Readings(("LEVEL",), readings.times, readings.values[:, :1])
    scores = _judges(
        alone,
        Readings(
            ("LEVEL",),
            readings.times,
            readings.values[:, :1] + np.where(np.arange(400) > 200, 50.0, 0.0)[:, None],
        ),
    )
    assert (scores[210:350] > 1).all()  # after a week it is set aside


def test_a_tag_that_never_moved_and_one_that_was_never_read() -> None:
    readings = tank(500)
    values = np.hstack([readings.values, np.full((500, 1), 7.0), np.full((500, 1), np.nan)])
    both = Readings((*readings.tags, "STILL", "NEVER"), readings.times, values)
    model = learn(both, 0.2, 2)
    assert model.tags[6].kind is model.tags[7].kind is TagKind.CONSTANT
    later = values.copy()
    later[250:, 7] = np.arange(250)  # nothing is known of it, so it is no surprise
    quiet, same = Watcher(model).judge(changed(both, later)), Watcher(model).judge(both)
    np.testing.assert_array_equal(quiet.scores, same.scores)
    later[250:, 6] = 7.4
    moved = Watcher(model).judge(changed(both, later))
    assert moved.alarms[255:400].all()  # after a week it is set aside
    assert (moved.named[255:400, 0] == 6).all()


def test_a_tag_that_moves_in_one_fold_only() -> None:
    readings = tank(600)
    values = readings.values.copy()
    values[:, 5] = np.where(np.arange(600) < 480, 2.0, values[:, 5])
    _judges(changed(readings, values))


def test_hostile_numbers_in_the_history_do_not_blind_the_model() -> None:
    readings = tank(500)
    values = readings.values.copy()
    values[::97, 0], values[5::97, 1], values[7, 5], values[9, 2] = np.inf, -np.inf, 1e308, -1e300
    model = learn(changed(readings, values), 0.2, 2)
    spread = tags_of(readings)[5].spread
    assert model.tags[5].spread == pytest.approx(spread, rel=0.1)
    lying = readings.values.copy()
    lying[300:, 5] += 8
    assert Watcher(model).judge(changed(readings, lying)).alarms[310:450].all()


def test_a_third_of_the_readings_missing() -> None:
    readings = tank(900)
    lying = readings.values.copy()
    lying[500:, 5] += 8
    model = learn(with_gaps(readings, 0.3), 0.2, 2)
    assert np.isfinite(model.by_relation.tail).all()
    judged = Watcher(model).judge(with_gaps(changed(readings, lying), 0.3, seed=8))
    assert judged.alarms[520:].mean() > 0.8


def test_rows_out_of_pace_are_brought_to_it() -> None:
    readings = tank(800)
    rng = np.random.default_rng(3)
    kept = np.sort(rng.choice(800, 600, replace=False))
    jittered = readings.times[kept] + rng.integers(0, times_of(2)[1] // 3, 600)
    _judges(Readings(readings.tags, jittered, readings.values[kept]))


def test_a_balance_that_names_no_tag_is_refused_before_anything_is_learnt() -> None:
    with pytest.raises(OperatorError, match="LEAK"):
        learn(tank(300), 0.1, 1, (Tank("LEVEL", ("LEAK",)),))


def test_more_tags_than_a_relation_looks_at() -> None:
    rng = np.random.default_rng(1)
    values = np.cumsum(rng.normal(size=(LEAST_ROWS, 1)), axis=0) + rng.normal(size=(LEAST_ROWS, 130)) * 0.1
    values[:, 8:] = 3.0
    _judges(Readings(tuple(map(str, range(130))), times_of(LEAST_ROWS), values))
