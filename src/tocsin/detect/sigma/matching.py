"""Predicates over an event: a condition tree compiled to closures.

Every predicate is a pure function of the event. The exception is time: an expression that takes longer than
`bounds.REGEX_SECONDS` raises `TimeoutError`, and the caller then knows nothing about the event, neither yes nor no.

What the specification leaves open, decided here:

- Text is compared by `str.lower()`; wildcards span line ends.
- `re` searches anywhere in the value (PCRE's way), is case-sensitive unless `i`, and sees numbers and booleans as text.
- A number in a rule equals a number, or text that is that decimal number: 4688 equals '4688'. A boolean is no number.
- `null` matches a missing field, a null and an empty list; never the empty string. `exists` asks only for the field.
- A comparison of a field that is missing or no number is false.
- `cidr` takes an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) for the IPv4 address that it is.
- `fieldref` matches where any value of one field equals any of the other; a missing or null field matches nothing.
- Time parts are read as written, with no change of zone; a number is taken as seconds, milliseconds or microseconds
  since 1970 by its size, in UTC.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import regex

from tocsin.detect.sigma.fields import EventView, number_of
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Wild
from tocsin.records.instants import to_datetime

Predicate = Callable[[EventView], bool]

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}
_TEXT_OPS = frozenset({"equals", "startswith", "endswith", "contains"})
_COSTS = {"glob": 3, "fieldref": 3, "cidr": 4, "timepart": 4, "regex": 20}
_KEYWORD_COST = 30


def predicate(node: Node) -> Predicate:
    """The predicate that `node` describes.

    Raises:
        regex.error: an expression does not compile.
    """
    if isinstance(node, Leaf):
        return _leaf(node)
    if isinstance(node, Not):
        negated = predicate(node.node)
        return lambda view: not negated(view)
    if isinstance(node, AllOf):
        return _all_of([predicate(child) for child in sorted(node.nodes, key=_cost)])
    return _any_of(node)


def _cost(node: Node) -> int:
    """A rough order of what is cheap to ask; the result of AND and OR does not depend on order."""
    if isinstance(node, Leaf):
        return _COSTS.get(node.op, 1) * (_KEYWORD_COST if node.field is None else 1)
    if isinstance(node, Not):
        return _cost(node.node)
    return sum(map(_cost, node.nodes))


def _all_of(tests: Sequence[Predicate]) -> Predicate:
    if len(tests) == 2:
        first, second = tests
        return lambda view: first(view) and second(view)

    def every(view: EventView) -> bool:
        for test in tests:  # noqa: SIM110  a loop costs half of all() over a generator, and this is the hot path
            if not test(view):
                return False
        return True

    return every


def _any_of(node: AnyOf) -> Predicate:
    """Text tests of one kind on one field become one test over all of their values."""
    grouped: dict[tuple[str | None, str, bool], list[str]] = {}
    others: list[Node] = []
    for child in node.nodes:
        if isinstance(child, Leaf) and child.op in _TEXT_OPS:
            grouped.setdefault((child.field, child.op, child.cased), []).append(child.value)
        else:
            others.append(child)
    tests = [_text(field, op, tuple(values), cased) for (field, op, cased), values in grouped.items()]
    tests += [predicate(child) for child in sorted(others, key=_cost)]
    if len(tests) == 1:
        return tests[0]

    def some(view: EventView) -> bool:
        for test in tests:  # noqa: SIM110  as in _all_of
            if test(view):
                return True
        return False

    return some


def _leaf(leaf: Leaf) -> Predicate:
    if leaf.op in _TEXT_OPS:
        return _text(leaf.field, leaf.op, (leaf.value,), leaf.cased)
    if leaf.op in {"glob", "regex"}:
        return _expression(leaf)
    return _OTHER_OPS[leaf.op](leaf.field, leaf.value)


def _text(field: str | None, op: str, wanted: tuple[str, ...], cased: bool) -> Predicate:  # noqa: FBT001
    """Any value of `field` that equals, begins with, ends in or holds any of `wanted`."""
    if op == "equals":
        return _equals(field, frozenset(wanted), cased=cased)
    if op == "contains":
        return _contains(field, wanted, cased=cased)
    begins = op == "startswith"

    def edge(view: EventView) -> bool:
        for text in (view.texts if cased else view.lowered)[field]:
            if text.startswith(wanted) if begins else text.endswith(wanted):
                return True
        return False

    return edge


def _equals(field: str | None, wanted: frozenset[str], *, cased: bool) -> Predicate:
    def equals(view: EventView) -> bool:
        for text in (view.texts if cased else view.lowered)[field]:  # noqa: SIM110  as in _all_of
            if text in wanted:
                return True
        return False

    return equals


def _contains(field: str | None, wanted: tuple[str, ...], *, cased: bool) -> Predicate:
    def contains(view: EventView) -> bool:
        for text in (view.texts if cased else view.lowered)[field]:
            for part in wanted:
                if part in text:
                    return True
        return False

    return contains


def glob_pattern(parts: Sequence[str | Wild]) -> str:
    """`parts` as an expression for `fullmatch` that never backtracks past a `*`.

    Between two `*` the leftmost place is as good as any, so each such part is atomic and time stays linear per part.
    """
    segments: list[str] = [""]
    for part in parts:
        if part is Wild.MANY:
            segments.append("")
        else:
            segments[-1] += "." if part is Wild.ONE else regex.escape(str(part))
    if len(segments) == 1:
        return segments[0]
    first, *middle, last = segments
    return first + "".join(f"(?>.*?{segment})" for segment in middle if segment) + ".*" + last


def _expression(leaf: Leaf) -> Predicate:
    field = leaf.field
    if leaf.op == "glob":
        find = _compiled(glob_pattern(leaf.value), regex.DOTALL).fullmatch
    else:
        pattern, flags = leaf.value
        find = compile_regex(pattern, flags).search
    exact = leaf.cased or leaf.op == "regex"

    def expression(view: EventView) -> bool:
        for text in (view.texts if exact else view.lowered)[field]:
            if find(text, timeout=view.allowance()):
                return True
        return False

    return expression


def compile_regex(pattern: str, flags: str = "") -> regex.Pattern[str]:
    """`pattern` compiled, `flags` being letters out of `ims`.

    Raises:
        regex.error: it does not compile.
    """
    bits = regex.VERSION0
    for letter in flags:
        bits |= _FLAGS[letter]
    return _compiled(pattern, bits)


def _compiled(pattern: str, bits: int) -> regex.Pattern[str]:
    # Who asks keeps it; regex's own store would hold texts of hostile rules, and empties itself by the global random.
    return regex.compile(pattern, bits, cache_pattern=False)


def _number(field: str | None, wanted: float) -> Predicate:
    return lambda view: wanted in view.numbers[field]


def _compare(field: str | None, wanted: tuple[str, float]) -> Predicate:
    name, bound = wanted
    holds = OPERATORS[name]
    return lambda view: any(holds(number, bound) for number in view.numbers[field])


def _cidr(field: str | None, network: IPv4Network | IPv6Network) -> Predicate:
    def inside(view: EventView) -> bool:
        return any(
            address in network for text in view.texts[field] if (address := address_of(text)) is not None
        )

    return inside


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that `text` writes, an IPv4-mapped one as IPv4; None where it writes none."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _null(field: str | None, _value: None) -> Predicate:
    def null(view: EventView) -> bool:
        values = view.values[field]
        return not values or None in values

    return null


def _exists(field: str | None, wanted: bool) -> Predicate:  # noqa: FBT001
    return lambda view: (view.values[field] is not None) is wanted


_RELATIONS: dict[str, Callable[[str, str], bool]] = {
    "equals": operator.eq,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}


def _fieldref(field: str | None, wanted: tuple[str, str]) -> Predicate:
    other, relation = wanted
    holds = _RELATIONS[relation]

    def refers(view: EventView) -> bool:
        return any(holds(text, to) for text in view.lowered[field] for to in view.lowered[other])

    return refers


def _timepart(field: str | None, wanted: tuple[str, str, int]) -> Predicate:
    part, name, bound = wanted
    holds, read = OPERATORS[name], TIME_PARTS[part]

    def timed(view: EventView) -> bool:
        moments = (moment_of(value) for value in view.values[field] or ())
        return any(holds(read(moment), bound) for moment in moments if moment is not None)

    return timed


TIME_PARTS: dict[str, Callable[[datetime], int]] = {
    "minute": lambda moment: moment.minute,
    "hour": lambda moment: moment.hour,
    "day": lambda moment: moment.day,
    "week": lambda moment: moment.isocalendar().week,
    "month": lambda moment: moment.month,
    "year": lambda moment: moment.year,
}


def moment_of(value: Any) -> datetime | None:
    """The date and time that `value` writes, in the zone that it is written in; None where it writes none."""
    number = number_of(value)
    if number is not None:
        scale = 1_000_000 if abs(number) < 1e11 else 1_000 if abs(number) < 1e14 else 1
        return to_datetime(int(number * scale)).astimezone(UTC) if abs(number) < 1e17 else None
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


_OTHER_OPS: dict[str, Callable[[str | None, Any], Predicate]] = {
    "number": _number,
    "compare": _compare,
    "cidr": _cidr,
    "null": _null,
    "exists": _exists,
    "fieldref": _fieldref,
    "timepart": _timepart,
}
