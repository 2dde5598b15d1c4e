"""The planned evaluator says what the oracle says: for made rules and events, in every tuning and any cut into batches."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import cycle, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.sigma.made.events import made_event
from tests.detect.sigma.made.rules import loaded
from tests.detect.sigma.made.worlds import (
    Answer,
    World,
    answers,
    described,
    difference,
    expected,
    numbered,
    pairs,
    pool,
    worlds,
)

from tocsin.config import bounds
from tocsin.detect.sigma.loading import RuleText, load_rules
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.records.event import Event, Logsource

ALWAYS, NEVER = 1, 10**9
TUNINGS = tuple(
    Tuning(literals=literals, hyperscan=hyperscan, columns_from=columns)
    for literals, hyperscan, columns in product(("automaton", "plain"), (True, False), (ALWAYS, NEVER))
)
"""Both ways to find literals, with and without Hyperscan, columns always and never."""

FORGETFUL = (Tuning(cache_bytes=0, columns_from=NEVER), Tuning(cache_bytes=4_096, columns_from=4), Tuning())
"""A cache that holds nothing, one that must evict all the time, and what the product uses."""


EVERY = (*TUNINGS, *FORGETFUL)


def check(world: World, tuning: Tuning, size: int) -> None:
    """One evaluator judges the whole stream, in batches of `size`."""
    wanted = expected(world.rules, world.events)
    stream = [world.events[place] for place in world.order]
    check_stream(world, tuning, size, stream, [wanted[place] for place in world.order])


def check_stream(world: World, tuning: Tuning, size: int, stream: Sequence, wanted: Sequence) -> None:
    evaluator = PlannedEvaluator(world.rules, tuning)
    found = difference(world.rules, stream, answers(evaluator, world.rules, stream, size), wanted)
    assert found is None, f"{tuning}, batches of {size}: {found}\n{described(world)}"
    assert evaluator.timeouts == {}


@settings(max_examples=40)
@given(world=worlds(), tuning=st.sampled_from(EVERY), size=st.sampled_from((1, 2, 7, 1_000)))
def test_a_made_world(world, tuning, size):
    check(world, tuning, size)


@pytest.mark.parametrize(("tuning", "size"), list(zip(EVERY, cycle((1, 7, 1_000)), strict=False)), ids=str)
def test_many_rules_and_many_events(tuning, size):
    check(small_pool(), tuning, size)


@cache
def small_pool() -> World:
    return pool(0, count=4)


@settings(max_examples=20)
@given(world=worlds((1, 5), (1, 10)), data=st.data())
def test_batches_cut_anywhere_and_events_in_any_order(world, data):
    order = data.draw(st.permutations(world.order))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(order)))))
    wanted = expected(world.rules, world.events)
    evaluator = PlannedEvaluator(world.rules, data.draw(st.sampled_from(EVERY)))
    for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        stream = [world.events[place] for place in order[begin:end]]
        told = answers(evaluator, world.rules, stream, max(len(stream), 1))
        assert told == [wanted[place] for place in order[begin:end]], described(world)


def test_nothing_to_judge_and_nothing_to_judge_by():
    whole = small_pool()
    for tuning in EVERY:
        assert list(PlannedEvaluator(whole.rules, tuning).match([])) == []
        assert list(PlannedEvaluator((), tuning).match(whole.events[:3])) == [(), (), ()]


def test_an_event_read_in_part_is_never_guessed_about():
    text = "title: t\nlogsource: {product: windows}\ndetection: {k: [mimi], condition: k}\n"
    rules = load_rules([RuleText("t.yml", text)]).rules
    event = made_event({"EventID": 1, "a": "MIMI"}, frozenset({Logsource("windows")}))
    parted = replace(event, fields={"EventID": 1}, partial=True)
    with pytest.raises(ValueError, match="whole"):
        PlannedEvaluator(rules).match([parted])
    assert PlannedEvaluator(rules, whole=lambda _: event).match([parted]) == [rules]


@pytest.mark.parametrize("columns", [ALWAYS, NEVER])
def test_bounds_so_tight_that_all_is_forgotten(monkeypatch, columns):
    """Plans, sectors, shapes and values are given up while they are in use, and found anew."""
    for name in ("PLANS", "PLANNED_RULES", "LOGSOURCE_SETS", "CACHED_SHAPE_FIELDS"):
        monkeypatch.setattr(bounds, name, 2)
    monkeypatch.setattr(bounds, "CACHED_VALUE_CHARS", 4)
    check(small_pool(), Tuning(columns_from=columns, cache_bytes=2_000), 7)


def test_lists_of_event_ids_make_no_plan_for_each_of_their_combinations():
    texts = [
        f"title: t{number}\nlogsource: {{product: windows}}\n"
        f"detection: {{s: {{EventID: {number}, a: 'x{number % 7}'}}, condition: s}}\n"
        for number in range(40)
    ]
    rules = load_rules([RuleText(f"{number}.yml", text) for number, text in enumerate(texts)]).rules
    windows = frozenset({Logsource("windows")})
    events = [
        made_event({"EventID": [place % 40, str(place // 40)], "a": [f"X{place % 7}", "-"]}, windows)
        for place in range(1_600)
    ]
    for columns in (ALWAYS, NEVER):
        evaluator = PlannedEvaluator(rules, Tuning(columns_from=columns))
        assert list(evaluator.match(events)) == list(PlainEvaluator(rules).match(events))
        assert len(evaluator._table.plans()) == 1


def test_what_is_remembered_of_many_shapes_in_many_plans_is_bounded():
    """Every combination of keys and plan is remembered by itself: counted by keys alone, these would take ten times the bound."""
    texts = [
        f"title: t{number}\nlogsource: {{product: windows}}\n"
        f"detection: {{s: {{EventID: {number}, 'a|contains': foo{number}}}, condition: s}}"
        for number in range(60)
    ]
    rules = numbered([rule for text in texts if (rule := loaded(text)) is not None])
    assert len(rules) == 60
    windows, most = frozenset({Logsource("windows")}), 1 << 20
    evaluator = PlannedEvaluator(rules, Tuning(cache_bytes=most))

    def judge(shapes: range) -> None:
        for shape in shapes:
            keys = dict.fromkeys((f"k{shape}.{part}" for part in range(10)), "v")
            evaluator.match([made_event({"EventID": one, "a": "b", **keys}, windows) for one in range(60)])

    judge(range(2))  # the plans themselves
    tracemalloc.start()
    judge(range(2, 52))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * most


EXPLODING = """
title: Exploding
logsource: {product: windows}
detection:
  s1: {Image|re: '(x+x+)+y'}
  condition: s1
"""


@pytest.mark.parametrize("columns", [ALWAYS, NEVER])
def test_an_expression_that_explodes_stops_its_rule_and_no_other(columns):
    whole = small_pool()
    rules = numbered([*whole.rules, loaded(EXPLODING)])
    bombs = [
        made_event({"Image": f"{number}" + "x" * 5_000}, frozenset({Logsource("windows")}))
        for number in range(4)
    ]
    wanted = [*expected(rules, whole.events), *expected(whole.rules, bombs)]
    evaluator = PlannedEvaluator(rules, Tuning(columns_from=columns))
    assert answers(evaluator, rules, [*whole.events, *bombs], 50) == wanted
    assert evaluator.timeouts == {rules[-1].id: bounds.REGEX_TIMEOUTS}


@pytest.mark.soak
@pytest.mark.parametrize("tuning", EVERY, ids=str)
def test_a_hundred_thousand_pairs(tuning):
    """In a stream in which every event comes again, in every size of batch."""
    for whole, wanted in large_pools():
        order = (whole.order * 60)[:10_500]
        stream = [whole.events[place] for place in order]
        for size in (1, 7, 1_000, 10_000):
            check_stream(whole, tuning, size, stream, [wanted[place] for place in order])


@cache
def large_pools() -> list[tuple[World, list[Answer]]]:
    found = [pool(number) for number in range(1, 11)]
    assert sum(1 for whole in found for _ in pairs(whole)) >= 100_000
    return [(whole, expected(whole.rules, whole.events)) for whole in found]


@pytest.mark.parametrize("keyword", ["a\x1e", "\x1fc", "\x1e", "\x1f", "\x1e\x1f"])
def test_a_keyword_never_matches_the_mark_between_values(keyword):
    """Values are searched as one text; what stands between them there is in no event."""
    text = (
        f"title: t\nlogsource: {{product: windows}}\ndetection: {{s: [{json.dumps(keyword)}], condition: s}}"
    )
    rules = load_rules([RuleText("t.yml", text)]).rules
    windows = frozenset({Logsource("windows")})
    apart = Event("s", 0, 0, 0, windows, {"Image": "a", "b": "c"}, "{}", "a.json", "evtx")
    inside = replace(apart, fields={"Image": "xa\x1e\x1fcx", "b": ""})
    for tuning in TUNINGS:
        evaluator = PlannedEvaluator(rules, tuning)
        assert [len(found) for found in evaluator.match([apart, inside])] == [0, 1]
