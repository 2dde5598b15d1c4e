from __future__ import annotations

import gzip

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from tests.detect.plant.simulated import WEEK_ROWS, plant  # noqa: E402

from tocsin.detect.plant.conformal import SLACK  # noqa: E402
from tocsin.detect.plant.learn import learn  # noqa: E402
from tocsin.detect.plant.watch import Watcher  # noqa: E402
from tocsin.records.instants import MINUTE  # noqa: E402
from tocsin.records.readings import Readings  # noqa: E402


def interrupted(judged, start, block):
    """The share of blocks, `block` microseconds long, with an alarm or a notice."""
    blocks = (judged.times - start) // block
    told = {int((notice.time - start) // block) for notice in judged.notices}
    return len(told | set(blocks[judged.alarms].tolist())) / (int(blocks[-1]) + 1)


def realised(seed, budget, learnt=40, watched=40):
    readings = plant(seed, learnt + watched)
    model = learn(readings.rows(0, learnt * WEEK_ROWS), budget, 2)
    assert model.promise.by_alarm + model.promise.by_notice <= model.promise.interruptions
    fresh = readings.rows(learnt * WEEK_ROWS, len(readings))
    judged = Watcher(model).judge(fresh)
    week = int(fresh.times[WEEK_ROWS] - fresh.times[0])
    return interrupted(judged, int(fresh.times[0]), week), model.promise.kept


@pytest.mark.parametrize("budget", [0.1, 0.25])
def test_a_plant_known_to_be_normal_is_interrupted_as_promised(budget):
    share, kept = realised(5, budget)
    assert share <= SLACK * kept


@pytest.mark.soak
@pytest.mark.parametrize("budget", [0.1, 0.25])
def test_thirty_plants_keep_the_promise(budget):
    found = [realised(seed, budget) for seed in range(100, 130)]
    assert np.mean([share for share, _ in found]) <= found[0][1]
    assert sum(share > SLACK * kept + 1 / 40 for share, kept in found) <= 3


@pytest.mark.soak
def test_a_chemical_plant_learnt_in_a_day_keeps_the_promise(data):
    """Tennessee Eastman, 25 hours learnt and 48 watched, though seven of these leave the span of what was learnt."""

    def readings(name):
        with gzip.open(data / "tep" / f"{name}.dat.gz", "rt") as file:
            values = np.loadtxt(file)
        values = values.T if len(values) == 52 else values
        return Readings(
            tuple(f"T{tag}" for tag in range(52)), np.arange(len(values), dtype=np.int64) * 3 * MINUTE, values
        )

    model, fresh = learn(readings("d00"), 0.2, 2), readings("d00_te")
    assert (model.promise.unit, model.promise.blocks, model.promise.kept) == ("hour", 25, 0.2)
    judged = Watcher(model).judge(fresh)
    assert interrupted(judged, 0, 60 * MINUTE) <= SLACK * 0.2
    assert Watcher(model).judge(readings("d01_te")).alarms[170:].mean() > 0.9
