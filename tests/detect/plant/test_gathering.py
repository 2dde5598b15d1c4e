"""Readings that come one by one, late and out of order, become the rows that all of them together would."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.detect.plant.gathering import Gathering, Piece, Row, lateness_of
from tocsin.detect.plant.grid import gridded, is_even, on_grid
from tocsin.detect.plant.state import Damaged
from tocsin.records.event import EventId
from tocsin.records.finding import Evidence
from tocsin.records.instants import HOUR, MINUTE, SECOND
from tocsin.records.readings import Readings

TAGS = 3
Told = tuple[int, int, int, float]
"""When it was read, when it came, which tag, what."""


def piece(number: int) -> Piece:
    raw = f"plant reading={number}"
    return Piece(Evidence(EventId("s", number), "plant:t", number, 0, "token", None, raw), "local", "live")


def history(readings: list[Told]) -> Readings:
    """All of them at once, as a historian's file would have them: of two at one instant the one that came last counts."""
    times = sorted({one[0] for one in readings})
    values = np.full((len(times), TAGS), np.nan)
    for instant, _, tag, value in readings:
        values[times.index(instant), tag] = value
    return Readings(tuple("abc"), np.array(times, dtype=np.int64), values)


def same(rows: list[Row], expected: Readings) -> None:
    assert [row.time for row in rows] == expected.times.tolist()
    np.testing.assert_array_equal(np.array([row.values for row in rows]), expected.values)


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, list[Told]]:
    """Readings in the order in which they came: uneven, some out of order, some much too late, some by a clock ahead."""
    spacing = draw(st.sampled_from([SECOND, 7 * SECOND, MINUTE, HOUR]))
    rng = random.Random(draw(st.integers(0, 2**32)))
    slack = 2 * lateness_of(spacing) if draw(st.booleans()) else lateness_of(spacing) // 2
    found: list[Told] = []
    at = 10**15
    for number in range(draw(st.integers(1, 120))):
        at += rng.choice([0, spacing // 5, spacing // 2, spacing, 3 * spacing])
        came = at + rng.randrange(slack)
        ahead = rng.choice([0] * 9 + [5 * SECOND])
        found.append((at + ahead, came, rng.randrange(TAGS), float(number)))
    return spacing, sorted(found, key=lambda one: one[1])


@settings(max_examples=150)
@given(streams(), st.lists(st.integers(0, 120), max_size=6))
def test_rows_are_those_of_the_whole_history(stream: tuple[int, list[Told]], restarts: list[int]) -> None:
    spacing, readings = stream
    gathering, rows, counted = Gathering(TAGS, spacing), [], []
    kept: dict[str, bytes] = {}
    for number, (instant, came, tag, value) in enumerate(readings):
        if number and number in restarts:
            gathering = Gathering(TAGS, spacing)
            gathering.take_up(kept)
        if not gathering.take(instant, came, {tag: value}, piece(int(value))):
            counted.append(readings[number])
        rows += gathering.due()
        put, gone = gathering.changes()
        kept = {name: body for name, body in kept.items() if name not in gone} | put
        assert kept == gathering.state()
    late = gathering.late
    rows += gathering.end()
    assert late == len(readings) - len(counted)
    whole = history(counted)
    same(rows, gridded(whole, spacing))
    if not is_even(whole.times, spacing):
        same(rows, on_grid(whole, spacing))
    for row in rows:
        assert row.pieces
        for tag, index in row.read_in.items():
            assert row.pieces[index].evidence.raw == f"plant reading={int(row.values[tag])}"


def test_what_comes_in_time_is_never_late() -> None:
    gathering, rng = Gathering(TAGS, MINUTE), random.Random(1)
    came = sorted((at + rng.randrange(lateness_of(MINUTE)), at) for at in range(0, 100 * MINUTE, 20 * SECOND))
    for number, (arrived, at) in enumerate(came):
        assert gathering.take(at, arrived, {0: 1.0}, piece(number)) == 0
        list(gathering.due())


def test_an_even_export_is_judged_minutes_after_its_hour_and_not_an_hour_after() -> None:
    gathering, times = Gathering(TAGS, HOUR), []
    for hour in range(12):
        at = hour * HOUR + 60 * SECOND
        gathering.take(at, at + SECOND, {0: 1.0}, piece(hour))
        times += [row.time for row in gathering.due()]
    assert times == [hour * HOUR for hour in range(11)]
    assert not list(gathering.due_at(11 * HOUR + 60 * SECOND + lateness_of(HOUR) - 1))
    assert [row.time for row in gathering.due_at(11 * HOUR + 61 * SECOND + lateness_of(HOUR))] == [11 * HOUR]
    late = 11 * HOUR + 30 * MINUTE
    assert gathering.take(late, late, {0: 2.0}, piece(99)) > 0  # counted; its place is no habit from now on
    gathering.take(12 * HOUR, 12 * HOUR, {0: 2.0}, piece(100))
    assert not list(gathering.due_at(12 * HOUR + 2 * lateness_of(HOUR)))


def test_while_a_file_of_yesterday_comes_the_time_of_the_log_ends_no_row() -> None:
    gathering, now = Gathering(TAGS, HOUR), 100 * HOUR
    for number in range(10):
        gathering.take(5 * HOUR + number * MINUTE, now + number * SECOND, {0: float(number)}, piece(number))
        assert not [*gathering.due(), *gathering.due_at(now + number * SECOND + 10 * SECOND)]
    assert len(list(gathering.due_at(now + lateness_of(HOUR) + HOUR))) == 1


def test_readings_that_take_the_place_of_others_do_not_pile_up() -> None:
    gathering = Gathering(TAGS, HOUR)
    for number in range(3_000):
        gathering.take(number * SECOND, number * SECOND, {number % TAGS: float(number)}, piece(number))
    assert sum(map(len, gathering.state().values())) < 10_000
    (row,) = gathering.end()
    assert sorted(one.evidence.record for one in row.pieces) == [2_997, 2_998, 2_999]


def test_over_the_bound_the_oldest_row_is_given_out_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PLANT_OPEN_READINGS", 4)
    monkeypatch.setattr(bounds, "PLANT_OPEN_BYTES", 40)
    gathering, rows = Gathering(TAGS, SECOND), []
    for number in range(10):
        gathering.take(number * SECOND, number * SECOND, {0: 1.0, 1: 2.0}, piece(number))
        rows += gathering.due()
    assert [row.time for row in rows] == [number * SECOND for number in range(8)]
    assert all(row.pieces for row in rows)


def test_after_the_end_of_time_any_time_may_come() -> None:
    gathering = Gathering(TAGS, SECOND)
    gathering.take(10**15, 10**15, {0: 1.0}, piece(0))
    assert len(list(gathering.end())) == 1
    assert gathering.take(10**12, 10**12, {0: 1.0}, piece(1)) == 0
    assert len(list(gathering.end())) == 1


def test_a_damaged_state_is_refused() -> None:
    gathering = Gathering(TAGS, SECOND)
    gathering.take(10**15, 10**15, {2: 1.0}, piece(0))
    kept = gathering.state()
    for damaged in ({}, {**kept, "grid": b"x"}, {**kept, "odd": b""}, {**kept, "span/1": b"\x80"}):
        with pytest.raises(Damaged):
            Gathering(TAGS, SECOND).take_up(damaged)
    with pytest.raises(Damaged):
        Gathering(1, SECOND).take_up(kept)


def test_what_waits_moves_to_another_model() -> None:
    old, new = Gathering(TAGS, MINUTE), Gathering(2, MINUTE)
    old.take(10**15, 10**15, {0: 1.0, 1: 2.0}, piece(0))
    old.take(10**15 + SECOND, 10**15 + SECOND, {2: 3.0}, piece(1))
    old.move_to(new, {2: 0, 1: 1})
    (row,) = new.end()
    assert row.values.tolist() == [3.0, 2.0]
    assert [one.evidence.record for one in row.pieces] == [0, 1]
