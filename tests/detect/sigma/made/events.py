"""Events aimed at rules: made so that a condition holds, or would hold but for one value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st
from tests.detect.sigma.made.rules import TEXT_FIELDS
from tests.detect.sigma.made.values import (
    CHANNEL_VALUES,
    EVENT_ID_VALUES,
    FILLS,
    ODD,
    holding,
    missing_by_little,
    near,
    recased,
)

from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not
from tocsin.records.event import Event, Logsource

Goal = tuple[Leaf, bool]
"""A question, and whether the event shall meet it."""

_TEXT_OPS = frozenset({"equals", "startswith", "endswith", "contains", "glob"})
_OTHER = (
    Logsource("windows", None, "sysmon"),
    Logsource("windows", "network_connection"),
    Logsource("linux"),
)
_KEYWORD_FIELDS = ("Image", "message", "Data", "deep")


@st.composite
def events(draw: st.DrawFn, rules: Sequence[CompiledRule]) -> Event:
    """An event aimed at one of `rules`, with a few fields that no one asked for."""
    rule = draw(st.sampled_from(rules))
    goals = list(_goals(draw, rule.condition, want=True))
    if goals and draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(goals) - 1))
        goals[place] = (goals[place][0], not goals[place][1])
    fields: dict[str, Any] = {}
    for name in dict.fromkeys(leaf.field for leaf, _ in goals):
        asked = [goal for goal in goals if goal[0].field == name]
        value = _value(draw, asked)
        if name is None and isinstance(value, str) and draw(st.integers(0, 3)) == 0:
            fields["before"], value = value[: len(value) // 2], value[len(value) // 2 :]
        _place(draw, fields, name or draw(st.sampled_from(_KEYWORD_FIELDS)), value)
    for leaf, want in goals:
        if leaf.op == "fieldref" and want:
            _refer(draw, fields, leaf)
    for _ in range(draw(st.integers(0, 2))):
        fields.setdefault(
            draw(st.sampled_from((*TEXT_FIELDS, "image", "ThreatName "))), draw(st.sampled_from(ODD))
        )
    if draw(st.integers(0, 2)):
        fields.setdefault("EventID", draw(EVENT_ID_VALUES))
        fields.setdefault("Channel", draw(CHANNEL_VALUES))
    return made_event(fields, _logsources(draw, rule.logsource))


def made_event(fields: dict[str, Any], logsources: frozenset[Logsource]) -> Event:
    """An event of `fields`; its id is given when it takes its place in a world."""
    return Event("made", 0, 0, 0, logsources, fields, "", "made.json", "json")


def _goals(draw: st.DrawFn, node: Node, *, want: bool) -> Iterator[Goal]:
    """Questions that, met as wanted, make `node` true (or false)."""
    if isinstance(node, Leaf):
        yield node, want
    elif isinstance(node, Not):
        yield from _goals(draw, node.node, want=not want)
    elif isinstance(node, AllOf if want else AnyOf):
        for child in node.nodes[:6]:
            yield from _goals(draw, child, want=want)
    else:
        yield from _goals(draw, draw(st.sampled_from(node.nodes)), want=want)


def _value(draw: st.DrawFn, goals: Sequence[Goal]) -> Any:
    """A value for one field: what its questions look for, together in one text or as a list of values."""
    wanted = [leaf for leaf, want in goals if want]
    if not wanted:
        return draw(_unwanted(goals[0][0]))
    texts = [leaf for leaf in wanted if leaf.op in _TEXT_OPS]
    others = [draw(near(leaf)) for leaf in wanted if leaf.op not in _TEXT_OPS]
    values = [*others, *_texts(draw, texts)]
    way = draw(st.integers(0, 7))
    if len(values) == 1 and way > 1:
        return values[0]
    if way == 0 and isinstance(values[-1], str):  # cut over two elements: no pattern reaches across
        half = len(values[-1]) // 2
        values[-1:] = [values[-1][:half], values[-1][half:]]
    return [*values, *draw(st.sampled_from(((), (None,), ("x", 1), ({"b": "a"},), ([],))))]


def _unwanted(leaf: Leaf) -> st.SearchStrategy[Any]:
    """A value that misses `leaf`, mostly by little; `_MISSING` for no such field."""
    if leaf.op in _TEXT_OPS:
        return st.just(_MISSING) | holding(leaf).flatmap(missing_by_little) | st.sampled_from(ODD)
    return st.just(_MISSING) | near(leaf)


_MISSING = object()
_SPACED = {"EventID": "Event ID", "Channel": "Chan nel", "CommandLine": "Command Line", "a.b": "a. b"}


def _texts(draw: st.DrawFn, leaves: Sequence[Leaf]) -> list[str]:
    """One text that holds what all of `leaves` ask for, or a text for each."""
    if not leaves:
        return []
    if len(leaves) > 1 and draw(st.booleans()):
        ordered = sorted(
            leaves, key=lambda leaf: ("startswith", "contains", "glob", "equals", "endswith").index(leaf.op)
        )
        fill = draw(st.sampled_from(FILLS))
        whole = fill.join(_core(draw, leaf) for leaf in ordered)
        return [whole]
    return [draw(_held(leaf)) for leaf in leaves]


def _core(draw: st.DrawFn, leaf: Leaf) -> str:
    return draw(holding(leaf)) if leaf.op == "glob" else str(leaf.value)


@st.composite
def _held(draw: st.DrawFn, leaf: Leaf) -> str:
    text = draw(holding(leaf))
    way = draw(st.integers(0, 5))
    if way == 0:
        return draw(missing_by_little(text))
    return text if leaf.cased and way > 1 else draw(recased(text))


def _place(draw: st.DrawFn, fields: dict[str, Any], name: str, value: Any) -> None:
    """Puts `value` where a rule that says `name` finds it: under the name, in an object, or with a space in its name."""
    if value is _MISSING:
        return
    if name == "ThreatName" and draw(st.booleans()):
        name = draw(st.sampled_from(("Threat Name", "Threat  Name", " ThreatName")))
    if name in _SPACED and draw(st.integers(0, 11)) == 0:
        name = _SPACED[name]
    parts = name.split(".")
    way = draw(st.integers(0, 4)) if len(parts) > 1 else 0
    if way == 0:
        fields[name] = value if draw(st.integers(0, 19)) else draw(st.sampled_from(ODD))
        return
    cut = 1 if way < 4 else len(parts) - 1
    outer, inner = ".".join(parts[:cut]), parts[cut:]
    nested = {".".join(inner): value} if way == 2 else _nested(inner, value)
    if way == 3:
        nested = [{"c": 1}, nested, "x"]
    fields[outer] = nested


def _nested(parts: Sequence[str], value: Any) -> Any:
    for part in reversed(parts):
        value = {part: value}
    return value


def _refer(draw: st.DrawFn, fields: dict[str, Any], leaf: Leaf) -> None:
    """Values for a field and the one that it is compared with."""
    other, relation = leaf.value
    text = draw(st.sampled_from(("ab", "İ", "Straße", "ΑΣ", "1", 1, True, "", None, ["a", "ab"])))
    fields[other] = text
    whole = text
    if isinstance(text, str):
        ways = {"startswith": text + "x", "endswith": "x" + text, "contains": f"x{text}x"}
        whole = draw(recased(ways.get(relation, text)))
    if leaf.field is not None and leaf.field != other:
        fields[leaf.field] = whole


def _logsources(draw: st.DrawFn, wanted: Logsource) -> frozenset[Logsource]:
    """Logsources that satisfy `wanted`, alone or among others; now and then they do not."""
    whole = Logsource(wanted.product or "windows", wanted.category, wanted.service)
    way = draw(st.integers(0, 9))
    if way == 0:
        return frozenset(draw(st.sets(st.sampled_from(_OTHER), max_size=2)))
    both = Logsource(whole.product, "process_creation", "sysmon")
    more = {1: {both}, 2: {both, _OTHER[0]}, 3: set(_OTHER), 4: {Logsource("windows", "process_creation")}}
    return frozenset({whole} | more.get(way, set()))
