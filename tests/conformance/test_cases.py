"""Cases derived by hand from the Sigma specification, without a look at the evaluator.

Each file under `cases/` holds one topic. A case gives

- `case`, `spec`, `why`: its name, the section it follows from, and the derivation in a line,
- the rule: `match` (the body of one selection), `detection` (a whole detection section) or `rules` (whole documents),
- the events: `hits` and `misses` (fields of events of the rule's own log source), or `events`, each with the ids of
  the rules that fire, its `logsources` (default: the product `test`) and its `fields`,
- `placeholders` for `expand`; `rejected: true` where the rule must not load; `problems` for how many documents do not.

`silent: true` marks what the specification leaves open: `why` then says what users would expect.
`disputed` says why the evaluator and the case differ: such a case is expected to fail until one of them changes.
`corrected` says what the case first said, and why that was wrong.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.records.event import Event, Logsource

CASES = Path(__file__).parent / "cases"
KEYS = {"case", "spec", "why", "silent", "disputed", "corrected", "placeholders", "rejected", "problems"}
BODIES = {"match", "detection", "rules"}
EVENTS = {"hits", "misses", "events"}


def every_case() -> Iterator[Any]:
    """All cases, named by file and by what they say."""
    for path in sorted(CASES.glob("*.yml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert set(case) <= KEYS | BODIES | EVENTS, (path.name, case["case"])
            marks = [pytest.mark.xfail(reason=case["disputed"])] if "disputed" in case else []
            yield pytest.param(case, id=f"{path.stem}: {case['case']}", marks=marks)


def rule_text(case: dict[str, Any]) -> str:
    """The rule file of a case."""
    if "rules" in case:
        return str(case["rules"])
    detection = case.get("detection") or (
        "sel:\n" + textwrap.indent(case["match"], "  ") + "condition: sel\n"
    )
    head = "title: the rule\nid: rule\nlogsource:\n  product: test\ndetection:\n"
    return head + textwrap.indent(detection, "  ")


def expected(case: dict[str, Any]) -> Iterator[tuple[list[str], Event]]:
    """Each event of a case with the ids of the rules that must fire on it."""
    for fields in case.get("hits", []):
        yield ["rule"], event(fields)
    for fields in case.get("misses", []):
        yield [], event(fields)
    for entry in case.get("events", []):
        yield entry["fires"], event(entry["fields"], entry.get("logsources"))


def event(fields: dict[str, Any], logsources: list[dict[str, str]] | None = None) -> Event:
    """An event of these fields and log sources."""
    sources = frozenset(
        Logsource(**source) for source in ([{"product": "test"}] if logsources is None else logsources)
    )
    return Event("stream", 0, 0, 0, sources, fields, "", "case", "case")


@pytest.mark.parametrize("case", list(every_case()))
def test_the_evaluator_gives_what_the_specification_says(case: dict[str, Any]) -> None:
    rules = load_rules([RuleText("case.yml", rule_text(case))], case.get("placeholders"))
    if case.get("rejected"):
        assert rules.rules == ()
        assert [problem.why for problem in rules.problems]
        return
    assert len(rules.problems) == case.get("problems", 0), [problem.why for problem in rules.problems]
    detector = SigmaDetector(rules)
    answers = [
        (dict(one.fields), sorted(rule.id for rule in detector.evaluate(one))) for _, one in expected(case)
    ]
    assert answers == [(dict(one.fields), sorted(fires)) for fires, one in expected(case)]
    assert detector.suspended == ()


def test_there_are_enough_cases_and_each_says_why() -> None:
    cases = [parameter.values[0] for parameter in every_case()]
    assert len(cases) >= 300
    for case in cases:
        assert case["spec"], case
        assert case["why"], case
        assert len(BODIES & set(case)) == 1, case
        assert case.get("rejected") or list(expected(case)), case
    names = [parameter.id for parameter in every_case()]
    assert len(names) == len(set(names))
