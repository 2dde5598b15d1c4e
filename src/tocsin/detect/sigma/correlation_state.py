"""The state of one correlation: hits that wait for the watermark, and the windows of its groups.

Hits wait in buckets of event time, so that taking out all before a watermark costs one sort of what is taken out.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from tocsin.detect.sigma.correlation_groups import Group, Load, Run
from tocsin.detect.sigma.correlation_plans import CorrelationPlan
from tocsin.detect.sigma.correlation_records import Record
from tocsin.records.instants import SECOND

BUCKET = SECOND
"""Event time whose hits wait together."""

News = Run | tuple[Record, Run]

_ORDER = itemgetter(0, 1, 2, 3)
_INSTANT = itemgetter(0, 1)
_ONCE = itemgetter(2, 3)


@dataclass(slots=True)
class Lane:
    """One correlation at work.

    Attributes:
        lag: How far behind the watermark it judges, because nested matches of that age may still come.
        watermark: Up to here (not including) it has judged.
        waiting: Bucket number → hits that are not judged yet.
        order: A heap of the bucket numbers.
        groups: The groups that have a window.
        dues: A heap of (instant, group): exactly one entry for each group.
    """

    plan: CorrelationPlan
    lag: int
    load: Load
    watermark: int = -(2**62)
    waiting: dict[int, list[Record]] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
    dues: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def add(self, record: Record) -> bool:
        """Lets `record` wait; False where it comes too late."""
        if record.time < self.watermark:
            return False
        number = record.time // BUCKET
        bucket = self.waiting.get(number)
        if bucket is None:
            bucket = self.waiting[number] = []
            heapq.heappush(self.order, number)
        bucket.append(record)
        self.load.add(record.proof)
        return True

    def advance(self, watermark: int) -> Iterator[News]:
        """Judges all before `watermark` less the lag; yields what `Group.step` does."""
        watermark -= self.lag
        if watermark <= self.watermark:
            return
        self.watermark = watermark
        while self.order and self.order[0] * BUCKET < watermark:
            taken = self._taken(watermark)
            if not taken:
                break
            for (now, key), hits in groupby(taken, key=_INSTANT):
                yield from self._step(now, key, list(hits))
        while self.dues and self.dues[0][0] < watermark:
            yield from self._settle(watermark - self.plan.span)

    def _taken(self, watermark: int) -> list[Record]:
        """The oldest bucket's hits before `watermark`, in order; none where all of them are later."""
        number = self.order[0]
        bucket = self.waiting[number]
        taken = bucket
        if (number + 1) * BUCKET > watermark:
            taken = [record for record in bucket if record[0] < watermark]
            self.waiting[number] = [record for record in bucket if record[0] >= watermark]
        if taken is bucket or not self.waiting[number]:
            heapq.heappop(self.order)
            del self.waiting[number]
        taken.sort(key=_ORDER)
        return taken

    def _step(self, now: int, key: tuple[str, ...], hits: list[Record]) -> Iterator[News]:
        batch = hits
        if len(hits) > 1:
            batch = []
            for _, (one, *again) in groupby(hits, key=_ONCE):
                batch.append(one)
                for record in again:
                    self.load.drop(record.proof)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group.of(self.plan, key, self.load)
            heapq.heappush(self.dues, (now + self.plan.span, key))
        return group.step(batch)

    def _settle(self, floor: int) -> Iterator[News]:
        """Lets the group that is due longest go on to a window that starts at `floor`."""
        _, key = heapq.heappop(self.dues)
        group = self.groups[key]
        if group.due < floor + self.plan.span:
            yield from group.let_go(floor)
        if group.window:
            heapq.heappush(self.dues, (group.due, key))
        else:
            del self.groups[key]

    def relieve(self, over: Callable[[], bool]) -> Iterator[News]:
        """Ends groups before their time, those first that are due first, while there is `over` much held."""
        while self.dues and over():
            yield from self._settle(2**62)
