"""The parts of one correlation rule's section: what it counts, its condition, its aliases. Or why it cannot be run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tocsin.config import bounds
from tocsin.detect.sigma.correlations.conditions import Bounds, Term

METRICS: Final = frozenset({"value_sum", "value_avg", "value_median", "value_percentile"})
TEMPORAL: Final = frozenset({"temporal", "temporal_ordered"})
TYPES: Final = METRICS | TEMPORAL | {"event_count", "value_count"}

Resolve = Callable[[str], str | None]
"""An id or a name → what the rule's hits are named by; None where there is no such rule."""


class CannotRunError(Exception):
    """Carries the sentence of a `CorrelationProblem`."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An extended condition as written, and its alternatives; None where they are more than `bounds.CORRELATION_TERMS`.

    The terms' numbers are places in `CorrelationRule.references`.
    """

    text: str
    terms: tuple[Term, ...] | None


@dataclass(frozen=True, slots=True)
class CorrelationRule:
    """A correlation rule as written: read, but neither resolved nor judged.

    Attributes:
        references: The ids and names of the rules it is about, in the order in which an ordered one wants them.
        timespan: As written, beside its `seconds`.
        aliases: (alias, reference, field that it stands for there); None for what is no field name.
        criteria: What its figure must meet; () where `expression` decides.
        fields: The condition's `field`; "" for what is no field name.
        expression: The extended condition of a temporal type.
        generate: Whether it leaves the rules it refers to reporting on their own.
    """

    id: str | None
    name: str | None
    title: str
    type: str
    references: tuple[str, ...]
    timespan: str
    seconds: int
    group_by: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str, str | None], ...] = ()
    criteria: tuple[tuple[str, float], ...] = ()
    fields: tuple[str, ...] = ()
    percentile: int | None = None
    expression: Expression | None = None
    generate: bool = False


def aliases_of(
    rule: CorrelationRule, resolve: Resolve, members: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """Alias → member → the field it stands for.

    Raises:
        CannotRunError: an alias is for no member, or gives no field name.
    """
    found: dict[str, dict[str, str]] = {}
    for alias, reference, name in rule.aliases:
        ref = resolve(reference)
        if ref is None or ref not in members:
            raise CannotRunError(
                f"its alias {alias!r} names rule {reference!r}, which is not among its rules"
            )
        if name is None:
            raise CannotRunError(f"its alias {alias!r} gives no field name for {reference!r}")
        found.setdefault(alias, {})[ref] = name
    return found


def fields_of(rule: CorrelationRule) -> tuple[str, ...]:
    """What a correlation counts or measures; () where its type does neither.

    Raises:
        CannotRunError: it names no field, or too many.
    """
    kind, fields = rule.type, rule.fields
    if not all(fields):
        raise CannotRunError("its condition's field is no field name")
    if kind in METRICS and len(fields) != 1:
        raise CannotRunError(f"{kind} measures one field, and its condition names {len(fields)}")
    if kind == "value_count" and not fields:
        raise CannotRunError("value_count needs a field in its condition")
    return fields if kind in METRICS or kind == "value_count" else ()


def percentile_of(rule: CorrelationRule) -> float | None:
    """0 to 100 for the types that rank values, else None.

    Raises:
        CannotRunError: it is missing, or out of range.
    """
    if rule.type == "value_median":
        return 50.0
    if rule.type != "value_percentile":
        return None
    if rule.percentile is None:
        raise CannotRunError("value_percentile needs `percentile: 0…100` in its condition")
    if not 0 <= rule.percentile <= 100:
        raise CannotRunError(f"its percentile is {rule.percentile}, not between 0 and 100")
    return float(rule.percentile)


def condition_of(
    rule: CorrelationRule, members: tuple[str, ...]
) -> tuple[Bounds | None, tuple[Term, ...], str]:
    """Bounds, or else the terms of an extended condition; and what cannot be judged of it.

    Raises:
        CannotRunError: it can never hold, or only where nothing happens.
    """
    if rule.expression is not None:
        return None, *_extended(rule.expression, members)
    if any(abs(number) > sys.float_info.max for _, number in rule.criteria):
        raise CannotRunError("its condition names a number that nothing can be compared with")
    limits = Bounds(rule.criteria)
    if rule.type in METRICS:
        return limits, (), ""
    if not limits.some_count(len(members) if rule.type in TEMPORAL else None):
        if limits.holds(0):
            raise CannotRunError(
                f"its condition ({limits}) holds only where nothing happens; "
                "without an event there is no group and no evidence to judge"
            )
        raise CannotRunError(f"its condition ({limits}) can never hold")
    quiet = limits.holds(0) and not limits.lower_only
    return limits, (), "windows without any hit are not judged" if quiet else ""


def _extended(expression: Expression, members: tuple[str, ...]) -> tuple[tuple[Term, ...], str]:
    terms = expression.terms
    if terms is None:
        raise CannotRunError(
            f"its condition multiplies out to more than {bounds.CORRELATION_TERMS} alternatives"
        )
    if not terms:
        raise CannotRunError(f"its condition ({expression.text}) can never hold")
    if all(len(term.unwanted) == len(members) for term in terms):
        raise CannotRunError(
            f"its condition ({expression.text}) holds only where nothing happens; "
            "without an event there is no group and no evidence to judge"
        )
    quiet = any(not term.wanted for term in terms)
    return terms, "windows without any hit are not judged" if quiet else ""
