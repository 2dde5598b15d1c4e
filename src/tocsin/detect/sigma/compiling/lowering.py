"""pySigma's postprocessed condition tree → our condition tree (`tree.py`), placeholders filled in.

Sigma specification 2.1, "Detection" and "Condition", and its modifiers appendix; pySigma 2 applies the modifiers that
change values, this module gives the resulting types their meaning.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import regex
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from tocsin.config import bounds
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Op, Wild

Part = str | Wild
Placeholders = Mapping[str, Sequence[str]]


class Unsupported(ValueError):  # noqa: N818  it is an answer about a rule, not a failure of ours
    """A rule asks for what cannot be run; the message says what to do."""


_WILDS = {SpecialChars.WILDCARD_MULTI: Wild.MANY, SpecialChars.WILDCARD_SINGLE: Wild.ONE}
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_OPERATORS = {operator: operator.name.lower() for operator in CompareOperators}


def lower_condition(condition: Any, placeholders: Placeholders) -> Node:
    """The tree of one parsed and postprocessed condition.

    Raises:
        Unsupported: it holds something that cannot be run.
    """
    if isinstance(condition, ConditionFieldEqualsValueExpression):
        return _value(condition.field, condition.value, placeholders)
    if isinstance(condition, ConditionValueExpression):
        return _value(None, condition.value, placeholders)
    if isinstance(condition, ConditionNOT):
        return Not(lower_condition(condition.args[0], placeholders))
    if isinstance(condition, ConditionAND | ConditionOR):
        nodes = tuple(lower_condition(arg, placeholders) for arg in condition.args)
        return all_of(nodes) if isinstance(condition, ConditionAND) else any_of(nodes)
    raise Unsupported("its condition asks for nothing: name a selection in it")


def all_of(nodes: Sequence[Node]) -> Node:
    """AND, without a wrapper around one node."""
    return nodes[0] if len(nodes) == 1 else AllOf(tuple(nodes))


def any_of(nodes: Sequence[Node]) -> Node:
    """OR, flattened, without a wrapper around one node."""
    flat = [inner for node in nodes for inner in (node.nodes if isinstance(node, AnyOf) else (node,))]
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _value(field: str | None, value: Any, placeholders: Placeholders) -> Node:
    for kind, lower in _LOWERINGS:
        if isinstance(value, kind):
            return lower(field, value, placeholders)
    raise Unsupported(
        f"holds a value of type {type(value).__name__}, which cannot be run: use another modifier"
    )


def _string(field: str | None, value: SigmaString, placeholders: Placeholders) -> Node:
    cased = isinstance(value, SigmaCasedString)
    return any_of([_pattern(field, parts, cased=cased) for parts in _filled(value, placeholders)])


def _pattern(field: str | None, parts: Iterable[Part], *, cased: bool) -> Leaf:
    """One text with wildcards; a keyword stands anywhere in a value, as if in `*`."""
    if field is None:
        parts = [Wild.MANY, *parts, Wild.MANY]
    merged = _merged(part if isinstance(part, Wild) or cased else part.lower() for part in parts)
    op, operand = _simplest(merged)
    return Leaf(field, op, operand, cased)


def _merged(parts: Iterable[Part]) -> list[Part]:
    """`parts` with neighbouring texts joined and neighbouring `*` made one."""
    merged: list[Part] = []
    for part in parts:
        if part is Wild.MANY and merged and merged[-1] is Wild.MANY:
            continue
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged


def _simplest(parts: Sequence[Part]) -> tuple[Op, Any]:
    """The plainest question that `parts` ask: most patterns are a text with `*` on one side or both."""
    texts = [part for part in parts if isinstance(part, str)]
    if Wild.ONE in parts or len(texts) > 1:
        return "glob", tuple(parts)
    text = texts[0] if texts else ""
    opens, closes = parts[:1] == [Wild.MANY], parts[-1:] == [Wild.MANY]
    ops: dict[tuple[bool, bool], Op] = {
        (False, False): "equals",
        (False, True): "startswith",
        (True, False): "endswith",
        (True, True): "contains",
    }
    return ops[opens, closes], text


def _filled(value: SigmaString, placeholders: Placeholders) -> Iterator[list[Part]]:
    """`value` in parts, once for each combination of its placeholders' values, which may hold wildcards."""
    choices: list[list[list[Part]]] = []
    for part in value.s:
        if isinstance(part, Placeholder):
            choices.append([_parts(SigmaString(text)) for text in _values_of(part, placeholders)])
        else:
            choices.append([[part if isinstance(part, str) else _WILDS[part]]])
    return ([part for choice in chosen for part in choice] for chosen in _combined(choices))


def _parts(value: SigmaString) -> list[Part]:
    return [_WILDS[part] if isinstance(part, SpecialChars) else str(part) for part in value.s]


def _values_of(placeholder: Placeholder, placeholders: Placeholders) -> Sequence[str]:
    values = placeholders.get(placeholder.name)
    if not values:
        raise Unsupported(
            f"uses |expand with the placeholder %{placeholder.name}%, which has no values: "
            "add it to a placeholder file and pass --placeholders"
        )
    return values


def _combined(choices: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    combinations = math.prod(map(len, choices))
    if combinations > bounds.PLACEHOLDER_COMBINATIONS:
        raise Unsupported(
            f"one value with placeholders expands to {combinations} values, more than "
            f"{bounds.PLACEHOLDER_COMBINATIONS}: use fewer placeholders in it"
        )
    return itertools.product(*choices)


def _regex(field: str | None, value: SigmaRegularExpression, placeholders: Placeholders) -> Node:
    """The expression, placeholders filled in as literal text."""
    flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    choices = [
        [regex.escape(text) for text in _values_of(part, placeholders)]
        if isinstance(part, Placeholder)
        else [part if isinstance(part, str) else _WILDS[part].value]
        for part in value.regexp.s
    ]
    return any_of(
        [Leaf(field, "regex", ("".join(chosen), flags), cased=True) for chosen in _combined(choices)]
    )


def _number(field: str | None, value: SigmaNumber, _placeholders: Placeholders) -> Node:
    if field is None:
        return Leaf(None, "contains", str(value.number).lower())
    return Leaf(field, "number", value.number)


def _bool(field: str | None, value: SigmaBool, _placeholders: Placeholders) -> Node:
    return Leaf(field, "contains" if field is None else "equals", "true" if value.boolean else "false")


def _compare(field: str | None, value: SigmaCompareExpression, _placeholders: Placeholders) -> Node:
    name = _OPERATORS[value.op]
    number = value.number
    if isinstance(number, SigmaTimestampPart):
        return Leaf(_named(field), "timepart", (number.timestamp_part.name.lower(), name, number.number))
    return Leaf(_named(field), "compare", (name, number.number))


def _timepart(field: str | None, value: SigmaTimestampPart, _placeholders: Placeholders) -> Node:
    return Leaf(_named(field), "timepart", (value.timestamp_part.name.lower(), "eq", value.number))


def _fieldref(field: str | None, value: SigmaFieldReference, _placeholders: Placeholders) -> Node:
    relation = {
        (False, False): "equals",
        (True, False): "startswith",
        (False, True): "endswith",
        (True, True): "contains",
    }[value.starts_with, value.ends_with]
    return Leaf(_named(field), "fieldref", (value.field, relation))


def _expansion(field: str | None, value: SigmaExpansion, placeholders: Placeholders) -> Node:
    """What a modifier such as windash made of one value: any of them, also inside `|all`."""
    return any_of([_value(field, inner, placeholders) for inner in value.values])


def _cidr(field: str | None, value: SigmaCIDRExpression, _placeholders: Placeholders) -> Node:
    return Leaf(field, "cidr", value.network)


def _null(field: str | None, _value: SigmaNull, _placeholders: Placeholders) -> Node:
    return Leaf(_named(field), "null", None)


def _exists(field: str | None, value: SigmaExists, _placeholders: Placeholders) -> Node:
    return Leaf(_named(field), "exists", value.exists)


def _named(field: str | None) -> str:
    if field is None:
        raise Unsupported(
            "compares a keyword in a way that needs a field: name the field before the modifier"
        )
    return field


# In this order: a time part is a kind of number to pySigma.
_LOWERINGS: tuple[tuple[type, Callable[[str | None, Any, Placeholders], Node]], ...] = (
    (SigmaString, _string),
    (SigmaTimestampPart, _timepart),
    (SigmaNumber, _number),
    (SigmaBool, _bool),
    (SigmaNull, _null),
    (SigmaExists, _exists),
    (SigmaRegularExpression, _regex),
    (SigmaCompareExpression, _compare),
    (SigmaCIDRExpression, _cidr),
    (SigmaFieldReference, _fieldref),
    (SigmaExpansion, _expansion),
)
