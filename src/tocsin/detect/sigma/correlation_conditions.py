"""When a window's figures meet a correlation's condition: bounds on a number, or an expression over rules.

Sources: Sigma Correlation Rules Specification 2.0 "Condition" (one criterion, or several that must all hold), 2.1 for
the metrics' thresholds, and the extended conditions (`rule_a and not rule_b`) that pySigma 2 parses for temporal types.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaRuleReference,
)

from tocsin.config.bounds import CORRELATION_TERMS

OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Criteria on one number, all of which must hold: `(("gt", 100), ("lte", 200))`."""

    criteria: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name}: {number:g}" for name, number in self.criteria)

    def holds(self, value: float) -> bool:
        """Whether `value` meets every criterion."""
        return all(OPERATORS[name](value, number) for name, number in self.criteria)

    @property
    def lower_only(self) -> bool:
        """Whether a greater value can never stop it from holding."""
        return all(name in {"gt", "gte"} for name, _ in self.criteria)

    def some_count(self, most: int | None = None) -> bool:
        """Whether a whole number from 1 to `most` (None: any) meets it."""
        edges = {1, most or 1}
        for _, number in self.criteria:
            if not math.isfinite(number):
                return False
            edges |= {math.floor(number) + step for step in (-1, 0, 1, 2)}
        return any(self.holds(edge) for edge in edges if edge >= 1 and (most is None or edge <= most))


@dataclass(frozen=True, slots=True)
class Term:
    """One alternative of an extended condition: all `wanted` rules happen (by number, in order), none `unwanted` does."""

    wanted: tuple[int, ...]
    unwanted: frozenset[int]


def terms_of(
    node: CorrelationConditionItem | SigmaRuleReference, numbers: Mapping[str, int]
) -> tuple[Term, ...]:
    """The alternatives of an extended condition, contradictions and repetitions left out.

    Args:
        node: pySigma's tree.
        numbers: The number of each rule reference, in the order in which an ordered correlation wants them.

    Raises:
        ValueError: it multiplies out to more than `bounds.CORRELATION_TERMS` alternatives.
    """
    pairs = _alternatives(node, numbers, negative=False)
    unique = dict.fromkeys((tuple(sorted(wanted)), unwanted) for wanted, unwanted in pairs)
    return tuple(Term(wanted, unwanted) for wanted, unwanted in unique)


_Pair = tuple[frozenset[int], frozenset[int]]


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
            raise ValueError(f"its condition multiplies out to more than {CORRELATION_TERMS} alternatives")
    return list(kept)
