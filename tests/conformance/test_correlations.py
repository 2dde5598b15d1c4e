"""The correlation suite: each case in order, shuffled, doubled, and cut at every place, always with the same matches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.detect.sigma.correlations.parsing import parse_correlation
from tocsin.detect.sigma.correlations.plans import plan_correlations
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.hit import Hit
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.records.event import Event, EventBatch, EventId, Logsource
from tocsin.records.finding import Evidence, Finding
from tocsin.records.instants import SECOND

SUITE = Path(__file__).parent / "correlations"
BASE = {
    name: {"do": name}
    for name in [
        "failed",
        "success",
        "network",
        "transfer",
        "whoami",
        "ipconfig",
        "net_user",
        "new_admin",
        "with_id",
    ]
} | {"any_login": {"kind": "login"}, "any_command": {"kind": "command"}, "any_network": {"kind": "network"}}
IDS = {"with_id": "5af1c4d2-0000-4000-8000-000000000001"}
REFERENCES = {name: IDS.get(name, name) for name in BASE} | {one: one for one in IDS.values()}


@dataclass(frozen=True)
class Case:
    sections: dict[str, dict]
    events: list[dict]
    match: list[dict]
    why: str


def cases() -> Iterator[Any]:
    for path in sorted(SUITE.glob("*.yml")):
        suite = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in suite["cases"]:
            others = suite.get("also_defaults", {})
            more = case.get("also", {})
            sections = {
                "it": section({**suite["defaults"], **case.get("rule", {})}),
                **{
                    name: section({**others.get(name, {}), **more.get(name, {})})
                    for name in {**others, **more}
                },
            }
            made = Case(sections, case.get("events", []), case.get("match", []), case.get("why", ""))
            yield pytest.param(made, id=f"{path.stem}: {case['name']}")


def section(merged: dict) -> dict:
    return {name: value for name, value in merged.items() if value is not None}


CASES = list(cases())
RUN = [case for case in CASES if not case.values[0].why]
REFUSED = [case for case in CASES if case.values[0].why]


def correlations(case: Case) -> Correlations:
    rules = [
        parse_correlation({"title": name, "name": name, "correlation": one})
        for name, one in case.sections.items()
    ]
    plans, problems = plan_correlations(rules, REFERENCES)
    assert problems == ()
    return Correlations(plans)


def hits(case: Case, real: Correlations) -> list[Hit]:
    """Hits in order of the suite; hits of one event stay together."""
    made = []
    for place, event in enumerate(case.events):
        time = round(event["at"] * SECOND)
        stream = event.get("file", "log")
        evidence = Evidence(EventId(stream, place), stream, place, time, "none", None, str(event))
        for name, selection in BASE.items():
            if all(event.get(field) == value for field, value in selection.items()):
                ref = REFERENCES[name]
                values = {field: event[field] for field in real.wants(ref) if field in event}
                made.append(Hit(ref, time, time, (evidence,), values))
    return made


def found(matches: list) -> list[dict]:
    return [
        {
            "of": match.plan.ref, "group": dict(match.hit.values), "from": match.hit.start / SECOND,
            "to": match.hit.time / SECOND, "events": sorted(one.record for one in match.hit.evidence),
            "figure": match.figure, "count": match.hit.count,
        }
        for match in matches
        if match.plan.output
    ]  # fmt: skip


def agrees(real: list[dict], case: Case) -> None:
    """The matches that are told, each in what the case says of it."""

    def order(one: dict) -> tuple:
        return one["to"], one["from"], one.get("of", "it"), one["events"]

    wanted = sorted(({"of": "it", **one} for one in case.match), key=order)
    real = sorted(real, key=order)
    assert [{name: one[name] for name in want} for one, want in zip(real, wanted, strict=False)] == wanted
    assert len(real) == len(wanted)


def judged(case: Case, given: list[Hit], stops: set[int], reload: bool = False) -> list[dict]:
    real = correlations(case)
    matches = []
    for place, hit in enumerate(given):
        if place in stops:
            if reload:
                again = correlations(case)
                again.restore(real.snapshot())
                real = again
            matches += real.advance(min(one.time for one in given[place:]))
        real.add(hit)
    matches += real.advance(END_OF_TIME)
    assert (real.late, real.judged_early) == (0, 0)
    return found(matches)


def test_the_suite_is_as_large_as_promised():
    assert len(CASES) >= 80
    kinds = {one["type"] for case in RUN for one in case.values[0].sections.values()}
    assert kinds == {
        "event_count", "value_count", "temporal", "temporal_ordered",
        "value_sum", "value_avg", "value_median", "value_percentile",
    }  # fmt: skip


@pytest.mark.parametrize("case", RUN)
def test_in_order(case):
    agrees(judged(case, hits(case, correlations(case)), set()), case)


@pytest.mark.parametrize("case", RUN)
def test_shuffled_and_doubled(case):
    given = hits(case, correlations(case))
    for seed in range(5):
        mixed = given + given[seed:]
        random.Random(seed).shuffle(mixed)
        agrees(judged(case, mixed, set()), case)
        agrees(judged(case, mixed, set(range(len(mixed)))), case)


@pytest.mark.parametrize("case", RUN)
def test_cut_at_every_place(case):
    given = sorted(hits(case, correlations(case)), key=lambda hit: hit.time)
    everywhere = set(range(len(given)))
    agrees(judged(case, given, everywhere, reload=True), case)
    for place in everywhere:
        agrees(judged(case, given, {place}, reload=True), case)


def detector(case: Case) -> SigmaDetector:
    documents: list[dict] = [
        {
            "title": name, "name": name, **({"id": IDS[name]} if name in IDS else {}),
            "logsource": {"product": "suite"}, "detection": {"selection": selection, "condition": "selection"},
        }
        for name, selection in BASE.items()
    ]  # fmt: skip
    documents += [{"title": name, "name": name, "correlation": one} for name, one in case.sections.items()]
    rules = load_rules([RuleText("suite.yml", yaml.safe_dump_all(documents))])
    assert rules.problems == ()
    return SigmaDetector(rules)


def events(case: Case) -> list[Event]:
    return [
        Event(
            stream=event.get("file", "log"), seq=place, time=round(event["at"] * SECOND), ingest=0,
            logsources=frozenset({Logsource("suite")}), raw=str(event), source="suite", format="suite",
            fields={name: value for name, value in event.items() if name not in {"at", "file"}},
        )
        for place, event in enumerate(case.events)
    ]  # fmt: skip


def told(findings: list[Finding]) -> list[dict]:
    return [
        {
            "of": one.rule_title, "group": dict(one.group), "from": one.start / SECOND, "to": one.time / SECOND,
            "events": sorted(piece.record for piece in one.evidence),
        }
        for one in findings
        if one.detector == "sigma-correlation"
    ]  # fmt: skip


@pytest.mark.parametrize("case", RUN)
def test_through_the_detector(case):
    said = {"of", "group", "from", "to", "events"}
    wanted = replace(case, match=[{name: one[name] for name in one if name in said} for one in case.match])
    given = events(case)
    whole = detector(case)
    whole.process(EventBatch.of(reversed(given)))
    agrees(told(whole.advance(END_OF_TIME)), wanted)
    given.sort(key=lambda event: event.time)
    real, findings = detector(case), []
    for place, event in enumerate(given):
        findings += real.advance(event.time)
        again = detector(case)
        again.restore(real.snapshot(), real.version)
        real = again
        findings += real.process(EventBatch.of(given[place : place + 1]))
    findings += real.advance(END_OF_TIME)
    agrees(told(findings), wanted)


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_run_says_why(case):
    rules = [
        parse_correlation({"title": name, "name": name, "correlation": one})
        for name, one in case.sections.items()
    ]
    bystander = {"title": "by", "name": "by", "correlation": {
        "type": "event_count", "rules": ["failed"], "timespan": "1m", "condition": {"gte": 1},
    }}  # fmt: skip
    plans, problems = plan_correlations([*rules, parse_correlation(bystander)], REFERENCES)
    assert case.why in {problem.ref: problem.why for problem in problems}["it"]
    assert "by" in [plan.ref for plan in plans]
