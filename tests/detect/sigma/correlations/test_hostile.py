"""What an attacker may send to exhaust the correlations: always within the bounds, seen, and in linear time."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tests.detect.sigma.correlations.test_correlations import FAILED, hit, plans_of, records

from tocsin.config import bounds
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.conditions import Bounds
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.records.event import EventId
from tocsin.records.instants import SECOND


def cost(real: Correlations, count: int, **made) -> float:
    """CPU seconds for `count` hits of one group, a hundred a second, and their windows."""
    before = time.process_time()
    for seq in range(count):
        real.add(hit("a", seq / 100, seq, user="ann", **made))
        if seq % 1_000 == 999:
            real.advance(seq * SECOND // 100)
    real.advance(END_OF_TIME)
    return time.process_time() - before


def test_a_flood_of_long_group_keys_stays_within_the_bound():
    real = Correlations(plans_of({**FAILED, "timespan": "1d"}), size=4_000_000)
    for seq in range(2_000):
        real.add(hit("a", seq, seq, user=f"{seq:05}" * 2_000))
        assert real.held[1] <= 4_000_000
    assert real.judged_early > 1_000
    assert real.late == 0


def test_a_flood_of_groups_that_have_windows_is_accounted_with_them():
    real = Correlations(plans_of({**FAILED, "timespan": "1d", "condition": {"gte": 1}}), size=4_000_000)
    for seq in range(4_000):
        real.add(hit("a", seq, seq, user=f"u{seq}"))
        assert real.held[1] <= 4_000_000
        assert real.held[0] <= 4_000_000 // 1_700
    assert real.judged_early > 1_000
    assert len(real.advance(END_OF_TIME)) == 4_000


def test_long_values_that_are_counted_are_accounted():
    real = Correlations(
        plans_of({**FAILED, "type": "value_count", "condition": {"field": "v", "gte": 99}}), size=4_000_000
    )
    for seq in range(1_000):
        real.add(hit("a", seq / 100, seq, user="ann", v=[f"{seq}{part}" * 500 for part in range(5)]))
        assert real.held[1] <= 4_000_000
    assert real.judged_early > 500


@pytest.mark.parametrize(
    "section",
    [
        {**FAILED, "condition": {"gte": 1_000_000}},
        {**FAILED, "timespan": "1h", "condition": {"gte": 3}},
        {**FAILED, "timespan": "1h", "condition": {"gte": 3, "lte": 90_000_000}},
        {**FAILED, "type": "value_sum", "condition": {"field": "v", "gte": 3}},
        {"type": "temporal_ordered", "rules": ["a", "b"], "group-by": ["user"], "timespan": "1h"},
    ],
)
def test_a_group_of_very_many_hits_costs_linear_time(section):
    cost(Correlations(plans_of(section)), 1_000, v=1)
    few, many = (
        min(cost(Correlations(plans_of(section)), count, v=1) for _ in range(3)) for count in (4_000, 24_000)
    )
    assert many < 6 * few * 2.5


def test_hits_of_one_second_cost_linear_time_however_slowly_the_watermark_creeps():
    def creeping(count: int) -> float:
        real = Correlations(plans_of({**FAILED, "condition": {"gte": 2}}))
        for seq in range(count):
            real.add(hit("a", seq / count, seq, user="ann"))
        before = time.process_time()
        for mark in range(count // 10):
            real.advance(mark * 10 * SECOND // count)
        real.advance(END_OF_TIME)
        return time.process_time() - before

    creeping(1_000)
    few, many = (min(creeping(count) for _ in range(3)) for count in (4_000, 24_000))
    assert many < 6 * few * 2.5


def test_ten_thousand_rules_share_what_they_hold_of_an_event():
    (plan,) = plans_of({**FAILED, "timespan": "1d"})
    plans = [replace(plan, ref=f"r{number}") for number in range(10_000)]
    real = Correlations(plans)
    one = hit("a", 0, 0, user="ann")
    raw = replace(one.evidence[0], raw="x" * bounds.EVIDENCE_RAW_CHARS)
    for seq in range(3):
        moment = seq * SECOND
        real.add(
            replace(
                one,
                time=moment,
                start=moment,
                evidence=(replace(raw, record=seq, event_id=EventId("s", seq)),),
            )
        )
    hits, size = real.held
    assert hits == 30_000
    assert size < 30_000 * 400 + 10_000 * 1_400
    assert len(real.advance(END_OF_TIME)) == 10_000
    assert real.judged_early == 0


def test_hits_of_one_event_by_many_rules_are_encoded_once():
    real = Correlations(plans_of(FAILED, {**FAILED, "rules": ["b"], "timespan": "2m"}))
    one = hit("a", 0, 0, user="ann")
    real.add(one)
    before = real.held[1]
    real.add(replace(one, rule="b"))
    assert real.held[1] - before < before
    real.add(replace(hit("b", 0, 1, user="ann"), claims=()))
    assert real.held[1] - before > before


@pytest.mark.parametrize(
    "value",
    [
        "", "x", "\x00\x1b[31m", "x\ud800", "İ", 0, -1, 2**70, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"),
        True, b"bytes", [], [None], [1, [2, {"a": "\ud800"}]], {"a": {"b": [1]}}, ("x", "X"), object, None,
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["event_count", "value_count", "value_sum", "value_median"])
def test_values_of_every_type_are_no_crash_and_survive_a_restart(kind, value):
    condition = {"gte": 1} if kind == "event_count" else {"field": "v", "gte": 1}
    sections = (
        {**FAILED, "type": kind, "condition": condition},
        {"type": "temporal", "rules": ["r0", "b"], "group-by": ["user"], "timespan": "1m"},
    )
    real, rows = Correlations(plans_of(*sections)), {}
    for seq in range(3):
        real.add(hit("ab"[seq % 2], seq, seq, user=value, v=value))
        real.changes().fold_into(rows)
    again = Correlations(real.plans)
    again.restore_rows(rows)
    assert again.held == real.held
    assert [records(one) for one in again.advance(END_OF_TIME)] == [
        records(one) for one in real.advance(END_OF_TIME)
    ]


def test_relief_under_very_many_rules_looks_at_each_group_once():
    (plan,) = plans_of({**FAILED, "timespan": "1d"})
    plans = [replace(plan, ref=f"r{number}") for number in range(300)]
    real = Correlations(plans, hits=30_000)
    before = time.process_time()
    for seq in range(400):
        real.add(hit("a", seq * 60, seq, user=f"u{seq}"))
        assert real.held[0] <= 30_000
    assert real.judged_early > 60_000
    assert time.process_time() - before < 10


@pytest.mark.parametrize(
    ("criteria", "least"),
    [
        ((("gte", 5.0),), 5), ((("gt", 5.0),), 6), ((("gt", 4.5),), 5), ((("eq", 3.0),), 3), ((("lt", 3.0),), 1),
        ((("gte", 2.0), ("lte", 9.0)), 2), ((("neq", 3.0),), 1), ((("gte", -3.0),), 1),
    ],
)  # fmt: skip
def test_fewer_hits_than_the_least_never_meet_a_condition(criteria, least):
    limits = Bounds(criteria)
    assert limits.least == least
    assert not any(limits.holds(count) for count in range(1, least))
