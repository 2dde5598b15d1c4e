"""Readings that lose digits are told of, and do not ring by their rounding."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.detect.plant.simulated import WEEK_ROWS, plant

from tocsin.detect.plant.coarse import SHOWN_BY, Coarse, forgiven
from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.notices import NoticeKind
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.detect.plant.view import View
from tocsin.detect.plant.watch import Watcher
from tocsin.records.readings import Readings

LEARNT = 40 * WEEK_ROWS


def _tags(count: int, step: float = 0.1) -> list[Tag]:
    return [
        Tag(f"T{at}", TagKind.CONTINUOUS, step, step, -9.0, 9.0, 0.0, 1.0, (), 0.0) for at in range(count)
    ]


def _slack(tags: list[Tag], values: np.ndarray, cuts: list[int]) -> np.ndarray:
    view, coarse, late = View(tags), Coarse(tags), np.zeros(len(values), bool)
    edges = [0, *sorted(cuts), len(values)]
    pieces = [(a, b) for a, b in itertools.pairwise(edges) if a < b]
    return np.concatenate([coarse.slack(view.look(values[a:b], late[a:b])) for a, b in pieces])


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 120), max_size=9))
def test_the_slack_is_the_same_however_rows_are_cut(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(120, 3)), 1)
    values[30:90, 0] = np.round(rng.normal(size=60) * 5)
    values[60:, 1] = np.rint(values[60:, 1] * 2) / 2
    tags = _tags(3)
    np.testing.assert_array_equal(_slack(tags, values, cuts), _slack(tags, values, []))


def test_the_slack_is_half_of_what_rounding_took() -> None:
    rng = np.random.default_rng(2)
    values = np.round(rng.normal(size=(90, 1)) * 20, 1)
    values[40:80] = np.rint(values[40:80])
    slack = _slack(_tags(1), values, [])
    assert not slack[: 40 + SHOWN_BY - 1].any()
    np.testing.assert_allclose(slack[60:80], 0.45)
    assert slack[-1] == 0.0


def test_a_wild_reading_of_a_finely_stepped_tag_is_no_error() -> None:
    values = np.array([[1.0], [1e15], [-1e15], [1.0]])
    assert np.isfinite(_slack(_tags(1, 1e-9), values, [])).all()


def test_a_tag_that_is_switched_to_and_fro_shows_no_step() -> None:
    values = np.tile([[0.0], [10.5]], (30, 1))
    assert not _slack(_tags(1), values, []).any()


def test_no_more_than_a_spread_is_forgiven() -> None:
    """Or whoever sends 0, 1,000 and 2,000 by turns would be forgiven what moves a tag by half of that."""
    for size in (1_000.0, 1e14):
        values = np.tile([[0.0], [size], [2 * size]], (30, 1))
        assert _slack(_tags(1, 1e-6), values, []).max() <= 1.0


def test_no_more_than_the_slack_is_forgiven() -> None:
    differences = np.array([[0.3, -0.3, 2.0, np.nan]])
    np.testing.assert_allclose(forgiven(differences, np.full((1, 4), 0.5)), [[0.0, 0.0, 1.5, np.nan]])


def test_a_feed_that_lost_digits_is_told_of_and_rings_no_more_than_before() -> None:
    readings = plant(11, 80)
    model = learn(readings.rows(0, LEARNT), 0.25, 2)
    fresh = readings.rows(LEARNT, len(readings))
    values = fresh.values.copy()
    coarse = 25 * model.tags[0].step
    values[:, 0] = np.rint(values[:, 0] / coarse) * coarse
    rounded = Watcher(model).judge(Readings(fresh.tags, fresh.times, values))
    whole = Watcher(model).judge(fresh)
    assert NoticeKind.COARSE in {one.kind for one in rounded.notices}
    assert rounded.alarms.mean() <= whole.alarms.mean() + 0.01
