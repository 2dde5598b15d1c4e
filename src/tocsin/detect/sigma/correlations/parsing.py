"""A correlation rule's YAML through pySigma to a `CorrelationRule`, which needs pySigma no more.

Read beyond pySigma 2.0.1's own parser, as the specification allows: several criteria in one condition (a range), and
`AND`, `OR`, `NOT` in capitals as the specification's own examples write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from tocsin.config.bounds import CORRELATION_TERMS
from tocsin.detect.sigma.correlations.conditions import OPERATORS, Term
from tocsin.detect.sigma.correlations.section import CorrelationRule, Expression

_CAPITALS = re.compile(r"\b(AND|OR|NOT)\b")


def parse_correlation(document: Mapping[str, Any]) -> CorrelationRule:
    """A correlation rule from its YAML `document`.

    Raises:
        sigma.exceptions.SigmaError: it is no correlation rule of the specification.
    """
    section = document.get("correlation")
    condition = section.get("condition") if isinstance(section, Mapping) else None
    if isinstance(condition, str):
        condition = _CAPITALS.sub(lambda word: word[0].lower(), condition)
    names = [name for name in condition if name in OPERATORS] if isinstance(condition, Mapping) else []
    parts = [{name: condition[name]} for name in names[1:]] if isinstance(condition, Mapping) else []
    if parts and isinstance(condition, Mapping):
        condition = {key: value for key, value in condition.items() if key not in names[1:]}
    if isinstance(section, Mapping) and condition is not None:
        document = {**document, "correlation": {**section, "condition": condition}}
    rule = SigmaCorrelationRule.from_dict(dict(document))
    return _lowered(rule, [SigmaCorrelationCondition.from_dict(part) for part in parts])


def _lowered(rule: SigmaCorrelationRule, further: Iterable[SigmaCorrelationCondition]) -> CorrelationRule:
    condition = rule.condition
    plain = condition if isinstance(condition, SigmaCorrelationCondition) else None
    references = _references(rule)
    return CorrelationRule(
        id=str(rule.id) if rule.id else None,
        name=rule.name,
        title=rule.title or "",
        type=rule.type.name.lower(),
        references=references,
        timespan=rule.timespan.spec,
        seconds=rule.timespan.seconds,
        group_by=tuple(rule.group_by or ()),
        aliases=_aliases(rule),
        criteria=tuple((one.op.name.lower(), one.count) for one in (plain, *further)) if plain else (),
        fields=_fields(plain.fieldref) if plain else (),
        percentile=plain.percentile if plain else None,
        expression=None if isinstance(condition, SigmaCorrelationCondition) else _expression(condition, references),
        generate=rule.generate,
    )  # fmt: skip


def _references(rule: SigmaCorrelationRule) -> tuple[str, ...]:
    if rule.rules is not None:
        return tuple(str(one.reference) for one in rule.rules)
    condition = rule.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        return tuple(condition.get_referenced_rules())
    return ()


def _aliases(rule: SigmaCorrelationRule) -> tuple[tuple[str, str, str | None], ...]:
    return tuple(
        (str(alias.alias), str(reference.reference), _text(name))
        for alias in rule.aliases
        for reference, name in alias.mapping.items()
    )


def _text(value: Any) -> str | None:
    """`value` where it is a text: pySigma takes any for one."""
    return value if isinstance(value, str) else None


def _fields(named: Any) -> tuple[str, ...]:
    """The condition's field or fields, "" for each that is no name."""
    every = named if isinstance(named, list) else [] if named is None else [named]
    return tuple(_text(name) or "" for name in every)


def _expression(condition: SigmaExtendedCorrelationCondition, references: Sequence[str]) -> Expression:
    numbers = {name: number for number, name in enumerate(references)}
    return Expression(condition.expression, _terms(condition.parsed, numbers))


_Pair = tuple[frozenset[int], frozenset[int]]


class _TooManyError(Exception):
    """More than `CORRELATION_TERMS` alternatives."""


def _terms(
    node: CorrelationConditionItem | SigmaRuleReference, numbers: Mapping[str, int]
) -> tuple[Term, ...] | None:
    """The alternatives of an extended condition, contradictions and repetitions left out; None for too many.

    Args:
        node: pySigma's tree.
        numbers: The number of each rule reference, in the order in which an ordered correlation wants them.
    """
    try:
        pairs = _alternatives(node, numbers, negative=False)
    except _TooManyError:
        return None
    unique = dict.fromkeys((tuple(sorted(wanted)), unwanted) for wanted, unwanted in pairs)
    return tuple(Term(wanted, unwanted) for wanted, unwanted in unique)


def _alternatives(
    node: CorrelationConditionItem | SigmaRuleReference, numbers: Mapping[str, int], *, negative: bool
) -> list[_Pair]:
    if isinstance(node, SigmaRuleReference):
        one, none = frozenset({numbers[node.reference]}), frozenset[int]()
        return [(none, one) if negative else (one, none)]
    if isinstance(node, CorrelationConditionNOT):
        return _alternatives(node.args[0], numbers, negative=not negative)
    parts = (_alternatives(part, numbers, negative=negative) for part in node.args)
    # De Morgan: under a negation `or` joins and `and` offers alternatives.
    if isinstance(node, CorrelationConditionAND) is negative:
        return _few(pair for part in parts for pair in part)
    joined: list[_Pair] = [(frozenset(), frozenset())]
    for part in parts:
        joined = _few((a | c, b | d) for a, b in joined for c, d in part if not (a | c) & (b | d))
    return joined


def _few(pairs: Iterable[_Pair]) -> list[_Pair]:
    kept: dict[_Pair, None] = {}
    for pair in pairs:
        kept[pair] = None
        if len(kept) > CORRELATION_TERMS:
            raise _TooManyError
    return list(kept)
