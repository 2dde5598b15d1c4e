"""Hits that wait for the watermark, in buckets of event time.

Taking out all before a watermark costs a look at each hit taken out, and at the hits of one bucket beside: the bucket
that the watermark falls into. A large one is split first, so that a watermark that creeps through it never looks at all
of it again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tocsin.detect.sigma.correlations.records import NEVER, Record

_COARSE: Final = 26
"""A bucket is 2^26 µs (67 s) of event time."""

_FINE: Final = 14
"""A part of a bucket that was split is 2^14 µs (16 ms)."""

_SMALL: Final = 2_048
"""A bucket of so many hits is not split."""


@dataclass(slots=True)
class Waiting:
    """Hits by event time, in no order within a bucket."""

    _buckets: dict[int, list[Record]] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)
    _split: int = NEVER

    def __iter__(self) -> Iterator[Record]:
        """All of them, in no order."""
        for bucket in self._buckets.values():
            yield from bucket

    def add(self, record: Record) -> None:
        """Lets `record` wait."""
        number = record.time >> _COARSE
        start = number << _COARSE if number != self._split else record.time >> _FINE << _FINE
        bucket = self._buckets.get(start)
        if bucket is None:
            self._buckets[start] = [record]
            heapq.heappush(self._order, start)
        else:
            bucket.append(record)

    @property
    def oldest(self) -> int:
        """No hit is before this instant."""
        return self._order[0] if self._order else -NEVER

    def take(self, watermark: int) -> list[Record]:
        """Takes out all before `watermark`, in no order."""
        taken: list[Record] = []
        while self._order and self._order[0] < watermark:
            start = self._order[0]
            bucket = self._buckets[start]
            fine = start >> _COARSE == self._split
            if start + (1 << (_FINE if fine else _COARSE)) <= watermark:
                taken.extend(self._pop())
            elif fine or len(bucket) <= _SMALL:
                rest = [record for record in bucket if record.time >= watermark]
                taken.extend(record for record in bucket if record.time < watermark)
                if rest:
                    self._buckets[start] = rest
                else:
                    self._pop()
                break
            else:
                self._split = start >> _COARSE
                for record in self._pop():
                    self.add(record)
        return taken

    def _pop(self) -> list[Record]:
        return self._buckets.pop(heapq.heappop(self._order))
