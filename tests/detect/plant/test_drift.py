from __future__ import annotations

from dataclasses import replace

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from tests.detect.plant.simulated import WEEK_ROWS, plant  # noqa: E402

from tocsin.detect.plant.learn import learn, recalibrate  # noqa: E402
from tocsin.detect.plant.notices import NoticeKind  # noqa: E402
from tocsin.detect.plant.watch import Watcher  # noqa: E402
from tocsin.records.errors import OperatorError  # noqa: E402
from tocsin.records.instants import DAY  # noqa: E402
from tocsin.records.readings import Readings  # noqa: E402

WHOLE = plant(3, 60)
LEARNT = 30 * WEEK_ROWS


@pytest.fixture(scope="module")
def first():
    return learn(WHOLE.rows(0, LEARNT), 0.25, 2)


@pytest.fixture(scope="module")
def boiled():
    """After the weeks learnt, T0 is moved by 0.15 of its spread each week, for ten weeks, and stays there."""
    values = WHOLE.values.copy()
    weeks = np.clip((np.arange(len(values)) - LEARNT) // WEEK_ROWS + 1, 0, 10)
    values[:, 0] += weeks * 0.15 * WHOLE.values[:, 0].std()
    return Readings(WHOLE.tags, WHOLE.times, np.round(values, 3))


def drifting(judged):
    return {one.tag for one in judged.notices if one.kind is NoticeKind.DRIFT}


def test_normal_weeks_do_not_drift(first):
    assert drifting(Watcher(first).judge(WHOLE.rows(LEARNT, len(WHOLE)))) == set()


def test_a_reading_moved_a_little_each_week_is_drift(first, boiled):
    assert "T0" in drifting(Watcher(first).judge(boiled.rows(LEARNT, len(boiled))))


def test_a_drift_that_begins_soon_after_another_is_told_once_it_is_the_larger(first):
    """Who knows that one was just told must not hide a larger one behind it."""
    fresh = WHOLE.rows(LEARNT, len(WHOLE))
    values, size = fresh.values.copy(), WHOLE.values.std(axis=0)
    values[2 * WEEK_ROWS :, 0] += 1.5 * size[0]
    told = [
        one
        for one in Watcher(first).judge(Readings(fresh.tags, fresh.times, values)).notices
        if one.kind is NoticeKind.DRIFT
    ]
    assert told[0].tag == "T0"
    at = int(np.searchsorted(fresh.times, told[0].time)) + 2
    values[at:, 1] += 6 * size[1]
    readings = Readings(fresh.tags, fresh.times, values)
    judged = Watcher(first).judge(readings)
    other = next(one for one in judged.notices if one.tag == "T1" and one.kind is NoticeKind.DRIFT)
    assert other.time - told[0].time <= 3 * 7 * DAY  # it was ten weeks, when it happened to begin anew
    watcher = Watcher(first)
    parts = [watcher.judge(readings.rows(at, at + 7)).notices for at in range(0, len(readings), 7)]
    assert tuple(one for part in parts for one in part) == judged.notices


def test_a_boiling_frog_is_seen_though_its_weeks_were_confirmed(first, boiled):
    model = first
    for week in (36, 44):
        model = recalibrate(model, boiled.rows((week - 30) * WEEK_ROWS, week * WEEK_ROWS), 2)
        assert model.first is first
    weeks = boiled.rows(44 * WEEK_ROWS, 56 * WEEK_ROWS)
    assert "T0" in drifting(Watcher(model).judge(weeks))
    assert "T0" not in drifting(Watcher(replace(model, first=None)).judge(weeks))


def test_confirmed_readings_of_other_tags_or_pace_are_refused(first):
    rows = WHOLE.rows(0, LEARNT)
    with pytest.raises(OperatorError, match="tags of the model"):
        recalibrate(first, Readings(("a", "b", "c", "d"), rows.times, rows.values), 2)
    with pytest.raises(OperatorError, match="come every"):
        recalibrate(first, Readings(rows.tags, rows.times * 2, rows.values), 2)
