from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from tests.detect.plant.simulated import STEP, WEEK_ROWS, plant  # noqa: E402

from tocsin.detect.plant.learn import learn  # noqa: E402
from tocsin.detect.plant.notices import Edges, NoticeKind  # noqa: E402
from tocsin.detect.plant.quality import in_order  # noqa: E402
from tocsin.detect.plant.watch import ROWS, Watcher  # noqa: E402
from tocsin.records.readings import Readings  # noqa: E402

WHOLE = plant(7, 32)
AFTER = 24 * WEEK_ROWS


@pytest.fixture(scope="module")
def model():
    return learn(WHOLE.rows(0, AFTER), 0.25, 2)


def later(**changed):
    fresh = WHOLE.rows(AFTER, len(WHOLE))
    parts = {"tags": fresh.tags, "times": fresh.times.copy(), "values": fresh.values.copy()} | changed
    return Readings(**parts)


def kinds(judged):
    return {(notice.kind, notice.tag) for notice in judged.notices if notice.kind is not NoticeKind.DRIFT}


def test_normal_readings_are_not_told_of(model):
    assert kinds(Watcher(model).judge(later())) == set()


def test_a_tag_that_is_not_read_is_told_once(model):
    readings = later()
    readings.values[50:150, 2] = np.nan
    told = [one for one in Watcher(model).judge(readings).notices if one.kind is NoticeKind.MISSING]
    assert [(one.tag, one.amount > one.limit) for one in told] == [("T2", True)]
    assert readings.times[50] < told[0].time <= readings.times[60]


def test_lost_digits_are_told(model):
    readings = later()
    step = model.tags[1].step
    readings.values[100:, 1] = np.round(readings.values[100:, 1] / (10 * step)) * 10 * step
    assert kinds(Watcher(model).judge(readings)) == {(NoticeKind.COARSE, "T1")}


def test_a_gap_is_told(model):
    readings = later()
    readings.times[100:] += 40 * STEP
    (told,) = [one for one in Watcher(model).judge(readings).notices if one.kind is NoticeKind.GAP]
    assert told.amount == 40
    assert told.time == readings.times[100]


def test_replayed_rows_are_told(model):
    readings = later()
    readings.values[200:300] = readings.values[40:140]
    (told,) = [one for one in Watcher(model).judge(readings).notices if one.kind is NoticeKind.REPEATED]
    assert readings.times[200] < told.time <= readings.times[212]


def test_a_clock_that_goes_back_is_told_once_and_its_rows_are_judged(model):
    readings = later()
    times = readings.times.copy()
    times[100:] -= 5 * STEP
    watcher, told, rows = Watcher(model), [], 0
    for part in in_order(readings.tags, times, readings.values):
        judged = watcher.judge(part)
        told += [one for one in judged.notices if one.kind is NoticeKind.CLOCK]
        rows += len(judged.scores)
    assert rows == len(readings)
    assert [one.amount for one in told] == [4 * STEP / 1_000_000]


def test_tags_that_are_gone_or_new_are_told_once(model):
    readings = later(tags=("T3", "extra", "T1", "T0"))
    watcher = Watcher(model)
    assert {(NoticeKind.GONE, "T2"), (NoticeKind.NEW, "extra")} == kinds(watcher.judge(readings.rows(0, 60)))
    again = {kind for kind, _ in kinds(watcher.judge(readings.rows(60, 120)))}
    assert not again & {NoticeKind.GONE, NoticeKind.NEW}


def test_no_rows_are_judged_as_none(model):
    judged = Watcher(model).judge(later().rows(0, 0))
    assert len(judged.scores) == 0
    assert judged.notices == ()


def test_however_rows_are_cut_the_answers_are_the_same(model):
    readings = later()
    readings.values[50:90, 2] = np.nan
    readings.values[200:300] = readings.values[40:140]
    readings.values[310:, 1] = np.round(readings.values[310:, 1], 1)
    readings.times[400:] += 9 * STEP
    whole = Watcher(model).judge(readings)
    assert {one.kind for one in whole.notices} >= {NoticeKind.MISSING, NoticeKind.REPEATED, NoticeKind.GAP}
    for cut in (1, 7, 64):
        watcher = Watcher(model)
        parts = [watcher.judge(readings.rows(at, at + cut)) for at in range(0, len(readings), cut)]
        assert tuple(one for part in parts for one in part.notices) == whole.notices
        for name in ROWS:
            together = np.concatenate([getattr(part, name) for part in parts])
            assert np.array_equal(together, getattr(whole, name), equal_nan=name in {"shown", "expected"})


def test_a_state_at_its_edge_is_told_once():
    edges = Edges(1)
    shares = np.array([0.2, 1.1, 0.9, 1.2, 0.6, 1.1, 0.4, 1.5])[:, None]
    assert edges.begun(shares)[:, 0].tolist() == [False, True, False, False, False, False, False, True]
    assert edges.begun(np.array([[0.7], [1.3]]))[:, 0].tolist() == [False, False]
