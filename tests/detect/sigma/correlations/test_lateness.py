"""Watermarks from events, and hits out of order within the lateness: the same answers as in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.sigma.correlations.test_correlations import FAILED, hit, plans_of

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.detect.sigma.correlations.lateness import Lateness, counted_at
from tocsin.detect.sigma.correlations.records import NEVER
from tocsin.records.event import Event
from tocsin.records.instants import DAY, MINUTE, SECOND

NOW = 1_000 * DAY


def event(time: int, ingest: int) -> Event:
    return Event("s", 0, time, ingest, frozenset(), {}, "", "log", "test")


def told(matches: list) -> list:
    """What a match says, but for when it was fetched."""
    return sorted(
        (one.plan.ref, tuple(one.hit.values.values()), one.figure, one.hit.count, [e.record for e in one.hit.evidence])
        for one in matches
    )  # fmt: skip


SECTIONS = (
    FAILED,
    {**FAILED, "type": "value_count", "condition": {"field": "v", "gte": 2}},
    {**FAILED, "condition": {"gte": 2, "lte": 3}},
    {**FAILED, "type": "value_sum", "condition": {"field": "v", "gte": 5}},
    {"type": "temporal_ordered", "rules": ["a", "b"], "group-by": ["user"], "timespan": "20s"},
    {"type": "temporal", "rules": ["r0", "b"], "group-by": ["user"], "timespan": "30s"},
)
STREAM = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(0, 300), st.integers(0, 30), st.sampled_from("xyz"), st.integers(1, 4)
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=200)
@given(STREAM, st.integers(1, 7))
def test_hits_out_of_order_within_the_lateness_give_the_answers_of_sorted_ones(stream, batch):
    made = [
        (time + delay, hit(rule, time, seq, user=user, v=value))
        for seq, (rule, time, delay, user, value) in enumerate(stream)
    ]
    arrived = [one for _, one in sorted(made, key=lambda pair: pair[0])]
    live, found, lateness = Correlations(plans_of(*SECTIONS)), [], Lateness(30)
    for place in range(0, len(arrived), batch):
        part = arrived[place : place + batch]
        for one in part:
            live.add(one)
        found += live.advance(lateness.saw(event(one.time, NOW) for one in part))
    found += live.advance(END_OF_TIME)
    whole = Correlations(plans_of(*SECTIONS))
    for one in sorted(arrived, key=lambda one: one.time):
        whole.add(one)
    assert told(found) == told(whole.advance(END_OF_TIME))
    assert live.late == 0


def test_what_comes_after_the_lateness_is_counted_late():
    real, lateness = Correlations(plans_of({**FAILED, "condition": {"gte": 1}})), Lateness(30)
    real.add(hit("a", 100, 0, user="ann"))
    real.advance(lateness.saw([event(100 * SECOND, NOW)]))
    real.add(hit("a", 70, 1, user="bob"))
    real.add(hit("a", 69, 2, user="eve"))
    assert real.late == 1
    assert [match.hit.values["user"] for match in real.advance(END_OF_TIME)] == ["bob", "ann"]


def test_an_event_from_the_future_makes_no_other_late():
    lateness = Lateness(60)
    lateness.saw([event(NOW, NOW)])
    assert lateness.saw([event(NOW + 400 * DAY, NOW + SECOND)]) == NOW + SECOND - MINUTE
    assert lateness.saw([event(NOW + 9 * MINUTE, NOW + 2 * SECOND)]) == NOW + 2 * SECOND - MINUTE


def test_the_watermark_never_goes_back_and_survives_a_restart():
    lateness = Lateness(60)
    assert lateness.watermark == NEVER
    assert lateness.saw([event(NOW, NOW), event(NOW - DAY, NOW)]) == NOW - MINUTE
    assert Lateness(60, lateness.progress).saw([]) == NOW - MINUTE


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
def test_no_such_lateness(seconds):
    with pytest.raises(ValueError, match="lateness"):
        Lateness(seconds)


def test_an_implausible_time_counts_at_its_ingest():
    assert counted_at(NOW - 7 * DAY, NOW) == NOW - 7 * DAY
    assert counted_at(NOW - 7 * DAY - 1, NOW) == NOW
    assert counted_at(NOW + 10 * MINUTE, NOW) == NOW + 10 * MINUTE
    assert counted_at(NOW + 10 * MINUTE + 1, NOW) == NOW
