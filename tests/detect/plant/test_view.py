"""What models look at: held for a while, then the centre; counters as gains; the same whole and in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detect.plant.plants import HOUR, times_of

from tocsin.detect.plant import view as viewed
from tocsin.detect.plant.grid import HELD_ROWS
from tocsin.detect.plant.tags import LARGEST, Tag, TagKind
from tocsin.detect.plant.view import View, late_of, look_whole

PLAIN = Tag("A", TagKind.CONTINUOUS, 0.0, 0.0, 0.0, 9.0, 5.0, 1.0, (), 0.0)
COUNTER = Tag("C", TagKind.COUNTER, 0.0, 0.0, 0.0, 9.0, 5.0, 1.0, (), 0.0)
NAN = np.nan


def _never(rows: int) -> np.ndarray:
    return np.zeros(rows, bool)


def test_a_reading_stands_in_for_a_while() -> None:
    column = np.array([NAN, 1.0, NAN, NAN, NAN, NAN, 2.0])[:, None]
    looked = View((PLAIN,)).look(column, _never(7))
    assert HELD_ROWS == 3
    assert looked.values[:, 0].tolist() == [5.0, 1.0, 1.0, 1.0, 1.0, 5.0, 2.0]
    assert looked.before[:, 0].tolist() == [5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 5.0]
    assert np.flatnonzero(looked.read).tolist() == [1, 6]
    assert not looked.follows.any()


def test_a_counter_is_what_it_gained() -> None:
    column = np.array([10.0, 12.0, 15.0, 1.0, 2.0, 1.5, NAN, 9.0, 10.0])[:, None]
    looked = View((COUNTER,)).look(column, _never(9))
    gains = np.where(looked.read[:, 0], looked.values[:, 0], NAN)
    np.testing.assert_array_equal(gains, [NAN, 2.0, 3.0, NAN, 1.0, -0.5, NAN, NAN, 1.0])


def test_infinities_were_never_read_and_nothing_is_too_large() -> None:
    looked = View((PLAIN,)).look(np.array([np.inf, 1e308, -1e308])[:, None], _never(3))
    assert looked.values[:, 0].tolist() == [5.0, LARGEST, -LARGEST]
    assert looked.read[:, 0].tolist() == [False, True, True]


def test_after_missing_time_nothing_follows() -> None:
    times = np.array([0, 1, 5, 20, 21], dtype=np.int64) * HOUR
    late = late_of(times, HOUR)
    assert late.tolist() == [False, False, False, True, False]
    assert late_of(times[4:], HOUR, int(times[2])).tolist() == [True]
    looked = View((PLAIN,)).look(np.ones((5, 1)), late)
    assert looked.follows[:, 0].tolist() == [False, True, True, False, True]
    assert late_of(times_of(0), HOUR).tolist() == []


def test_the_whole_is_what_its_pieces_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random((100, 2)) < 0.3, NAN, np.cumsum(rng.random((100, 2)), axis=0))
    late = rng.random(100) < 0.1
    once = View((PLAIN, COUNTER)).look(values, late)
    monkeypatch.setattr(viewed, "rows_at_a_time", lambda _: 7)
    whole = look_whole((PLAIN, COUNTER), values, late)
    for name in ("values", "before", "read", "follows"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(once, name), err_msg=name)
    assert [len(piece) for piece in whole.pieces()] == [7] * 14 + [2]
