"""The parts of one correlation rule's section: what it counts, its condition, its aliases. Or why it cannot be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
)

from tocsin.detect.sigma.correlation_conditions import Bounds, Term, terms_of

METRICS: Final = frozenset({"value_sum", "value_avg", "value_median", "value_percentile"})
TEMPORAL: Final = frozenset({"temporal", "temporal_ordered"})

Resolve = Callable[[object], str | None]
"""An id or a name → what the rule's hits are named by; None where there is no such rule."""


class CannotRunError(Exception):
    """Carries the sentence of a `CorrelationProblem`."""


@dataclass
class RangeCondition(SigmaCorrelationCondition):
    """A condition of several criteria; `further` are those beyond the one that pySigma holds."""

    further: tuple[tuple[str, float], ...] = ()


def aliases_of(
    rule: SigmaCorrelationRule, resolve: Resolve, members: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """Alias → member → the field it stands for.

    Raises:
        CannotRunError: an alias is for no member, or gives no field name.
    """
    found: dict[str, dict[str, str]] = {}
    for alias in rule.aliases:
        for reference, name in alias.mapping.items():
            ref = resolve(reference.reference)
            if ref not in members:
                raise CannotRunError(
                    f"its alias {alias.alias!r} names rule {reference.reference!r}, which is not among its rules"
                )
            if not isinstance(name, str):
                raise CannotRunError(
                    f"its alias {alias.alias!r} gives no field name for {reference.reference!r}"
                )
            found.setdefault(alias.alias, {})[ref] = name
    return found


def fields_of(rule: SigmaCorrelationRule, kind: str) -> tuple[str, ...]:
    """What a correlation of `kind` counts or measures; () where its type does neither.

    Raises:
        CannotRunError: it names no field, or too many.
    """
    named = getattr(rule.condition, "fieldref", None)
    fields = tuple(named) if isinstance(named, list) else (named,) if named is not None else ()
    if not all(isinstance(name, str) and name for name in fields):
        raise CannotRunError("its condition's field is no field name")
    if kind in METRICS and len(fields) != 1:
        raise CannotRunError(f"{kind} measures one field, and its condition names {len(fields)}")
    if kind == "value_count" and not fields:
        raise CannotRunError("value_count needs a field in its condition")
    return fields if kind in METRICS or kind == "value_count" else ()


def percentile_of(rule: SigmaCorrelationRule, kind: str) -> float | None:
    """0 to 100 for the types that rank values, else None.

    Raises:
        CannotRunError: it is missing, or out of range.
    """
    if kind == "value_median":
        return 50.0
    if kind != "value_percentile":
        return None
    percentile = getattr(rule.condition, "percentile", None)
    if percentile is None:
        raise CannotRunError("value_percentile needs `percentile: 0…100` in its condition")
    if not 0 <= percentile <= 100:
        raise CannotRunError(f"its percentile is {percentile}, not between 0 and 100")
    return float(percentile)


def condition_of(
    rule: SigmaCorrelationRule, kind: str, members: tuple[str, ...], resolve: Resolve
) -> tuple[Bounds | None, tuple[Term, ...], str]:
    """Bounds, or else the terms of an extended condition; and what cannot be judged of it.

    Raises:
        CannotRunError: it can never hold, or only where nothing happens.
    """
    if isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        return None, *_extended(rule.condition, members, resolve)
    condition = rule.condition
    further = condition.further if isinstance(condition, RangeCondition) else ()
    limits = Bounds(((condition.op.name.lower(), condition.count), *further))
    if kind in METRICS:
        return limits, (), ""
    if not limits.some_count(len(members) if kind in TEMPORAL else None):
        if limits.holds(0):
            raise CannotRunError(
                f"its condition ({limits}) holds only where nothing happens; "
                "without an event there is no group and no evidence to judge"
            )
        raise CannotRunError(f"its condition ({limits}) can never hold")
    quiet = limits.holds(0) and not limits.lower_only
    return limits, (), "windows without any hit are not judged" if quiet else ""


def _extended(
    condition: SigmaExtendedCorrelationCondition, members: tuple[str, ...], resolve: Resolve
) -> tuple[tuple[Term, ...], str]:
    numbers = {name: members.index(resolve(name)) for name in condition.get_referenced_rules()}
    try:
        terms = terms_of(condition.parsed, numbers)
    except ValueError as problem:
        raise CannotRunError(str(problem)) from None
    if not terms:
        raise CannotRunError(f"its condition ({condition.expression}) can never hold")
    if all(len(term.unwanted) == len(members) for term in terms):
        raise CannotRunError(
            f"its condition ({condition.expression}) holds only where nothing happens; "
            "without an event there is no group and no evidence to judge"
        )
    quiet = any(not term.wanted for term in terms)
    return terms, "windows without any hit are not judged" if quiet else ""
