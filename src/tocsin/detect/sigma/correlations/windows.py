"""The figure of a sliding window, kept up to date while hits enter and leave it: one gauge for each correlation type.

A gauge is given the hits of one group: all hits of one instant together (`add`), instants in order, and takes them out
again one by one, oldest first (`drop`). `verdict` judges the window that holds what is in it. Every figure is
exact: sums and averages are rounded once, as `math.fsum` does, so that no order of additions changes a verdict.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeVar

from tocsin.detect.sigma.correlations.order import Chains
from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import Ident, Record
from tocsin.detect.sigma.correlations.section import METRICS

_T = TypeVar("_T", Ident, int, str)
_STEP: Final = 1074


class Gauge(Protocol):
    """Measures one window."""

    def add(self, batch: Sequence[Record]) -> None:
        """Takes in all hits of one instant, later than any before."""

    def drop(self, record: Record) -> None:
        """Takes out the oldest."""

    def verdict(self, floor: int, /) -> float | None:
        """What the condition is judged on, for the window whose first hit is at `floor`; None where it is not met."""


def gauge_for(plan: CorrelationPlan) -> Gauge:
    """An empty gauge for `plan`."""
    if plan.type == "event_count":
        return _Events(plan)
    if plan.type == "value_count":
        return _Values(plan)
    if plan.type == "temporal":
        return _Presence(plan)
    if plan.type == "temporal_ordered":
        return _Ordered(plan)
    if plan.type in METRICS and plan.percentile is not None:
        return _Ranked(plan, plan.percentile)
    return _Summed(plan)


class _Bounded:
    """A gauge that is judged by bounds on its figure."""

    def __init__(self, plan: CorrelationPlan) -> None:
        self._bounds = plan.bounds

    def figure(self, _floor: int, /) -> float:
        raise NotImplementedError

    def verdict(self, floor: int, /) -> float | None:
        figure = self.figure(floor)
        return figure if self._bounds is not None and self._bounds.holds(figure) else None


class _Counted(_Bounded):
    """A gauge that counts different things."""

    def __init__(self, plan: CorrelationPlan) -> None:
        super().__init__(plan)
        self._seen: dict[Any, int] = {}
        bounds = plan.bounds
        self._least = bounds.least if bounds is not None else 1
        self._open = bounds is not None and bounds.lower_only

    def figure(self, _floor: int, /) -> float:
        return len(self._seen)

    def verdict(self, floor: int, /) -> float | None:
        count = len(self._seen)
        if count < self._least:
            return None
        return count if self._open else super().verdict(floor)


class _Events(_Counted):
    """How many different events there are; one that two of the rules hit is one event."""

    def add(self, batch: Sequence[Record]) -> None:
        seen = self._seen
        for record in batch:
            ident = record.ident
            seen[ident] = seen.get(ident, 0) + 1

    def drop(self, record: Record) -> None:
        _take(self._seen, record.ident)


class _Values(_Counted):
    """How many different values there are."""

    def add(self, batch: Sequence[Record]) -> None:
        seen = self._seen
        for record in batch:
            for text in record.texts:
                seen[text] = seen.get(text, 0) + 1

    def drop(self, record: Record) -> None:
        for text in record.texts:
            _take(self._seen, text)


def _take(seen: dict[_T, int], one: _T) -> None:
    left = seen[one] - 1
    if left:
        seen[one] = left
    else:
        del seen[one]


class _Measured(_Bounded):
    """A gauge over numbers, each event's once however many of the rules it hits."""

    def __init__(self, plan: CorrelationPlan) -> None:
        super().__init__(plan)
        self._seen: dict[Ident, tuple[int, tuple[float, ...]]] = {}

    def add(self, batch: Sequence[Record]) -> None:
        for record in batch:
            times, numbers = self._seen.get(record.ident, (0, record.numbers))
            self._seen[record.ident] = times + 1, numbers
            for number in () if times else numbers:
                self._enter(number)

    def drop(self, record: Record) -> None:
        times, numbers = self._seen.pop(record.ident)
        if times > 1:
            self._seen[record.ident] = times - 1, numbers
            return
        for number in numbers:
            self._leave(number)

    def _enter(self, number: float) -> None:
        raise NotImplementedError

    def _leave(self, number: float) -> None:
        raise NotImplementedError


class _Summed(_Measured):
    """`value_sum` and `value_avg`, over exact integers of 2^-1074, the smallest step between two doubles."""

    def __init__(self, plan: CorrelationPlan) -> None:
        super().__init__(plan)
        self._average = plan.type == "value_avg"
        self._total = 0
        self._count = 0

    def _enter(self, number: float) -> None:
        self._total += _steps(number)
        self._count += 1

    def _leave(self, number: float) -> None:
        self._total -= _steps(number)
        self._count -= 1

    def figure(self, _floor: int, /) -> float:
        try:
            return self._total / ((self._count if self._average else 1) << _STEP)
        except OverflowError:
            return math.inf if self._total > 0 else -math.inf


def _steps(number: float) -> int:
    top, bottom = number.as_integer_ratio()
    return top << (_STEP + 1 - bottom.bit_length())


class _Ranked(_Measured):
    """`value_percentile` and `value_median`: linear between the two nearest ranks (Hyndman and Fan's definition 7)."""

    def __init__(self, plan: CorrelationPlan, percentile: float) -> None:
        super().__init__(plan)
        self._percentile = percentile
        self._sorted: list[float] = []

    def _enter(self, number: float) -> None:
        bisect.insort(self._sorted, number)

    def _leave(self, number: float) -> None:
        del self._sorted[bisect.bisect_left(self._sorted, number)]

    def figure(self, _floor: int, /) -> float:
        return percentile_of(self._sorted, self._percentile)


def percentile_of(ordered: Sequence[float], percentile: float) -> float:
    """The `percentile` (0 to 100) of the `ordered` numbers, of which there is at least one."""
    below, part = divmod((len(ordered) - 1) * percentile, 100)
    low = ordered[int(below)]
    high = ordered[min(int(below) + 1, len(ordered) - 1)]
    return low if low == high or not part else low + (high - low) * (part / 100)


class _Presence:
    """`temporal`: how many of the rules have a hit, or whether the extended condition holds of those that have."""

    def __init__(self, plan: CorrelationPlan) -> None:
        self._bounds = plan.bounds
        self._terms = plan.terms
        self._seen: dict[int, int] = {}

    def add(self, batch: Sequence[Record]) -> None:
        for record in batch:
            self._seen[record.member] = self._seen.get(record.member, 0) + 1

    def drop(self, record: Record) -> None:
        _take(self._seen, record.member)

    def figure(self, _floor: int, /) -> float:
        return len(self._seen)

    def verdict(self, floor: int, /) -> float | None:
        return self.figure(floor) if self.holds(floor) else None

    def holds(self, floor: int, /) -> bool:
        if self._bounds is not None:
            return self._bounds.holds(self.figure(floor))
        seen = self._seen
        return any(
            all(one in seen for one in term.wanted) and seen.keys().isdisjoint(term.unwanted)
            for term in self._terms
        )


class _Ordered(_Presence):
    """`temporal_ordered`: how many of the rules have hits in the order of the list, or whether a term's rules do."""

    def __init__(self, plan: CorrelationPlan) -> None:
        super().__init__(plan)
        self._any_order = Chains(range(len(plan.members)), gaps=True) if plan.bounds else None
        self._chains = [(term, Chains(term.wanted, gaps=False)) for term in plan.terms]

    def add(self, batch: Sequence[Record]) -> None:
        super().add(batch)
        for chains in [one for _, one in self._chains] + ([self._any_order] if self._any_order else []):
            chains.add(batch)

    def figure(self, floor: int) -> float:
        return self._any_order.longest(floor) if self._any_order else super().figure(floor)

    def holds(self, floor: int) -> bool:
        if self._bounds is not None:
            return self._bounds.holds(self.figure(floor))
        return any(
            chains.longest(floor) == len(term.wanted) and self._seen.keys().isdisjoint(term.unwanted)
            for term, chains in self._chains
        )
