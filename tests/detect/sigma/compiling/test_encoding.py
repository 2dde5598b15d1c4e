"""What was parsed comes out of its bytes as it went in; what is no such bytes is told, whatever it is."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.detect.sigma.compiling.assembly import assemble
from tocsin.detect.sigma.compiling.condition_encoding import (
    decode_condition,
    encode_condition,
    number_from,
    plain_number,
)
from tocsin.detect.sigma.compiling.encoding import Kept, decode, encode
from tocsin.detect.sigma.compiling.file_parsing import Given, parse_file
from tocsin.detect.sigma.compiling.parsed import ParsedFile, ParsedRule
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import RuleSet, RuleText
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Wild, fields_of
from tocsin.engine.rule_files import rule_texts, starter_texts
from tocsin.records.errors import OperatorError

# --- conditions ------------------------------------------------------------------------------------------
_TEXT = st.text(max_size=6)
_FIELD = st.sampled_from(["Image", "a.b", "Threat Name", "ä", ""])
_NUMBER = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.sampled_from([2**63, -(2**63) - 1])
_OPERATOR = st.sampled_from(["lt", "lte", "gt", "gte", "neq"])
_VALUES = {
    **dict.fromkeys(("equals", "startswith", "endswith", "contains"), _TEXT),
    "glob": st.lists(_TEXT | st.sampled_from(Wild), max_size=4).map(tuple),
    "regex": st.tuples(_TEXT, st.sampled_from(["", "i", "ims"])),
    "cidr": st.builds(lambda n, bits: IPv4Network((n, bits), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32))
    | st.builds(lambda n, bits: IPv6Network((n, bits), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)),
    "number": _NUMBER,
    "compare": st.tuples(_OPERATOR, _NUMBER),
    "timepart": st.tuples(st.sampled_from(["minute", "week"]), _OPERATOR | st.just("eq"), st.integers(0, 2**70)),
    "fieldref": st.tuples(_FIELD, st.sampled_from(["equals", "contains"])),
    "null": st.none(),
    "exists": st.booleans(),
}  # fmt: skip
_LEAF = st.sampled_from(sorted(_VALUES)).flatmap(
    lambda op: st.builds(Leaf, st.none() | _FIELD, st.just(op), _VALUES[op], st.booleans())
)
_NODE = st.recursive(
    _LEAF,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=4).map(lambda nodes: AllOf(tuple(nodes)))
        | st.lists(inner, max_size=4).map(lambda nodes: AnyOf(tuple(nodes)))
    ),
    max_leaves=12,
)


def typed(node: Node) -> str:
    """The tree in letters: unlike equality, they tell 1 from 1.0."""
    return repr(node)


@settings(max_examples=200)
@given(_NODE)
def test_a_condition_comes_back_as_it_was(node: Node) -> None:
    names = sorted(fields_of(node))
    found = decode_condition(encode_condition(node, names), names)
    assert found == node
    assert typed(found) == typed(node)


@given(_NUMBER)
def test_a_number_keeps_its_type_and_every_digit(number: float) -> None:
    found = number_from(msgspec.msgpack.decode(msgspec.msgpack.encode(plain_number(number))))
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    "plain",
    [
        None, 5, "x", {}, [], [0], [0, 0], [0, 0, "a", 1], [0, 0, 5], [0, 9, "a"], [0, -1, "a"], [0, True, "a"],
        [0, "Image", "a"], [99, 0, "a"], ["a", 0, "a"], [-4, [0, 0, "a"]], [-3], [-3, [0, 0, "a"], [0, 0, "a"]], [-1, 5],
        [8, 0, "no list of parts"], [8, 0, [2]], [10, 0, ["a"]], [10, 0, ["a", "x"]], [10, 0, [5, "i"]], [12, 0, "here"], [12, 0, 5],
        [14, 0, "not hexadecimal"], [14, 0, True], [14, 0, None], [16, 0, ["near", 5]], [16, 0, ["lt"]], [18, 0, ["second", "eq", 5]],
        [20, 0, [9, "equals"]], [20, 0, [0, "near"]], [22, 0, 0], [24, 0, 1],
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_condition(msgspec.msgpack.encode(plain), ["Image"])


def test_depth_is_refused_not_followed() -> None:
    deep = b"\x92\xfd" * 200_000 + b"\x93\x00\x00\xa1a"
    with pytest.raises(ValueError, match="no condition"):
        decode_condition(deep, ["Image"])


# --- files -----------------------------------------------------------------------------------------------
MIXED = (
    """
    title: One
    id: 11111111-1111-1111-1111-111111111111
    name: one
    level: high
    tags: [attack.t1059.001, attack.execution]
    falsepositives: [None known]
    logsource: {product: windows, category: process_creation}
    detection: {a: {Image|endswith: '\\x.exe', Port|gt: 99999999999999999999999}, b: [word, 'an*other'], condition: a or b}
    ---
    title: Broken
    id: 22222222-2222-2222-2222-222222222222
    logsource: {product: windows}
    detection: {a: {Image|re: '('}, condition: a}
    ---
    - no rule
    """,
    """
    title: Same id
    id: 11111111-1111-1111-1111-111111111111
    logsource: {product: linux}
    detection: {a: {b: c}, condition: a}
    ---
    title: Same id and broken
    id: 11111111-1111-1111-1111-111111111111
    logsource: {product: linux}
    ---
    title: Takes the id that a broken one did not
    id: 22222222-2222-2222-2222-222222222222
    name: two
    logsource: {product: linux}
    detection: {a: {b|expand: '%admins%'}, condition: a}
    ---
    title: Asks for what is not given
    logsource: {product: linux}
    detection: {a: {c|expand: '%nobody%x'}, condition: a}
    """,
    """
    action: global
    title: Shared
    id: 33333333-3333-3333-3333-333333333333
    detection: {condition: sel}
    ---
    logsource: {product: a}
    detection: {sel: {a|cidr: 10.0.0.0/8, b|fieldref: c, d: null, e|exists: false, f|hour: 5}}
    ---
    logsource: {product: b}
    detection: {sel: {b: 1}}
    """,
    """
    title: Not on the build servers
    logsource: {product: windows}
    filter: {rules: [one], selection: {Host|startswith: build}, condition: not selection}
    ---
    title: For none
    logsource: {product: windows}
    filter: {rules: any, selection: {Host: '%'}, condition: selection}
    ---
    title: For nobody
    logsource: {product: zeek}
    filter: {rules: any, selection: {Host: x}, condition: selection}
    """,
    """
    title: Many
    id: not-a-uuid
    correlation:
        {type: value_count, rules: [one, two], group-by: [User, who], timespan: 5m, condition: {gte: 3, lt: 9, field: Image},
         aliases: {who: {one: Image, two: b}}}
    ---
    title: Both
    correlation: {type: temporal, rules: [two, one], timespan: 1h, condition: one and not two, generate: true}
    ---
    title: Ranked
    correlation: {type: value_percentile, rules: one, timespan: 1h, condition: {gt: 2.5, field: Port, percentile: 95}}
    ---
    title: Too long
    correlation: {type: event_count, rules: one, timespan: 99999999999999999999999y, condition: {gte: 2}}
    ---
    title: Lost
    correlation: {type: event_count, rules: [nobody], timespan: 1h, condition: {gte: 2}}
    """,
)
TEXTS = [RuleText(f"file{n}.yml", textwrap.dedent(text)) for n, text in enumerate(MIXED)]
PLACEHOLDERS = {"admins": ("anna", "it*")}


def told(rules: RuleSet) -> tuple:
    """Everything that a rule set says."""
    return (
        [(r.meta, r.logsource, typed(r.condition), r.fields, r.keywords, r.filters) for r in rules.rules],
        rules.correlations, rules.filters, rules.problems, rules.templates, rules.documents,
    )  # fmt: skip


def kept(texts: list[RuleText]) -> RuleSet:
    return assemble([decode(encode(parse_file(text, PLACEHOLDERS)), text.path) for text in texts])


def test_files_come_back_as_they_were_with_all_that_joins_them() -> None:
    whole = load_rules(TEXTS, PLACEHOLDERS)
    assert len(whole.rules) == 4
    assert len(whole.correlations) == 3
    assert len(whole.filters) == 2
    assert told(kept(TEXTS)) == told(whole)


def test_every_starter_rule_and_every_tenth_public_one_comes_back(data) -> None:
    texts = [*starter_texts().texts, *rule_texts([data / "sigma"]).texts[::10]]
    assert told(kept(texts)) == told(load_rules(texts, PLACEHOLDERS))


@pytest.mark.parametrize(
    "change", [{"type": "guess"}, {"seconds": 0}, {"criteria": ()}, {"criteria": (("near", 1),)}]
)
def test_a_correlation_that_cannot_be_one_is_refused(change: dict) -> None:
    whole = parse_file(TEXTS[4], {})
    many = whole.documents[0]
    broken = replace(many, correlation=replace(many.correlation, **change))
    with pytest.raises(ValueError, match="its correlation"):
        decode(encode(replace(whole, documents=(broken,))), "x")


def test_a_condition_about_rules_that_are_not_named_is_refused() -> None:
    whole = parse_file(TEXTS[4], {})
    both = whole.documents[1]
    broken = replace(both, correlation=replace(both.correlation, references=("one",)))
    with pytest.raises(ValueError, match="rules that it does not name"):
        decode(encode(replace(whole, documents=(broken,))), "x")


def test_its_path_is_not_kept() -> None:
    file = decode(encode(parse_file(TEXTS[0], {})), "elsewhere.yml")
    assert file.path == "elsewhere.yml"
    assert {one.meta.path for one in file.documents if isinstance(one, ParsedRule)} == {"elsewhere.yml"}


def test_the_placeholders_that_were_asked_for_are_told() -> None:
    assert parse_file(TEXTS[0], PLACEHOLDERS).placeholders == ()
    assert parse_file(TEXTS[1], {}).placeholders == ("admins", "nobody")
    assert decode(encode(parse_file(TEXTS[1], PLACEHOLDERS)), "x").placeholders == ("admins", "nobody")


def test_a_condition_stays_bytes_until_it_is_asked_for() -> None:
    rule = kept(TEXTS[2:3]).rules[0]
    assert isinstance(rule.made, Kept)
    assert not {"condition", "matches"} & vars(rule).keys()
    assert rule.condition is rule.condition


def test_what_has_no_bytes_is_told() -> None:
    parsed = parse_file(TEXTS[2], {})
    deep: Node = Leaf("b", "equals", "x")
    for _ in range(5_000):
        deep = Not(deep)
    for node in (Leaf("b", "equals", "\ud800"), Leaf("b", "number", float("nan")), deep):
        rule = replace(parsed.documents[0], condition=Given(node), fields=frozenset("b"))
        with pytest.raises(ValueError, match=r".+"):
            encode(ParsedFile("x", (rule,)))


def test_a_condition_that_is_none_is_told_when_it_is_asked_for() -> None:
    broken = replace(parse_file(TEXTS[2], {}).documents[0], condition=Kept(b"\xc1", ()))
    with pytest.raises(OperatorError, match="cannot be read"):
        _ = assemble([ParsedFile("x", (broken,))]).rules[0].condition


@settings(max_examples=150)
@given(st.data())
def test_spoilt_bytes_are_refused_or_are_a_file(data: st.DataObject) -> None:
    whole = bytearray(encode(parse_file(data.draw(st.sampled_from(TEXTS)), PLACEHOLDERS)))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        rules = assemble([decode(bytes(whole[: data.draw(st.integers(1, len(whole)))]), "x")])
    except ValueError:
        return
    for rule in rules.rules:
        try:
            assert rule.condition
        except OperatorError as error:
            assert error.next_step  # noqa: PT017  most are sound
