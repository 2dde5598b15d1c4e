"""The made worlds can fail: they ask every question both ways, and tell evaluators with one mistake from the oracle."""

from __future__ import annotations

from collections import defaultdict
from typing import get_args

import pytest
import yaml
from sigma.modifiers import modifier_mapping
from tests.detect.sigma.made.mistakes import MISTAKES, Mistaken
from tests.detect.sigma.made.worlds import World, disagreement, expected, pooled, sampled, smallest

from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.matching import predicate
from tocsin.detect.sigma.tree import Leaf, Op, leaves


@pytest.fixture(scope="module")
def found() -> list[World]:
    return sampled(45, rules=14, made=20)


@pytest.fixture(scope="module")
def pool(found) -> World:
    return pooled(found[:14])


def test_a_second_oracle_without_an_index_agrees(pool):
    assert disagreement(pool, Mistaken, 1_000) is None


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen(found, pool, mistake):
    alone = any(disagreement(world, MISTAKES[mistake], 1_000) for world in found)
    assert alone or disagreement(pool, MISTAKES[mistake], 1_000)


def test_the_smallest_disagreement_is_one_rule_and_one_event(pool):
    least = smallest(pool, MISTAKES["text ends at NUL"], 1_000)
    assert disagreement(least, MISTAKES["text ends at NUL"], 1_000) is not None
    assert (len(least.rules), len(least.events)) == (1, 1)


def test_every_question_is_met_and_missed(found):
    outcomes = defaultdict(set)
    for world in found:
        views = [EventView(event.fields) for event in world.events]
        for leaf in {leaf: None for rule in world.rules for leaf in leaves(rule.condition)}:
            asked = predicate(leaf)
            told = {asked(view) for view in views}
            for kind in kinds_of(leaf):
                outcomes[kind] |= told
    wanted = {(op,) for op in get_args(Op)} | {("keyword",), ("cased",)}
    wanted |= {("compare", order) for order in ("lt", "lte", "gt", "gte")}
    wanted |= {("timepart", part) for part in ("minute", "hour", "day", "week", "month", "year")}
    wanted |= {("fieldref", place) for place in ("equals", "startswith", "endswith", "contains")}
    wanted |= {("regex", flag) for flag in "ims"} | {
        ("cidr", 4),
        ("cidr", 6),
        ("exists", True),
        ("exists", False),
    }
    assert {kind for kind in wanted if outcomes[kind] != {True, False}} == set()


def kinds_of(leaf: Leaf):
    yield (leaf.op,)
    if leaf.field is None:
        yield ("keyword",)
    if leaf.cased and leaf.op != "regex":
        yield ("cased",)
    if leaf.op in {"compare", "timepart"}:
        yield (leaf.op, leaf.value[0])
    elif leaf.op == "fieldref":
        yield (leaf.op, leaf.value[1])
    elif leaf.op == "regex":
        yield from ((leaf.op, flag) for flag in leaf.value[1])
    elif leaf.op == "cidr":
        yield (leaf.op, leaf.value.version)
    elif leaf.op == "exists":
        yield (leaf.op, leaf.value)


def test_every_modifier_decides_both_ways(found):
    """Judged by rules of one line, where nothing else decides."""
    outcomes = defaultdict(set)
    whole = pooled(found)
    told = expected(whole.rules, whole.events)
    hit = frozenset(place for answer in told for place in answer)
    for place, text in enumerate(whole.texts):
        detection = yaml.load(text, yaml.CSafeLoader)["detection"]
        if detection["condition"] == "s1" and isinstance(detection["s1"], dict) and len(detection["s1"]) == 1:
            (key,) = detection["s1"]
            for modifier in key.split("|")[1:] or ["none"]:
                outcomes[modifier] |= {place in hit}
                outcomes[modifier] |= (
                    {True, False} if place in hit and not all(place in one for one in told) else set()
                )
    assert {name for name in ("none", *modifier_mapping) if outcomes[name] != {True, False}} == set()


def test_what_is_hard_occurs(found):
    """Fields of every kind of value, EventID and Channel in other types than text, names with dots and blanks."""
    fields = [event.fields for world in found for event in world.events]
    seen = {type(value) for one in fields for value in one.values()}
    assert seen >= {str, int, float, bool, type(None), list, dict}
    for name in ("EventID", "Channel"):
        assert {type(one[name]) for one in fields if name in one} >= {str, int, list, type(None)}
        assert any(name not in one for one in fields)
    assert any("Threat Name" in one for one in fields)
    assert any("a.b" in one for one in fields)
    assert any(isinstance(one.get("a"), dict) for one in fields)
    assert any(
        isinstance(one.get("a"), list) and any(isinstance(part, dict) for part in one["a"]) for one in fields
    )
    assert any(len(event.logsources) > 2 for world in found for event in world.events)
    assert any(not event.logsources for world in found for event in world.events)
    told = [(world, expected(world.rules, world.events)) for world in found]
    hits = sum(len(answer) for _, answers in told for answer in answers)
    assert 0.05 < hits / sum(len(world.rules) * len(world.events) for world in found) < 0.5
