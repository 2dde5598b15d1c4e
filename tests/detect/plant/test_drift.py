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
