"""What the suite does not ask: bounds on memory and evidence, state that does not fit, late hits, what is parsed."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from sigma.exceptions import SigmaError

from tocsin.config import bounds
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.detect.sigma.correlations.parsing import parse_correlation
from tocsin.detect.sigma.correlations.plans import (
    plan_correlations,
    references_of,
    silenced,
)
from tocsin.detect.sigma.hit import Hit
from tocsin.records.errors import PluginError
from tocsin.records.event import EventId
from tocsin.records.finding import Claim, Entity, Evidence
from tocsin.records.instants import SECOND

BASE = {name: name for name in "abc"}
FAILED = {
    "type": "event_count",
    "rules": ["a"],
    "group-by": ["user"],
    "timespan": "1m",
    "condition": {"gte": 3},
}


def plans_of(*sections: dict):
    rules = [
        parse_correlation({"title": f"r{number}", "name": f"r{number}", "correlation": one})
        for number, one in enumerate(sections)
    ]
    plans, problems = plan_correlations(rules, BASE)
    assert problems == ()
    return plans


def hit(rule: str, time: float, seq: int, **values: object) -> Hit:
    moment = round(time * SECOND)
    event = EventId("s", seq)
    evidence = Evidence(event, "log", seq, moment, "none", "host", "raw text")
    claim = Claim("logon_failed", {"user": "ann"}, (event,), moment)
    return Hit(rule, moment, moment, (evidence,), values, (Entity("local", "user", f"u{seq % 2}"),), (claim,))


def records(match) -> list[int]:
    return [one.record for one in match.hit.evidence]


def test_a_match_tells_what_its_hits_tell():
    real = Correlations(plans_of(FAILED))
    for seq in range(3):
        real.add(hit("a", seq, seq, user="Ann"))
    (match,) = real.advance(END_OF_TIME)
    assert match.hit.values == {"user": "Ann"}
    assert match.hit.entities == (Entity("local", "user", "u0"), Entity("local", "user", "u1"))
    assert [one.evidence for one in match.hit.claims] == [(EventId("s", seq),) for seq in range(3)]
    assert [one.raw for one in match.hit.evidence] == ["raw text"] * 3


def test_simulated_evidence_makes_a_match_simulated():
    real = Correlations(plans_of(FAILED))
    for seq in range(3):
        real.add(replace(hit("a", seq, seq, user="ann"), origin="simulated:drill" if seq == 1 else "live"))
    assert real.advance(END_OF_TIME)[0].hit.origin == "simulated:drill"


def test_nothing_is_told_before_the_window_is_complete():
    real = Correlations(plans_of(FAILED))
    for seq in range(3):
        real.add(hit("a", seq, seq, user="ann"))
    assert real.advance(62 * SECOND) == []
    assert len(real.advance(62 * SECOND + 1)) == 1


def test_matches_come_in_order_of_time_then_plan_then_group():
    real = Correlations(plans_of({**FAILED, "condition": {"gte": 1}}, {**FAILED, "condition": {"gte": 1}}))
    for seq, (time, user) in enumerate([(5, "bob"), (5, "ann"), (0, "eve")]):
        real.add(hit("a", time, seq, user=user))
    told = [
        (match.hit.time // SECOND, match.plan.ref, match.hit.values["user"])
        for match in real.advance(END_OF_TIME)
    ]
    assert told == [(0, "r0", "eve"), (0, "r1", "eve")] + [
        (5, ref, user) for ref in ("r0", "r1") for user in ("ann", "bob")
    ]


def test_a_late_hit_is_counted_and_not_judged():
    real = Correlations(plans_of({**FAILED, "condition": {"gte": 1}}))
    assert real.advance(100 * SECOND) == []
    real.add(hit("a", 99, 0, user="ann"))
    assert (real.late, real.advance(END_OF_TIME)) == (1, [])


def test_hits_that_no_correlation_wants_are_ignored():
    real = Correlations(plans_of(FAILED))
    real.add(hit("b", 0, 0, user="ann"))
    assert real.references() == {"a"}
    assert (real.wants("a"), real.wants("b")) == ({"user"}, frozenset())
    assert real.advance(END_OF_TIME) == []


def test_wants_reaches_through_nesting_and_aliases():
    inner = {**FAILED, "group-by": ["host"]}
    outer = {
        "type": "temporal", "rules": ["r0", "b"], "timespan": "1h", "group-by": ["who"],
        "aliases": {"who": {"r0": "user", "b": "account"}},
    }  # fmt: skip
    real = Correlations(plans_of(inner, outer))
    assert (real.wants("a"), real.wants("b")) == ({"host", "user"}, {"account"})


def test_evidence_is_capped_and_the_true_count_told():
    real = Correlations(plans_of(FAILED))
    many = bounds.EVIDENCE_PER_FINDING + 500
    for seq in range(many):
        real.add(hit("a", seq / 100, seq, user="ann"))
    (match,) = real.advance(END_OF_TIME)
    assert match.hit.count == many
    assert records(match) == [*range(bounds.EVIDENCE_PER_FINDING - 1), many - 1]
    assert match.hit.time == match.hit.evidence[-1].time


def test_a_flood_does_not_crowd_out_the_one_event_that_matters():
    sections = (
        FAILED,
        {"type": "temporal_ordered", "rules": ["r0", "b"], "group-by": ["user"], "timespan": "1m"},
    )
    real = Correlations(plans_of(*sections))
    many = bounds.EVIDENCE_PER_FINDING * 2
    for seq in range(many):
        real.add(hit("a", seq / 100, seq, user="ann"))
    real.add(hit("b", many / 100, many, user="ann"))
    outer = next(match for match in real.advance(END_OF_TIME) if match.plan.ref == "r1")
    assert records(outer)[-1] == many
    assert len(records(outer)) == bounds.EVIDENCE_PER_FINDING
    assert outer.hit.count == many + 1


@pytest.mark.parametrize("limits", [{"hits": 1_000}, {"size": 1_000_000}])
def test_over_the_bound_the_oldest_are_judged_early_and_counted(limits):
    real = Correlations(plans_of({**FAILED, "condition": {"gte": 1}}), **limits)
    held = 0
    for seq in range(5_000):
        real.add(hit("a", seq * 10, seq, user=f"u{seq}"))
        held = max(held, real._load.hits)
    assert held <= 2 * 1_000
    told = real.advance(END_OF_TIME)
    assert sorted(record for match in told for record in records(match)) == list(range(5_000))
    assert real.judged_early >= 3_000
    assert (real.late, real._load.hits, real._load.size) == (0, 0, 0)


def test_one_endless_window_stays_within_the_bound():
    real = Correlations(plans_of({**FAILED, "timespan": "1y", "condition": {"gte": 1_000_000}}), hits=1_000)
    for seq in range(5_000):
        real.add(hit("a", seq, seq, user="ann"))
        assert real._load.hits <= 1_000
    assert real.judged_early > 0
    assert real.advance(END_OF_TIME) == []


def test_windows_that_are_past_are_let_go():
    real = Correlations(plans_of(FAILED))
    for seq in range(10_000):
        real.add(hit("a", seq, seq, user=f"u{seq}"))
        real.advance(seq * SECOND)
        assert real._load.hits <= 70
    assert len(real._lanes[0].groups) <= 70


def test_text_that_no_utf8_can_hold_is_no_crash():
    real = Correlations(plans_of({**FAILED, "condition": {"gte": 2}}))
    bad = "x\ud800y"
    for seq in range(2):
        one = hit("a", seq, seq, user=bad)
        (evidence,) = one.evidence
        real.add(replace(one, evidence=(replace(evidence, raw=bad, host=bad),)))
    again = Correlations(real.plans)
    again.restore(real.snapshot())
    (match,) = again.advance(END_OF_TIME)
    assert match.hit.values == {"user": "x\ufffdy"}
    assert match.hit.evidence[0].raw == "x\ufffdy"


# --- state -----------------------------------------------------------------------------------------------
def test_matches_that_were_judged_early_survive_a_snapshot():
    real = Correlations(plans_of({**FAILED, "condition": {"gte": 1}}), hits=10)
    for seq in range(40):
        real.add(hit("a", seq * 100, seq, user="ann"))
    again = Correlations(real.plans, hits=10)
    assert again.restore(real.snapshot()) == ()
    assert again.judged_early == real.judged_early > 0
    assert again.advance(END_OF_TIME) == real.advance(END_OF_TIME)


def test_state_of_a_rule_that_changed_is_let_go_and_named():
    real = Correlations(plans_of(FAILED, {**FAILED, "timespan": "2m"}))
    for seq in range(3):
        real.add(hit("a", seq, seq, user="ann"))
    other = Correlations(plans_of({**FAILED, "timespan": "5m"}, {**FAILED, "timespan": "2m"}))
    assert other.restore(real.snapshot()) == ("r0",)
    assert [match.plan.ref for match in other.advance(END_OF_TIME)] == ["r1"]


@pytest.mark.parametrize(
    "state", [b"", b"\xc1", b"rubbish", msgspec.msgpack.encode([99]), msgspec.msgpack.encode([1])]
)
def test_what_is_no_state_is_refused(state):
    real = Correlations(plans_of(FAILED))
    real.add(hit("a", 0, 0, user="ann"))
    before = real.snapshot()
    with pytest.raises(PluginError):
        real.restore(state)
    assert real.snapshot() == before


def test_state_that_contradicts_itself_is_refused():
    real = Correlations(plans_of({**FAILED, "condition": {"gte": 1}}))
    real.add(hit("a", 0, 0, user="ann"))
    real.advance(1 * SECOND)
    version, rows = msgspec.msgpack.decode(real.snapshot())
    kept = {name: row for name, row in rows.items() if not name.startswith("run/")}
    assert len(kept) < len(rows)  # the match that the group refers to
    with pytest.raises(PluginError, match="contradicts itself"):
        real.restore(msgspec.msgpack.encode([version, kept]))


# --- rules -----------------------------------------------------------------------------------------------
def test_a_rule_is_silent_where_a_correlation_stands_for_it():
    plans = plans_of(FAILED, {**FAILED, "rules": ["b"], "generate": True}, {**FAILED, "rules": ["r0", "c"]})
    assert silenced(plans) == {"a", "r0", "c"}
    assert [plan.output for plan in plans] == [False, True, True]


def test_references_are_ids_and_names():
    identity = "5af1c4d2-0000-4000-8000-000000000001"
    rule = parse_correlation({"title": "t", "id": identity, "name": "n", "correlation": FAILED})
    assert references_of([rule]) == {identity: identity, "n": identity}


def test_one_broken_rule_takes_no_other_along():
    broken = parse_correlation({"title": "x", "correlation": {**FAILED, "rules": ["nobody"]}})
    twin = parse_correlation({"title": "a", "correlation": FAILED})
    good = parse_correlation({"title": "good", "correlation": FAILED})
    plans, problems = plan_correlations([broken, twin, good], BASE)
    assert [plan.ref for plan in plans] == ["good"]
    assert [problem.ref for problem in problems] == ["x", "a"]
    assert "another rule is already called 'a'" in problems[1].why


def test_a_long_chain_of_correlations_is_refused_not_followed_for_ever():
    rules = [
        parse_correlation({"title": f"c{number}", "correlation": {**FAILED, "rules": [f"c{number + 1}"]}})
        for number in range(300)
    ] + [parse_correlation({"title": "c300", "correlation": FAILED})]
    plans, problems = plan_correlations(rules, BASE)
    assert len(plans) + len(problems) == 301
    assert any("nested more than" in problem.why for problem in problems)


def test_too_many_alternatives_are_refused():
    text = " and ".join(f"(a or b{number})" for number in range(20))
    rules = {f"b{number}": f"b{number}" for number in range(20)} | BASE
    rule = parse_correlation(
        {
            "title": "wide",
            "correlation": {
                "type": "temporal",
                "rules": ["a", *list(rules)[:20]],
                "timespan": "1m",
                "condition": text,
            },
        }
    )
    _, (problem,) = plan_correlations([rule], rules)
    assert "multiplies out" in problem.why


def test_a_condition_that_silence_too_meets_has_a_caveat():
    (plan,) = plans_of({**FAILED, "condition": {"lt": 3}})
    assert plan.caveat == "windows without any hit are not judged"


@pytest.mark.parametrize(
    "section",
    [
        {**FAILED, "condition": {"gte": "many"}},
        {**FAILED, "condition": {"gte": 1, "lte": "many"}},
        {**FAILED, "condition": {"gte": 1, "more": 2}},
        {**FAILED, "timespan": "soon"},
        {**FAILED, "timespan": "0s"},
        {**FAILED, "type": "guess"},
        {"type": "event_count"},
        [],
    ],
)
def test_what_is_no_correlation_is_refused_by_the_parser(section):
    with pytest.raises(SigmaError):
        parse_correlation({"title": "t", "correlation": section})
