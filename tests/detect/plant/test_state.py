"""A watcher that was saved and taken up anywhere gives the answers of one that was not, to the last bit."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.plant.plants import changed, tank
from tests.detect.plant.test_watch import _joined, _same, _spoilt

from tocsin.detect.plant import aside, quality
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.state import Damaged, packed
from tocsin.detect.plant.watch import Watcher
from tocsin.records.instants import HOUR
from tocsin.records.readings import Readings


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 150), max_size=6), frozen_beside=st.booleans()
)
def test_a_restart_changes_no_answer(
    tank_model: PlantModel, seed: int, cuts: list[int], frozen_beside: bool
) -> None:
    model = replace(tank_model, first=tank_model) if frozen_beside else tank_model
    _cut_and_restored(model, _spoilt(150, seed), cuts)


def _cut_and_restored(model: PlantModel, readings: Readings, cuts: list[int]) -> None:
    whole = Watcher(model).judge(readings)
    rows: dict[str, bytes] = {}
    watcher, parts = Watcher(model), []
    for first, last in itertools.pairwise([0, *sorted(cuts), len(readings)]):
        since = watcher.rows
        parts.append(watcher.judge(readings.rows(first, last)))
        rows |= watcher.state(since)  # what changed, as it is committed
        assert rows == watcher.state()
        watcher = Watcher(model)
        watcher.take_up(rows)
        assert watcher.state() == rows
    _same(whole, _joined(parts))


def _strained(rows: int, seed: int) -> Readings:
    """A sensor that is off for most of the time, another that loses digits, and all the rest of `_spoilt`."""
    readings = _spoilt(rows, seed)
    values = readings.values.copy()
    values[10 : 10 + rows // 2, 5] += 6.0
    values[rows // 3 :, 2] = np.round(values[rows // 3 :, 2])
    return changed(readings, values)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_nor_where_tags_are_set_aside_and_lost_digits(
    tank_model: PlantModel, seed: int, cuts: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "PATIENCE", 15 * HOUR)
        _cut_and_restored(tank_model, _strained(200, seed), cuts)


def test_tags_are_set_aside_and_lose_digits_there(tank_model: PlantModel) -> None:
    """So that the test above says something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "PATIENCE", 15 * HOUR)
        found, slack = set(), 0.0
        for seed in range(3):
            watcher = Watcher(tank_model)
            found |= {one.kind for one in watcher.judge(_strained(200, seed)).notices}
            slack = max(slack, float(watcher._judged_by._beside.coarse._slack.max()))
            _cut_and_restored(tank_model, _strained(200, seed), list(range(200)))
        assert {"aside", "coarse"} <= found
        assert slack > 0


def test_rows_that_come_again_are_found_over_a_restart_and_around_the_ring(
    tank_model: PlantModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "REMEMBERED", 64)
    monkeypatch.setattr(quality, "_PAGE", 8)
    readings = tank(300, seed=3)
    values = readings.values.copy()
    values[120:160] = values[80:120]
    values[260:290] = values[100:130]
    readings = changed(readings, values)
    whole = Watcher(tank_model).judge(readings)
    assert any(one.kind == "repeated" for one in whole.notices)
    watcher, rows, parts = Watcher(tank_model), {}, []
    for at in range(0, 300, 7):
        since = watcher.rows
        parts.append(watcher.judge(readings.rows(at, min(at + 7, 300))))
        rows |= watcher.state(since)
        watcher = Watcher(tank_model)
        watcher.take_up(rows)
    _same(whole, _joined(parts))


def test_a_damaged_state_is_refused(tank_model: PlantModel) -> None:
    watcher = Watcher(tank_model)
    watcher.judge(tank(30))
    rows = watcher.state()
    for damaged in (
        {},
        {"core": b""},
        {"core": packed({})},
        {**rows, "core": rows["core"][:-3]},
        {"core": rows["core"]},
        {**rows, "ring/0": b"abc"},
        {**rows, "ring/99999": b"12345678"},
        {**rows, "ring/x": b""},
    ):
        with pytest.raises(Damaged):
            Watcher(tank_model).take_up(damaged)


def test_what_a_row_writes_is_small(tank_model: PlantModel) -> None:
    watcher = Watcher(tank_model)
    watcher.judge(tank(1_000))
    since = watcher.rows
    watcher.judge(tank(1, start=1_000))
    assert sum(map(len, watcher.state(since).values())) < 4_000 + 120 * len(tank_model.tags)
    assert np.isfinite(float(watcher._score))
