"""Rules and values made to hurt: an expression that explodes, very many literals, a huge value, thousands of rules.

Sizes are small and bounds generous here; `python -m benchmarks.engine hostile` takes the full ones and measures.
"""

from __future__ import annotations

import time

import pytest

from tocsin.config import bounds
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.evaluation import Evaluator
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.records.event import Event, Logsource

ROWS, COLUMNS, PLAIN = Tuning(columns_from=10**9), Tuning(columns_from=1), Tuning(literals="plain")
TUNINGS = (ROWS, COLUMNS, PLAIN)
LOGSOURCES = frozenset({Logsource("windows", "process_creation", "sysmon")})
EXPLODING = "'^(?:(?:a|aa)|(?:ä|ää))+$'"
"""Two ways to read each pair of letters: twice the time for each letter more, where the text ends in another."""


def event(number: int, value: str | list[str]) -> Event:
    fields = {
        "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "C:\\tools\\app.exe", "CommandLine": value,
    }  # fmt: skip
    return Event(
        stream="hostile", seq=number, time=0, ingest=0, logsources=LOGSOURCES, fields=fields, raw="", source="hostile",
        format="windows-json",
    )  # fmt: skip


def rule(title: str, how: str, value: str, condition: str = "selection") -> RuleText:
    text = f"""
title: {title}
name: {title}
logsource: {{product: windows, category: process_creation}}
detection:
  selection:
    CommandLine|{how}: {value}
  condition: {condition}
"""
    return RuleText(f"{title}.yml", text)


def names(evaluator: Evaluator, *events: Event) -> list[list[str]]:
    return [[one.meta.title for one in matched] for matched in evaluator.match(events)]


@pytest.mark.parametrize(
    ("tuning", "letter"), [(ROWS, "a"), (ROWS, "ä"), (COLUMNS, "ä"), (PLAIN, "a")], ids=str
)
def test_an_expression_that_explodes_is_stopped_then_suspended_and_harms_no_other_rule(tuning, letter):
    rules = load_rules(
        [rule("exploding", "re", EXPLODING), rule("negated", "re", EXPLODING, "not selection"), rule("harmless", "contains", "'!'")]
    )  # fmt: skip
    evaluator = PlannedEvaluator(rules.rules, tuning)
    detector = SigmaDetector(rules, evaluator)
    events = [event(number, f"{letter * (200 + number)}!") for number in range(50)]
    for one in events[: bounds.REGEX_TIMEOUTS]:
        assert detector.suspended == ()
        began = time.process_time()
        assert names(evaluator, one) == [["harmless"]]  # neither yes nor no, as the oracle says
        assert time.process_time() - began < 20 * bounds.REGEX_SECONDS
    assert {problem.title for problem in detector.suspended} == {"exploding", "negated"}
    assert all("regular expression" in problem.why for problem in detector.suspended)
    began = time.process_time()
    assert names(evaluator, *events) == [["harmless"]] * len(events)
    assert time.process_time() - began < 20 * bounds.REGEX_SECONDS  # nobody asks the expression any more


def test_a_value_that_the_expression_reads_quickly_is_judged_until_then():
    rules = load_rules([rule("exploding", "re", EXPLODING)])
    evaluator = PlannedEvaluator(rules.rules, ROWS)
    hard, easy = event(0, "a" * 200 + "!"), event(1, "aaää")
    for _ in range(bounds.REGEX_TIMEOUTS - 1):
        assert names(evaluator, hard, easy) == [[], ["exploding"]]
    assert names(evaluator, hard, easy) == [[], []]  # the third time-out suspends it


def test_many_values_that_each_take_nearly_all_the_time_take_it_together():
    """A list of values, none of which is stopped by itself, is stopped as a whole; the rule is suspended like any other."""
    passed = [0.0]

    def clock() -> float:
        passed[0] += bounds.REGEX_SECONDS / 4
        return passed[0]

    rules = load_rules([rule("slow", "re", "'^a.*b$'"), rule("harmless", "contains", "'!'")])
    evaluator = PlannedEvaluator(rules.rules, ROWS, clock=clock)
    many = event(0, ["a!"] * 1_000)
    for _ in range(bounds.REGEX_TIMEOUTS):
        assert names(evaluator, event(1, "ab"), many) == [["slow"], ["harmless"]]
    assert evaluator.timeouts == {rules.rules[0].id: bounds.REGEX_TIMEOUTS}
    assert names(evaluator, event(1, "ab"), many) == [[], ["harmless"]]


def test_expressions_on_many_values_are_bounded_by_the_processors_clock():
    rules = load_rules([rule("exploding", "re", EXPLODING)])
    evaluator = PlannedEvaluator(rules.rules, ROWS, clock=time.thread_time)
    hard = [event(number, [f"{'a' * 19}{number}!" for number in range(2_000)]) for number in range(10)]
    began = time.process_time()
    assert names(evaluator, *hard) == [[]] * len(hard)
    assert time.process_time() - began < 20 * bounds.REGEX_SECONDS
    assert list(evaluator.timeouts.values()) == [bounds.REGEX_TIMEOUTS]


def test_ten_thousand_literals_in_one_rule():
    words = ", ".join(f"q{number:05}z" for number in range(10_000))
    rules = load_rules([rule("literals", "contains", f"[{words}]")])
    assert rules.problems == ()
    evaluator = PlannedEvaluator(rules.rules)
    others = [event(number, f"C:\\tools\\app{number}.exe --run {number:06}") for number in range(2_000)]
    began = time.process_time()
    found = names(
        evaluator, *others, event(1, "q00000z"), event(2, "Q09999Z!"), event(3, "q10000z"), event(4, "q0001z")
    )
    assert time.process_time() - began < 10
    assert found == [[]] * len(others) + [["literals"], ["literals"], [], []]


@pytest.mark.parametrize("tuning", TUNINGS, ids=str)
@pytest.mark.parametrize("pattern", ["a", "powershell -File report.ps1 ", "ä\udcff", "\0"])
def test_a_value_of_two_million_characters_is_judged_as_the_oracle_judges_it(tuning, pattern):
    rules = load_rules(
        [rule("start", "startswith", "'a'"), rule("end", "endswith", "'-end'"), rule("inside", "contains", "'needle'"),
         rule("glob", "contains|all", "['report*ps1', 'n??dle']"), rule("all of a", "re", "'^a+needle-end$'")]
    )  # fmt: skip
    assert rules.problems == ()
    huge = (pattern * (2_000_000 // len(pattern))) + "needle-end"
    began = time.process_time()
    (found,) = names(PlannedEvaluator(rules.rules, tuning), event(0, huge))
    assert time.process_time() - began < 10
    (wanted,) = names(PlainEvaluator(rules.rules), event(0, huge))
    assert sorted(found) == sorted(wanted)
    assert {"end", "inside"} <= set(found)


def test_thousands_of_rules_cost_an_event_no_more_than_a_few():
    rules = load_rules(rule(f"r{number}", "contains", f"'tool{number}.exe'") for number in range(1_000))
    evaluator = PlannedEvaluator(rules.rules)
    events = [event(number, f"C:\\tools\\tool{number}.exe") for number in range(0, 1_000, 10)]
    began = time.process_time()
    found = names(evaluator, *events)
    assert time.process_time() - began < 5
    assert found == [[f"r{number}"] for number in range(0, 1_000, 10)]
    uses = evaluator.account()
    assert sum(use.asked for use in uses) == len(events)  # no other rule was even asked
