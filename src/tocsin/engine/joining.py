"""Puts together what workers made of the parts of one file: ordinals, streams and batches as one reading gives them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from tocsin.config import bounds
from tocsin.engine.sifting_worker import Head, Part, RangePart
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.sources.fingerprint import Streams
from tocsin.sources.range_reading import Rest, head_of, lines_in
from tocsin.sources.ranges import FileRange


class Joined:
    """One file's parts, which are added in order.

    Args:
        streams: Names the streams.
    """

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._names: list[str] = []
        self._name: str | None = None
        self._size = 0
        self._shape = ""
        self._records = 0
        self._events: deque[Event] = deque()
        self._set_aside: deque[SetAside] = deque()
        self._held = 0
        self._held_size = 0
        self._passed = 0

    def range(self, part: RangePart) -> Iterator[EventBatch]:
        """The batches that become full with a regular range: they end where those of one reading do."""
        first = self._records
        self._named(part.head)
        for event in part.events:
            event.stream, event.seq = self._name or "", event.seq + first
        self._shape = part.shape or self._shape
        self._size += part.counts.size
        events = deque(part.events)
        set_aside = deque(replace(one, record=(one.record or 0) + first) for one in part.set_aside)
        for size in part.sizes:
            if events and events[0].seq == self._records:
                self._events.append(events.popleft())
            elif set_aside and set_aside[0].record == self._records:
                self._set_aside.append(set_aside.popleft())
            else:
                self._passed += 1
            self._records += 1
            self._held += 1
            self._held_size += size
            if self._held >= bounds.BATCH_EVENTS or self._held_size >= bounds.BATCH_BYTES:
                yield from self._flush()

    def _named(self, head: bytes) -> None:
        """Names the stream that is read in ranges, with its first one."""
        if self._name is None:
            self._name = self._streams.resolve(head, "", None)

    def lose(self, aside: SetAside, part: FileRange | None = None) -> None:
        """Sets aside the range `part`, or the rest of the file. What follows a range is numbered as if that was regular."""
        self._set_aside.append(aside)
        self._held += 1
        if part is not None:
            self._named(head_of(part))
            self._records += lines_in(part)

    def rest(self, part: FileRange) -> Rest:
        """What is to be read where `part` is not regular."""
        return Rest(part, self._records, (self._held, self._held_size), self._shape)

    def part(self, part: Part) -> Iterator[EventBatch]:
        """The batch of a part of a file that is read whole, or of the rest of one, together with what it is the end of."""
        for one in part.streams:
            if isinstance(one, Head):
                self._names.append(self._streams.resolve(one.head, one.member, None))
            else:
                self._streams.finished(self._names[int(one.stream)], one.records, one.size, "")
        for event in part.batch:
            event.stream = self._names[int(event.stream)] if event.stream else self._name or ""
        self._records += part.counts.records
        self._size += part.counts.size
        self._events += part.batch.events
        self._set_aside += part.batch.set_aside
        self._passed += part.batch.passed
        yield from self._flush()

    def finish(self) -> Iterator[EventBatch]:
        """The last batch, where there is one; afterwards the stream that was read in ranges is finished."""
        yield from self._flush()
        if self._name is not None:
            self._streams.finished(self._name, self._records, self._size, "")

    def _flush(self) -> Iterator[EventBatch]:
        batch = EventBatch(tuple(self._events), tuple(self._set_aside), self._passed)
        self._events.clear()
        self._set_aside.clear()
        self._held = self._held_size = self._passed = 0
        if batch.events or batch.set_aside or batch.passed:
            yield batch
