"""The rule of silence: who spoke as a rule and does not any more is told of once, whatever the clock does and whoever lies."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.absence.speaking import T0, Ear, event

from tocsin.config import bounds
from tocsin.detect.absence.silence import SilenceRule
from tocsin.detect.absence.voices import Voices
from tocsin.records.instants import SECOND

MINUTE, HOUR, DAY = 60, 3600, 86_400
QUICK = SilenceRule(floor=100 * SECOND, learn=2_000 * SECOND)  # ten seconds' grain
FIRST = "token hec:first"


def spoken(ear: Ear, start: float, end: float, step: float, **more) -> None:
    """Somebody speaks each `step` seconds."""
    at = start
    while at < end:
        ear.hears(event(at, **more))
        at += step


def quiet(ear: Ear, start: float, end: float, step: float = 20) -> None:
    """Nobody speaks, and the log says that time passes."""
    at = start
    while at <= end:
        ear.passes(at)
        at += step


def test_a_source_that_spoke_each_minute_is_told_within_twelve_minutes_and_once():
    ear = Ear()
    spoken(ear, 0, 8 * DAY, 55)
    last = 8 * DAY
    quiet(ear, last, last + DAY, 30)
    ((at, key),) = ear.told
    assert key == FIRST
    assert 10 * MINUTE - 55 < at - last <= 12 * MINUTE
    ear.hears(event(last + DAY + 10))
    assert [key for _, key in ear.again] == [FIRST]
    assert len(ear.told) == 1


def test_who_has_no_habit_is_not_judged():
    ear = Ear(QUICK)
    ear.hears(event(0), event(0, "hec:test"))
    spoken(ear, 0, 1_900, 20)
    ear.hears(event(1_950, "hec:test"))
    quiet(ear, 1_960, 50_000)
    assert ear.told == []


def test_who_takes_breaks_is_known_only_after_three_times_as_long():
    breaks = SilenceRule(floor=100 * SECOND, learn=5 * HOUR * SECOND)
    ear = Ear(breaks)
    for turn in range(10):
        spoken(ear, turn * 2 * HOUR, turn * 2 * HOUR + 30 * MINUTE, 25)
        quiet(ear, turn * 2 * HOUR + 30 * MINUTE, (turn + 1) * 2 * HOUR - 10)
    assert ear.told == []
    quiet(ear, 20 * HOUR, 30 * HOUR)
    assert [round((at - 18.5 * HOUR) / HOUR) for at, _ in ear.told] == [3]


def test_two_failures_do_not_make_a_habit_and_three_do():
    ear = Ear(QUICK)
    at = 3_000.0
    spoken(ear, 0, at, 20)
    told = []
    for _ in range(4):
        quiet(ear, at, at + 600)
        spoken(ear, at + 600, at + 1_200, 20)
        at += 1_200
        told.append(len(ear.told))
    assert told == [1, 2, 3, 3]


def test_while_tocsin_was_down_nobody_was_silent():
    ear = Ear(QUICK)
    spoken(ear, 0, 3_000, 20)
    ear.hears(event(53_000, "hec:other"))
    quiet(ear, 53_000, 53_090)
    assert ear.told == []
    quiet(ear, 53_100, 53_140)
    assert [key for _, key in ear.told] == [FIRST]


def test_a_clock_that_jumps_rings_nobody():
    ear = Ear(QUICK)
    spoken(ear, 0, 3_000, 20)
    for jump in (400 * DAY, 20.0, -300 * DAY, 40.0):
        spoken(ear, 3_000 + jump, 3_500 + jump, 20)
    assert ear.told == []


def test_what_is_unproven_cannot_speak_for_what_is_proven():
    ear = Ear(QUICK)
    spoken(ear, 0, 3_000, 20, source="syslog:10.0.0.1", auth="mtls", host="fw")
    spoken(ear, 3_000, 3_300, 20, source="syslog:10.0.0.1", auth="none", host="fw")
    assert [key for _, key in ear.told] == ["mtls syslog:10.0.0.1"]


def test_a_host_is_silent_where_its_source_goes_on():
    ear = Ear(QUICK)
    for at in range(0, 3_000, 20):
        ear.hears(event(at, host="A"), event(at, host="b"))
    spoken(ear, 3_000, 3_300, 20, host="b")
    assert [key for _, key in ear.told] == [f"{FIRST}\na"]
    quiet(ear, 3_300, 3_600)
    assert [key for _, key in ear.told] == [f"{FIRST}\na", FIRST], "b is not told beside its source"
    spoken(ear, 3_610, 3_690, 20, host="b")
    ear.hears(event(3_695, host="a"))
    assert {key for _, key in ear.again} == {FIRST, f"{FIRST}\na"}
    assert len(ear.told) == 2


@pytest.mark.parametrize("names", [30_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_made_up_hosts_by_the_million_neither_ring_nor_hide_nor_fill_the_memory(names):
    ear = Ear(QUICK)
    for at in range(0, 3_000, 20):
        ear.hears(event(at, host="real"), event(at, host="quiet"))
    made = 0
    for at in range(3_000, 4_000, 2):
        ear.hears(
            event(at, host="real"), *(event(at, host=f"forged-{made + n}") for n in range(names // 500))
        )
        made += names // 500
    assert made == names
    assert [key for _, key in ear.told] == [f"{FIRST}\nquiet"]
    assert len(ear.voices.all) <= bounds.WATCHED_HOSTS + 1
    assert f"{FIRST}\nreal" in ear.voices.all
    assert ear.voices.unwatched > 0


def test_made_up_senders_displace_no_proven_source():
    ear = Ear(QUICK)
    ear.hears(event(0))
    for at in range(1, 1_200):
        ear.hears(event(at, f"syslog:{at}", auth="none"))
    assert FIRST in ear.voices.all
    assert sum(key.startswith("none ") for key in ear.voices.all) == bounds.WATCHED_UNPROVEN


def test_hostile_names_are_kept_whole_and_apart():
    ear = Ear(QUICK)
    ear.hears(event(0, host="a\nb"), event(0, host="\udc80x"), event(0, host="y" * 100_000))
    rows = ear.voices.written()
    again = Voices(QUICK)
    again.restore(rows)
    assert again.all == ear.voices.all
    assert max(map(len, rows)) < 600


bursts = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 400)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(bursts, st.integers(0, 59), st.integers(1, 5))
def test_the_same_log_says_the_same_wherever_it_was_cut(steps, cut, apart):
    whole, parts = Ear(QUICK), Ear(QUICK)
    at = 0.0
    for one in (whole, parts):
        spoken(one, 0, 2_500, 20, source="a")
    at = 2_500.0
    kept: dict[str, bytes] = {}
    for number, (who, pause) in enumerate(steps):
        at += pause / apart
        for ear in (whole, parts):
            ear.hears(event(at, who))
        if number >= cut:  # from here on it is taken up from what was written down each time
            kept = {**kept, **parts.voices.written()}
            kept = {key: row for key, row in kept.items() if row is not None}
            parts.voices = Voices(QUICK)
            parts.voices.restore(kept)
    assert parts.told == whole.told
    assert parts.again == whole.again
    assert parts.voices.all == whole.voices.all


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=200, max_size=300))
def test_nobody_rings_who_is_never_silent_for_as_long_as_the_floor(pauses):
    ear = Ear(QUICK)
    at = 0.0
    for pause in pauses:
        at += pause
        ear.hears(event(at))
    assert ear.told == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=80))
def test_listening_never_goes_back_and_never_outruns_the_log(jumps):
    ear = Ear(QUICK)
    at, before = 10.0**7, 0
    ear.passes(at)
    for jump in jumps:
        at += jump / 1000 if abs(jump) < 500_000 else jump
        ear.passes(at)
        passed = ear.listening.listened - before
        assert 0 <= passed <= QUICK.apart
        before = ear.listening.listened
    assert ear.listening.stamp <= T0 + 10**9 * SECOND


@pytest.mark.parametrize(
    ("pcs", "servers", "days"), [(2, 1, 40), pytest.param(60, 10, 365, marks=pytest.mark.soak)]
)
def test_a_year_of_an_office_rings_seldom_without_cause(pcs, servers, days):
    rings, listed = year(1, pcs, servers, days)
    assert rings <= 3
    assert listed <= 2 * pcs, "once for each holiday, and where somebody was ill"


def year(seed: int, pcs: int, servers: int, days: int) -> tuple[int, int]:
    """False alarms, and silences that are only listed, of an office: PCs at work hours, servers that restart each month."""
    drawn = random.Random(seed)
    ear = Ear()
    moments: list[tuple[float, str]] = []
    for number in range(servers):
        at = 0.0
        while at < days * DAY:
            at += drawn.expovariate(1 / 120)
            moments.append((at, f"server-{number}"))
            if drawn.random() < 120 / (30 * DAY):
                at += drawn.uniform(2, 9) * MINUTE  # a restart
    for number in range(pcs):
        away = drawn.randrange(days)
        for day in range(days):
            if day % 7 in (5, 6) or away <= day < away + 14 or drawn.random() < 0.02:
                continue
            at = day * DAY + drawn.gauss(8, 0.5) * HOUR
            end = day * DAY + drawn.gauss(17, 0.7) * HOUR
            while at < end:
                moments.append((at, f"pc-{number}"))
                at += drawn.expovariate(1 / 300)
    moments.sort()
    before = 0.0
    for at, host in moments:
        quiet(ear, before + 120, at, 120)  # the log says that time passes
        ear.hears(event(at, host=host))
        before = at
    steady = sum("server" in key or "\n" not in key for _, key in ear.told)
    return steady, len(ear.told) - steady
