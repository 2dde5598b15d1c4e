"""The figure of a sliding window, kept up to date while hits enter and leave it: one gauge for each correlation type.

A gauge is given the hits of one group: all hits of one instant together (`add`), instants in order, and takes them out
again one by one, oldest first (`drop`). `figure` and `holds` judge the window that holds what is in it. Every figure is
exact: sums and averages are rounded once, as `math.fsum` does, so that no order of additions changes a verdict.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from tocsin.detect.sigma.correlation_plans import METRICS, CorrelationPlan

NEVER: Final = -(2**63)
"""Before every instant."""

Ident = tuple[str, int] | tuple[str, int, tuple[str, ...]]
"""What counts once: (stream, seq) of an event, or (correlation, start, group) of another correlation's match."""

_T = TypeVar("_T", Ident, int, str)
_STEP: Final = 1074


class Record(NamedTuple):
    """A hit as one correlation sees it.

    Attributes:
        time: When it counts (instant).
        key: Its group, caseless.
        member: Which of the plan's members it is a hit of.
        ident: What counts once.
        shown: Its group as the event writes it.
        texts: For `value_count`: the distinct values it adds, caseless.
        numbers: For the metrics: the values it adds.
        row: Values that correlations further out ask for, in order of the plan's `carries`.
        proof: Its evidence: `correlation_evidence.Testimony` in bytes, or a `correlation_groups.Pulse`.
    """

    time: int
    key: tuple[str, ...]
    member: int
    ident: Ident
    shown: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    row: tuple[str | tuple[str, ...] | None, ...]
    proof: Any


class Gauge(Protocol):
    """Measures one window."""

    def add(self, batch: Sequence[Record]) -> None:
        """Takes in all hits of one instant, later than any before."""

    def drop(self, record: Record) -> None:
        """Takes out the oldest."""

    def figure(self, floor: int, /) -> float:
        """What the condition is judged on, for the window whose first hit is at `floor`."""

    def holds(self, floor: int, /) -> bool:
        """Whether that window meets the condition."""


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

    def holds(self, floor: int, /) -> bool:
        return self._bounds is not None and self._bounds.holds(self.figure(floor))


class _Events(_Bounded):
    """How many different events there are; one that two of the rules hit is one event."""

    def __init__(self, plan: CorrelationPlan) -> None:
        super().__init__(plan)
        self._seen: Counter[Ident] = Counter()

    def add(self, batch: Sequence[Record]) -> None:
        for record in batch:
            self._seen[record.ident] += 1

    def drop(self, record: Record) -> None:
        _take(self._seen, record.ident)

    def figure(self, _floor: int, /) -> float:
        return len(self._seen)


class _Values(_Bounded):
    """How many different values there are."""

    def __init__(self, plan: CorrelationPlan) -> None:
        super().__init__(plan)
        self._seen: Counter[str] = Counter()

    def add(self, batch: Sequence[Record]) -> None:
        for record in batch:
            for text in record.texts:
                self._seen[text] += 1

    def drop(self, record: Record) -> None:
        for text in record.texts:
            _take(self._seen, text)

    def figure(self, _floor: int, /) -> float:
        return len(self._seen)


def _take(seen: Counter[_T], one: _T) -> None:
    seen[one] -= 1
    if not seen[one]:
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
        self._seen: Counter[int] = Counter()

    def add(self, batch: Sequence[Record]) -> None:
        for record in batch:
            self._seen[record.member] += 1

    def drop(self, record: Record) -> None:
        _take(self._seen, record.member)

    def figure(self, _floor: int, /) -> float:
        return len(self._seen)

    def holds(self, _floor: int, /) -> bool:
        if self._bounds is not None:
            return self._bounds.holds(len(self._seen))
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


class Chains:
    """Hits of different rules in the order of a list, one after another.

    A hit follows another if it is later, or of the same instant and either from another stream (there is no telling)
    or later in the same stream. For each length the chain with the latest start is kept: a window that opens at
    `floor` and ends now holds a chain of that length exactly if that start is not before `floor`.
    """

    def __init__(self, sequence: Iterable[int], *, gaps: bool) -> None:
        self._place = {member: place for place, member in enumerate(sequence)}
        self._gaps = gaps
        size = len(self._place) + 1
        # starts[place][length]: the latest start of a chain of `length` that ends before `place` in the list.
        self._starts = [[NEVER] * size for _ in range(size)]

    def longest(self, floor: int) -> int:
        """The length of the longest chain that starts at `floor` or later; 0 where there is none."""
        ends = self._starts[-1]
        return next((length for length in range(len(ends) - 1, 0, -1) if ends[length] >= floor), 0)

    def add(self, batch: Sequence[Record]) -> None:
        """Takes in all hits of one instant."""
        hits = sorted(
            (self._place[one.member], one.ident[0], one.ident[1])
            for one in batch
            if one.member in self._place
        )
        if not hits:
            return
        now = batch[0].time
        peers = _Peers(len(self._starts))
        ends: list[tuple[int, list[int]]] = []
        for place in dict.fromkeys(hit[0] for hit in hits):
            fresh = []
            for _, stream, seq in hits[
                bisect.bisect_left(hits, (place,)) : bisect.bisect_left(hits, (place + 1,))
            ]:
                before = self._starts[place]
                if ends:
                    before = list(map(max, before, peers.before(stream, seq)))
                chains = self._extended(place, now, before)
                fresh.append((stream, seq, chains))
                ends.append((place, chains))
            if len(hits) > 1:
                peers.add(fresh)
        for place, chains in ends:
            self._keep(place, chains)

    def _extended(self, place: int, now: int, before: Sequence[int]) -> list[int]:
        chains = [NEVER] * len(before)
        for length in range(1 if self._gaps else place + 1, place + 2):
            chains[length] = now if length == 1 else before[length - 1]
        return chains

    def _keep(self, place: int, chains: Sequence[int]) -> None:
        for length, start in enumerate(chains):
            if start == NEVER:
                continue
            for later in range(place + 1, len(self._starts)):
                row = self._starts[later]
                if row[length] >= start:
                    break  # rows only grow towards the end of the list
                row[length] = start


class _Peers:
    """Chains that end in the instant at hand, to be followed by hits of the same instant."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._streams: dict[str, tuple[list[int], list[list[int]]]] = {}
        self._best: list[list[tuple[int, str]]] = [[] for _ in range(size)]

    def before(self, stream: str, seq: int) -> list[int]:
        """The latest starts by length, over all that a hit (stream, seq) may follow."""
        found = [next((start for start, other in best if other != stream), NEVER) for best in self._best]
        seqs, starts = self._streams.get(stream, ([], []))
        earlier = bisect.bisect_left(seqs, seq)
        return list(map(max, found, starts[earlier - 1])) if earlier else found

    def add(self, fresh: Sequence[tuple[str, int, list[int]]]) -> None:
        """Takes in the chains (stream, seq, starts), sorted, that end at one more place of the list."""
        for stream, hits in groupby(fresh, key=itemgetter(0)):
            seqs, starts = self._streams.get(stream, ([], []))
            merged = sorted([*zip(seqs, starts, strict=True), *((seq, chains) for _, seq, chains in hits)])
            top = [NEVER] * self._size
            rows = []
            for _, one in merged:
                top = list(map(max, top, one))
                rows.append(top)
            self._streams[stream] = [seq for seq, _ in merged], rows
            for length, start in enumerate(top):
                others = [entry for entry in self._best[length] if entry[1] != stream]
                self._best[length] = sorted([*others, (start, stream)], reverse=True)[:2]
