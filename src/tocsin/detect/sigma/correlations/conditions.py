"""When a window's figures meet a correlation's condition: bounds on a number, or an expression over rules.

Sources: Sigma Correlation Rules Specification 2.0 "Condition" (one criterion, or several that must all hold), 2.1 for
the metrics' thresholds, and the extended conditions (`rule_a and not rule_b`) that pySigma 2 parses for temporal types.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

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

    @property
    def least(self) -> int:
        """No whole number from 1 to below this one meets it."""
        lower = [
            math.floor(number) + 1 if name == "gt" else math.ceil(number)
            for name, number in self.criteria
            if name in {"gt", "gte", "eq"} and math.isfinite(number)
        ]
        return max(1, *lower) if lower else 1

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
