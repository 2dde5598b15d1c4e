"""What was expected of every tag, row by row and over spans of time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detect.plant.plants import HOUR, changed, tank, times_of

from tocsin.detect.plant.bands import BEFORE, Bands, Binned, bands_of, half_widths
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.watch import Watcher


def test_an_onlooker_sees_what_was_expected_and_changes_no_answer(tank_model: PlantModel) -> None:
    rows, seen = tank(300, seed=9), []
    watched = Watcher(tank_model, seen.append).judge(rows)
    alone = Watcher(tank_model).judge(rows)
    np.testing.assert_array_equal(watched.scores, alone.scores)
    assert sum(len(one.times) for one in seen) == 300
    moving = tank_model.process.moving.tolist()
    named = watched.named[:, 0]
    for row in range(300):
        if named[row] in moving:
            column = moving.index(named[row])
            assert seen[0].expected[row, column] == pytest.approx(watched.expected[row, 0], nan_ok=True)


def test_some_rows_alone_are_seen_as_among_all(tank_model: PlantModel) -> None:
    rows, seen = tank(300, seed=9), []
    Watcher(tank_model, seen.append).judge(rows)
    (part,) = bands_of(tank_model, rows.rows(200 - BEFORE, 260), BEFORE)
    np.testing.assert_array_equal(part.times, rows.times[200:260])
    np.testing.assert_array_equal(part.shown, seen[0].shown[200:260])
    np.testing.assert_allclose(part.expected, seen[0].expected[200:260], rtol=1e-12)


def test_one_normal_reading_in_a_hundred_lies_outside(tank_model: PlantModel) -> None:
    (found,) = bands_of(tank_model, tank(1_000, seed=4))
    outside = np.abs(found.shown - found.expected) > half_widths(tank_model)
    assert 0.0 < outside.mean() < 0.03


def test_what_nobody_read_has_no_band(tank_model: PlantModel) -> None:
    rows = tank(50, seed=2)
    values = rows.values.copy()
    values[20:40, 0] = np.nan
    (found,) = bands_of(tank_model, changed(rows, values))
    assert np.isnan(found.shown[20:40, 0]).all()
    assert np.isnan(found.expected[20:40, 0]).all()
    assert np.isfinite(found.expected[:20, 0]).all()


def binned(rows: int, spans: int, cuts: list[int]) -> Binned:
    rng = np.random.default_rng(rows)
    times, shown = times_of(rows), rng.normal(0, 1, (rows, 2))
    shown[rng.random(shown.shape) < 0.2] = np.nan
    expected = np.where(np.isfinite(shown), 0.0, np.nan)
    found = Binned(0, int(times[-1]), spans, np.array([0.5, 1.0]), HOUR)
    for part in np.split(np.arange(rows), sorted({min(one, rows) for one in cuts})):
        if len(part):
            found.add(Bands(times[part], shown[part], expected[part]))
    return found


@given(st.integers(1, 400), st.integers(1, 50), st.lists(st.integers(0, 400), max_size=4))
def test_spans_are_the_same_however_the_rows_are_cut(rows: int, spans: int, cuts: list[int]) -> None:
    whole, cut = binned(rows, spans, []).extremes(), binned(rows, spans, cuts).extremes()
    for name in ("low", "high", "middle", "outside"):
        np.testing.assert_allclose(getattr(whole, name), getattr(cut, name), rtol=1e-12)
    assert len(whole.low) <= spans
    assert whole.end > (rows - 1) * HOUR


def test_no_single_reading_is_lost_among_a_year_of_minutes() -> None:
    minute = 60_000_000
    rows = 525_600
    times, shown = np.arange(rows, dtype=np.int64) * minute, np.zeros((rows, 1))
    shown[400_000], shown[400_007] = 9.0, -9.0
    found = Binned(0, int(times[-1]), 320, np.ones(1), minute)
    for start in range(0, rows, 50_000):
        part = slice(start, start + 50_000)
        found.add(Bands(times[part], shown[part], np.zeros_like(shown[part])))
    seen = found.extremes()
    assert (np.nanmax(seen.high), np.nanmin(seen.low)) == (9.0, -9.0)
    assert len(seen.low) == 320
    assert np.nanmax(seen.outside) == pytest.approx(2 / 1_643, rel=0.01)


def test_a_short_hole_is_bridged_and_a_long_one_is_not() -> None:
    times = times_of(40)
    kept = np.r_[0:10, 12:20, 30:40]
    found = Binned(0, int(times[-1]), 40, np.ones(1), HOUR)
    found.add(Bands(times[kept], np.ones((len(kept), 1)), np.ones((len(kept), 1))))
    low = found.extremes().low[:, 0]
    assert np.isfinite(low[:23]).all()
    assert np.isnan(low[23:30]).all()
    assert np.isfinite(low[30:]).all()
