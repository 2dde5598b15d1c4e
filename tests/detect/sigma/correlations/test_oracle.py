"""The correlations against a naive oracle: every window of every group written out, every match a component of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations.correlations import Correlations
from tocsin.detect.sigma.correlations.parsing import parse_correlation
from tocsin.detect.sigma.correlations.plans import plan_correlations
from tocsin.detect.sigma.hit import Hit
from tocsin.records.event import EventId
from tocsin.records.finding import Evidence
from tocsin.records.instants import SECOND

BASE = {name: name for name in "abc"}
TESTS = {
    "gt": lambda x, n: x > n, "gte": lambda x, n: x >= n, "lt": lambda x, n: x < n,
    "lte": lambda x, n: x <= n, "eq": lambda x, n: x == n, "neq": lambda x, n: x != n,
}  # fmt: skip


TICK = SECOND // 4
"""The unit of the oracle's times: watermarks fall between whole seconds too."""


def hit_of(rule: str, time: int, event: tuple[str, int], values: dict[str, Any]) -> Hit:
    evidence = Evidence(EventId(*event), event[0], event[1], time * TICK, "none", None, f"{event}")
    return Hit(rule, time * TICK, time * TICK, (evidence,), values)


# --- the oracle ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Seen:
    """A hit as the oracle sees it; `proves` are the events that it rests on."""

    rule: str
    time: int
    ident: tuple
    values: Any
    proves: frozenset = field(compare=False)
    hits: int = field(default=1, compare=False)


def oracle(section: dict, hits: list[Seen]) -> list[tuple]:
    """(group, first, last, events) of every match of the correlation `section`, and its hits with their pulses."""
    groups: dict[tuple, set[Seen]] = {}
    for hit in hits:
        key = tuple(hit.values.get(name) for name in section.get("group-by", []))
        if hit.rule not in section["rules"] or None in key or not takes_part(section, hit):
            continue
        groups.setdefault(tuple(str(one).casefold() for one in key), set()).add(hit)
    return [(key, one) for key, members in groups.items() for one in components(section, members)]


def takes_part(section: dict, hit: Seen) -> bool:
    condition = section.get("condition", {})
    if not isinstance(condition, dict) or "field" not in condition:
        return True
    value = hit.values.get(condition["field"])
    return value is not None and (section["type"] == "value_count" or isinstance(value, int | float))


def components(section: dict, members: set[Seen]) -> list[list[frozenset[Seen]]]:
    """The windows that hold, those that share hits together."""
    span = int(section["timespan"][:-1]) * SECOND // TICK
    windows = {
        frozenset(one for one in members if end.time - span <= one.time <= end.time) for end in members
    }
    if not grows(section):
        windows = {one for one in windows if not any(one < other for other in windows)}
    together: list[list[frozenset[Seen]]] = []
    for window in windows:
        if not holds(section, window):
            continue
        touching = [part for part in together if any(window & other for other in part)]
        together = [part for part in together if part not in touching]
        together.append([window, *itertools.chain.from_iterable(touching)])
    return together


def grows(section: dict) -> bool:
    condition = section.get("condition", {})
    if isinstance(condition, str):
        return "not" not in condition
    return section["type"] in {"event_count", "value_count", "temporal", "temporal_ordered"} and not set(condition) & {
        "lt", "lte", "eq", "neq",
    }  # fmt: skip


def holds(section: dict, window: frozenset[Seen]) -> bool:
    condition = section.get("condition", {"gte": len(section["rules"])})
    if isinstance(condition, str):
        return extended(section, condition, window)
    figure = figure_of(section, window)
    return all(TESTS[name](figure, bound) for name, bound in condition.items() if name in TESTS)


def figure_of(section: dict, window: frozenset[Seen]) -> Any:  # noqa: PLR0911  one return for each type
    kind = section["type"]
    if kind == "event_count":
        return len({hit.ident for hit in window})
    if kind == "value_count":
        return len({str(hit.values[section["condition"]["field"]]).casefold() for hit in window})
    if kind == "temporal":
        return len({hit.rule for hit in window})
    if kind == "temporal_ordered":
        rules = section["rules"]
        return max(
            size
            for size in range(len(rules) + 1)
            if any(in_order(chosen, window) for chosen in itertools.combinations(rules, size))
        )
    once = {hit.ident: hit.values[section["condition"]["field"]] for hit in window}
    numbers = sorted(Fraction(one) for one in once.values())
    if kind == "value_sum":
        return float(sum(numbers))
    if kind == "value_avg":
        return float(sum(numbers) / len(numbers))
    place = Fraction(50 if kind == "value_median" else section["condition"]["percentile"], 100) * (
        len(numbers) - 1
    )
    low, high = numbers[int(place)], numbers[min(int(place) + 1, len(numbers) - 1)]
    return float(low + (high - low) * (place - int(place)))


def in_order(rules: tuple[str, ...], window: frozenset[Seen]) -> bool:
    """Whether hits of `rules` follow one another, tried one by one."""

    def follows(rest: tuple[str, ...], last: Seen | None) -> bool:
        if not rest:
            return True
        return any(
            follows(rest[1:], hit)
            for hit in window
            if hit.rule == rest[0]
            and (
                last is None
                or last.time < hit.time
                or (last.time == hit.time and (last.ident[0] != hit.ident[0] or last.ident[1] < hit.ident[1]))
            )
        )

    return follows(rules, None)


def extended(section: dict, condition: str, window: frozenset[Seen]) -> bool:
    """Whether some choice of the rules that have hits makes it true, in their order where that is asked."""
    present = [rule for rule in section["rules"] if any(hit.rule == rule for hit in window)]
    for size in range(len(present) + 1):
        for chosen in itertools.combinations(present, size):
            if section["type"] == "temporal_ordered" and not in_order(chosen, window):
                continue
            names = {}
            for rule in section["rules"]:
                names[rule] = rule in chosen
                names[f"no_{rule}"] = rule not in present
            text = condition
            for rule in section["rules"]:
                text = text.replace(f"not {rule}", f"no_{rule}")
            if eval(text, {}, names):
                return True
    return False


def told(found: list[tuple]) -> list[tuple]:
    """Matches as (group, first, last, events, hits), in order."""
    rows = []
    for key, windows in found:
        hits = frozenset().union(*windows)
        proofs = frozenset().union(*(hit.proves for hit in hits))
        base = sum(1 for hit in hits if hit.rule in BASE)
        nested: dict = {}
        for hit in hits:
            if hit.rule not in BASE:
                nested[hit.ident] = max(nested.get(hit.ident, 0), hit.hits)
        rows.append((key, max(hit.time for hit in hits), tuple(sorted(proofs)), base + sum(nested.values())))
    return sorted(rows)


def pulses(rule: str, found: list[tuple]) -> list[Seen]:
    """A nested correlation's matches as the outer one sees them."""
    seen = []
    for number, (_, windows) in enumerate(found):
        hits = frozenset().union(*windows)
        for hit in hits:
            end = min(max(one.time for one in window) for window in windows if hit in window)
            so_far = [one for one in hits if one.time <= end]
            proves = frozenset().union(*(one.proves for one in so_far))
            seen.append(Seen(rule, end, (rule, number), hit.values, proves, len(so_far)))
    return seen


# --- the real thing --------------------------------------------------------------------------------------
def correlations(*sections: tuple[str, dict]) -> Correlations:
    rules = [parse_correlation({"title": name, "name": name, "correlation": one}) for name, one in sections]
    plans, problems = plan_correlations(rules, BASE)
    assert not problems
    return Correlations(plans)


def run(sections: list[tuple[str, dict]], hits: list[Hit], stops: list[int]) -> dict[str, list[tuple]]:
    """Matches of every correlation; at each of `stops` the state is written, read, and advanced as far as is true."""
    real, rows = correlations(*sections), {}
    found = []
    for place, hit in enumerate(hits):
        if place in stops:
            real.changes().fold_into(rows)
            if place % 3:
                again = correlations(*sections)
                gone = again.restore_rows(rows) if place % 3 == 1 else again.restore(real.snapshot())
                assert gone == ()
                real = again
            found += real.advance(min(one.time for one in hits[place:]))
        real.add(hit)
    found += real.advance(END_OF_TIME)
    assert real.late == 0
    assert (real._load.hits, real._load.size) == (0, 0)
    rows: dict[str, list[tuple]] = {name: [] for name, _ in sections}
    for match in found:
        key = tuple(value.casefold() for value in match.hit.values.values())
        events = tuple(sorted((one.event_id.stream, one.event_id.seq) for one in match.hit.evidence))
        rows[match.plan.ref].append((key, match.hit.time // TICK, events, match.hit.count))
    return {name: sorted(one) for name, one in rows.items()}


GROUPS = st.sampled_from(["x", "X", "y", None])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 60), st.sampled_from("pq"), st.integers(0, 30), GROUPS,
        st.sampled_from([1, 2, 5, -3, 0.5, "word", "WORD", None]),
    ),
    max_size=14,
)  # fmt: skip
ORDERS = st.tuples(st.randoms(use_true_random=False), st.sets(st.integers(0, 20), max_size=4))
COUNTS = st.one_of(
    st.tuples(st.sampled_from(["gt", "gte"]), st.integers(0, 4)).map(lambda one: dict([one])),
    st.tuples(st.sampled_from(["lt", "lte"]), st.integers(2, 4)).map(lambda one: dict([one])),
    st.tuples(st.sampled_from(["eq", "neq"]), st.integers(1, 3)).map(lambda one: dict([one])),
    st.tuples(st.integers(1, 2), st.integers(2, 4)).map(lambda one: {"gte": one[0], "lte": one[1]}),
)


def world(events: list[tuple]) -> tuple[list[Hit], list[Seen]]:
    """The hits, each event's time and values being the same wherever it is hit."""
    first: dict[tuple, tuple] = {}
    hits, seen = [], []
    for rule, time, stream, seq, group, value in events:
        moment, *given = first.setdefault((stream, seq), (time, group, value))
        values = {name: one for name, one in zip("gv", given, strict=True) if one is not None}
        hits.append(hit_of(rule, moment, (stream, seq), values))
        seen.append(Seen(rule, moment, (stream, seq), Frozen(values), frozenset({(stream, seq)})))
    return hits, seen


class Frozen(dict):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self)))


def check(section: dict, events: list[tuple], orders: tuple) -> None:
    hits, seen = world(events)
    expected = told(oracle(section, seen))
    mixed, stops = list(hits), orders[1]
    assert run([("one", section)], sorted(hits, key=lambda hit: hit.time), [])["one"] == expected
    ordered = sorted(hits, key=lambda hit: hit.time)
    assert run([("one", section)], ordered, list(range(len(hits))))["one"] == expected
    orders[0].shuffle(mixed)
    mixed += mixed[: len(mixed) // 2]
    assert run([("one", section)], mixed, list(stops))["one"] == expected


def section_of(kind: str, condition: Any, rules: str = "ab", span: int = 5, group: bool = True) -> dict:
    section = {"type": kind, "rules": list(rules), "timespan": f"{span}s"}
    if condition is not None:
        section["condition"] = condition
    if group:
        section["group-by"] = ["g"]
    return section


SPANS = st.integers(1, 6)


@settings(max_examples=80)
@given(EVENTS, ORDERS, COUNTS, SPANS, st.booleans())
def test_event_count(events, orders, condition, span, group):
    check(section_of("event_count", condition, span=span, group=group), events, orders)


@settings(max_examples=80)
@given(EVENTS, ORDERS, COUNTS, SPANS)
def test_value_count(events, orders, condition, span):
    check(section_of("value_count", {**condition, "field": "v"}, span=span), events, orders)


@settings(max_examples=80)
@given(
    EVENTS, ORDERS, st.sampled_from([None, {"gte": 2}, {"gt": 1}, {"eq": 1}, {"lt": 3}, {"neq": 2}]), SPANS
)
def test_temporal(events, orders, condition, span):
    check(section_of("temporal", condition, "abc", span), events, orders)


@settings(max_examples=150)
@given(
    EVENTS,
    ORDERS,
    st.sampled_from([None, {"gte": 2}, {"gt": 2}, {"eq": 2}, {"lt": 3}]),
    SPANS,
    st.permutations("abc"),
)
def test_temporal_ordered(events, orders, condition, span, rules):
    check(section_of("temporal_ordered", condition, "".join(rules), span), events, orders)


@settings(max_examples=120)
@given(
    EVENTS, ORDERS, SPANS, st.sampled_from(["temporal", "temporal_ordered"]),
    st.sampled_from([
        "a and b and c", "a and not b and c", "a or b and c", "(a or b) and not c", "a and (b or c)", "not a and b and c",
    ]),
)  # fmt: skip
def test_extended(events, orders, span, kind, condition):
    check(section_of(kind, condition, "abc", span), events, orders)


@settings(max_examples=150)
@given(
    EVENTS, ORDERS, SPANS, st.sampled_from(["value_sum", "value_avg", "value_median", "value_percentile"]),
    st.sampled_from(sorted(TESTS)), st.sampled_from([0, 1, 2, 3.5, 5]), st.sampled_from([0, 25, 90, 100]),
)  # fmt: skip
def test_metrics(events, orders, span, kind, test, bound, percentile):  # noqa: PLR0917  Hypothesis fills them in
    condition = {test: bound, "field": "v"}
    if kind == "value_percentile":
        condition["percentile"] = percentile
    check(section_of(kind, condition, span=span), events, orders)


INNERS = st.sampled_from([
    section_of("event_count", {"gte": 2}, "a", 4),
    section_of("event_count", {"gte": 2}, "ab", 4, group=False),
    section_of("event_count", {"gte": 1, "lte": 2}, "ab", 4),
    section_of("temporal", None, "ab", 4),
    section_of("value_count", {"gte": 2, "field": "v"}, "ab", 4, group=False),
])  # fmt: skip


@settings(max_examples=150)
@given(EVENTS, ORDERS, INNERS, st.sampled_from(["temporal", "temporal_ordered", "event_count"]), SPANS)
def test_nested(events, orders, inner, kind, span):
    hits, seen = world(events)
    outer = section_of(kind, {"gte": 2}, "", span) | {"rules": ["inner", "c"]}
    inside = oracle(inner, seen)
    within = [hit for hit in seen if hit.rule in outer["rules"]] + pulses("inner", inside)
    expected = {"inner": told(inside), "outer": told(oracle(outer, within))}
    orders[0].shuffle(hits)
    sections = [("outer", outer), ("inner", inner)]
    assert run(sections, hits, []) == expected
    assert run(sections, sorted(hits, key=lambda hit: hit.time), list(range(len(hits)))) == expected
