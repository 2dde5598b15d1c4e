"""Judge and evaluator agree, on recordings and on events made from every rule. docs/conformance.md has the figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.judge import Figures, Judge, compare, events_of, texts
from tests.conformance.made_events import events_for

from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.records.event import Event, Logsource

SHARDS = 4
"""Parts of the largest folder, so that two workers share it."""

Sides = tuple[Judge, SigmaDetector]


def sides(rules: list[RuleText]) -> Sides:
    """The judge and the detector over the same rules."""
    return Judge(rules), SigmaDetector(load_rules(rules))


@pytest.fixture(scope="module")
def sample(data: Path) -> Sides:
    """Half of the rules, spread over all folders."""
    return sides(texts(data / "sigma")[::2])


@pytest.fixture(scope="module")
def whole(data: Path) -> Sides:
    """Every rule."""
    return sides(texts(data / "sigma"))


def judged(both: Sides, events: object) -> Figures:
    """What they say; nobody may have been suspended meanwhile."""
    figures = Figures()
    compare(*both, events, figures)
    assert both[1].suspended == ()
    return figures


def recorded(data: Path, *folders: str) -> Figures:
    return events_of([str(data / folder) for folder in folders])


def test_they_agree_on_recordings(sample: Sides, data: Path) -> None:
    figures = judged(sample, recorded(data, "evtx", "sigma-regression"))
    assert figures.differences == []
    assert figures.events > 3000
    assert figures.hits > 100


def test_they_agree_on_events_made_from_rules(sample: Sides) -> None:
    made = [event for rule in sample[0].rules.values() for event in events_for(rule, 4, seed=1)]
    figures = judged(sample, made)
    assert figures.differences == []
    assert figures.hits > 0.5 * len(made)


def test_every_rule_that_loads_is_judged(sample: Sides, data: Path) -> None:
    judge = sample[0]
    loaded = {rule.id for rule in load_rules(texts(data / "sigma")[::2]).rules}
    assert judge.rules.keys() == loaded
    assert all("placeholder" in why for why in judge.not_judged.values())


RULE = """
title: t
id: 11111111-1111-4111-8111-111111111111
logsource: {product: test}
detection:
  sel: {Id: 1}
  filter:
    Text|contains: 'Stück'
  condition: sel and not filter
"""


def made(**fields: object) -> Event:
    return Event("s", 0, 0, 0, frozenset({Logsource("test")}), fields, "", "made", "made")


@pytest.mark.parametrize(
    "wrong", [("contains", "startswith"), ("not filter", "filter"), ("Id: 1", "Id: 2"), ("test", "other")]
)
def test_the_judge_notices_another_rule(wrong: tuple[str, str]) -> None:
    right, other = RuleText("r", RULE), RuleText("r", RULE.replace(*wrong))
    figures = Figures()
    events = [made(Id=1), made(Id=1, Text="ein Stück"), made(Id=1, Text="x"), made(Text="Stück")]
    compare(Judge([right]), SigmaDetector(load_rules([other])), events, figures)
    assert figures.differences


def test_letters_that_sqlite_does_not_know_are_explained() -> None:
    right = RuleText("r", RULE)
    figures = judged(sides([right]), [made(Id=1, Text="EIN STÜCK"), made(Id=1, Text="Stueck")])
    assert figures.differences == []
    assert sum(figures.explained.values()) == 1
    assert figures.hits == 1


def test_lists_are_left_out_where_a_rule_asks_for_them() -> None:
    right = RuleText("r", RULE)
    figures = judged(sides([right]), [made(Id=1, Text=["x"]), made(Id=1, Other=["x"])])
    assert (figures.pairs, figures.left_out, figures.hits) == (1, 1, 1)


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
def test_they_agree_on_every_campaign(whole: Sides, data: Path, shard: int) -> None:
    archives = sorted(str(path) for path in (data / "otrf").rglob("*") if path.is_file())
    figures = judged(whole, events_of(archives[shard::SHARDS]))
    assert figures.differences == []
    assert figures.hits


@pytest.mark.soak
def test_they_agree_on_every_other_recording(whole: Sides, data: Path) -> None:
    figures = judged(whole, recorded(data, "evtx", "sigma-regression"))
    assert figures.differences == []
    assert figures.hits


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 5))
def test_they_agree_on_events_made_from_every_rule(whole: Sides, seed: int) -> None:
    made = [event for rule in whole[0].rules.values() for event in events_for(rule, 6, seed)]
    figures = judged(whole, made)
    assert figures.differences == []
    assert figures.hits > 0.5 * len(made)
