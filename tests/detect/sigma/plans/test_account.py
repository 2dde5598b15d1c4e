"""Each rule's account: what it considered, hit, was asked and cost, and which of its fields no event had."""

from __future__ import annotations

from itertools import count
from textwrap import dedent

import pytest

from tocsin.config import bounds
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.records.event import Event, Logsource

SYSMON = frozenset({Logsource("windows", None, "sysmon")})
RULES = """
    title: mimi
    id: a
    logsource: {product: windows, service: sysmon}
    detection:
        selection: {EventID: 1, Image|endswith: '\\mimi.exe'}
        condition: selection
    ---
    title: pattern
    id: b
    logsource: {product: windows, service: sysmon}
    detection:
        selection: {EventID: 1, 'CommandLine|re': 'abc[0-9]+'}
        condition: selection
    ---
    title: never seen
    id: c
    logsource: {product: windows, service: sysmon}
    detection:
        selection: {EventID: 3, Company: Evil}
        condition: selection
"""


def evaluator(columns_from: int = 1, clock=None) -> PlannedEvaluator:
    rules = load_rules([RuleText("rules.yml", dedent(RULES))]).rules
    return PlannedEvaluator(rules, Tuning(columns_from=columns_from), clock, timed=clock is not None)


def event(seq: int, fields: dict) -> Event:
    return Event("s", seq, 0, 0, SYSMON, fields, "{}", "a.json", "evtx")


EVENTS = [
    event(0, {"EventID": 1, "Image": r"C:\mimi.exe", "Command Line": "x"}),
    event(1, {"EventID": 1, "Image": r"C:\calc.exe", "CommandLine": "abc1"}),
    event(2, {"EventID": 1, "Image": r"C:\calc.exe", "CommandLine": "abc"}),
    event(3, {"EventID": 3, "Image": r"C:\calc.exe"}),
]


def test_what_was_considered_hit_and_asked():
    for columns_from in (1, 100):
        judge = evaluator(columns_from)
        judge.match(EVENTS)
        a, b, c = judge.account()
        assert (a.rule, a.considered, a.hits) == ("a", 3, 1)
        assert (b.rule, b.considered, b.hits) == ("b", 3, 1)
        assert (c.rule, c.considered, c.hits, c.asked) == ("c", 1, 0, 0)
        assert a.asked == 1  # calc.exe holds no trigger of it
        assert b.asked == 3, "one signature holds its literal; two events are asked themselves"
        assert {a.unknown_fields, b.unknown_fields} == {()}, "spaces in a name do not matter"
        assert c.unknown_fields == ("Company",)


def test_time_is_told_where_there_is_a_clock():
    ticks = count()
    tick = bounds.REGEX_SECONDS / 1_000
    judge = evaluator(clock=lambda: tick * next(ticks))
    judge.match(EVENTS)
    a, b, c = judge.account()
    # The clock is also looked at within: how much is left for each of the two values that an expression is put to.
    assert (a.seconds, b.seconds) == (pytest.approx(tick * a.asked), pytest.approx(tick * (b.asked + 2)))
    assert c.seconds == 0
    assert all(use.seconds == 0 for use in asked_without_clock())


def asked_without_clock():
    judge = evaluator()
    judge.match(EVENTS)
    return judge.account()


def test_an_account_outlives_the_plans_that_it_rests_on(monkeypatch):
    monkeypatch.setattr(bounds, "PLANS", 1)
    judge = evaluator()
    for _ in range(3):
        for one in EVENTS:
            judge.match([one])
    assert [(use.considered, use.hits) for use in judge.account()] == [(9, 3), (9, 3), (3, 0)]


def test_a_field_with_a_dot_is_met_where_it_was_found():
    rule = """
    title: nested
    id: d
    logsource: {product: windows, service: sysmon}
    detection:
        selection: {User.Name: anna, User.Role: admin}
        condition: selection
    """
    for columns_from in (1, 100):
        rules = load_rules([RuleText("rules.yml", dedent(rule))]).rules
        judge = PlannedEvaluator(rules, Tuning(columns_from=columns_from))
        judge.match([event(0, {"User": {"Id": 1}}), event(1, {"User": "anna"})])
        assert judge.account()[0].unknown_fields == ("User.Name", "User.Role")
        judge.match([event(2, {"User": {"Name": "anna"}})])
        assert judge.account()[0].unknown_fields == ("User.Role",)
