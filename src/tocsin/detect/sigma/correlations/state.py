"""The state of one correlation: its groups, and the hits that wait for the watermark.

Most groups never have as many hits as the condition needs in any window. Such a group is *idle*: it is nothing but its
hits, in no order, and is let go when all of them are too old to share a window with what may still come. Only when it
has as many as could meet the condition do its hits wait for the watermark and are put into a window (`Group`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from tocsin.detect.sigma.correlations.groups import Group, News
from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import GROUP_BYTES, NEVER, Key, Load, Record
from tocsin.detect.sigma.correlations.waiting import Waiting
from tocsin.records.instants import SECOND

Held = Record | list[Record] | Group
"""A group: idle with one hit, idle with several, or with a window."""

_IDLE_HITS: Final = 16
"""An idle group of so many hits gets a window: letting go of old hits looks at all that it has."""

_TIME = attrgetter("time")


@dataclass(slots=True)
class Journal:
    """What changed since somebody asked: hits taken in, and groups whose match changed, with their lane's number."""

    admitted: list[tuple[int, Record]] = field(default_factory=list)
    touched: dict[tuple[int, Key], None] = field(default_factory=dict)


@dataclass(slots=True)
class Lane:
    """One correlation at work.

    Attributes:
        number: Which of the correlations.
        lag: How far behind the watermark it judges, because nested matches of that age may still come.
        load: The account of memory, of all lanes together.
        news: Where it tells what it finds.
        journal: Who writes down what changes; None while nobody asks.
        watermark: Up to here (not including) it has judged.
        ripe: How many hits an idle group must have to get a window.
        waiting: Hits of groups with windows that are not judged yet.
        groups: All groups.
        dues: A heap of (instant, group): one entry for each group whose window has hits.
    """

    plan: CorrelationPlan
    number: int
    lag: int
    load: Load
    news: News
    journal: Journal | None = None
    watermark: int = NEVER
    ripe: int = 1
    grows: bool = False
    waiting: Waiting = field(default_factory=Waiting)
    groups: dict[Key, Held] = field(default_factory=dict)
    dues: list[tuple[int, Key]] = field(default_factory=list)
    _idle: dict[int, list[Key]] = field(default_factory=dict)
    _idle_order: list[int] = field(default_factory=list)
    _width: int = SECOND

    def __post_init__(self) -> None:
        self.ripe = min(self.plan.least, _IDLE_HITS)
        self.grows = self.plan.grows
        self._width = max(SECOND, self.plan.span // 16)

    def add(self, record: Record) -> bool:
        """Lets `record` wait; False where it comes too late."""
        if record.time < self.watermark:
            return False
        self.admit(record)
        return True

    def admit(self, record: Record) -> None:
        """Lets `record` wait, whenever it is of."""
        self.load.take(record)
        if self.journal is not None:
            self.journal.admitted.append((self.number, record))
        key = record.key
        held = self.groups.get(key)
        if held is None:
            if self.ripe > 1 and len(record.texts) < 2:
                self.groups[key] = record
                self._expect(record)
                return
            held = self.open(key)
        if type(held) is Group:
            record.key = held.key
            self._wait(held, record)
            return
        several = [held] if type(held) is Record else held
        assert type(several) is list
        record.key = several[0].key
        several.append(record)
        if len(several) < self.ripe and len(record.texts) < 2:
            self.groups[record.key] = several
            return
        group = self.open(record.key)
        for one in several:
            self._wait(group, one)

    def open(self, key: Key) -> Group:
        """A group with an empty window, in place of what there was."""
        group = self.groups[key] = Group.of(self.plan, key, self.load, self.news)
        self.load.size += GROUP_BYTES
        return group

    def _wait(self, group: Group, record: Record) -> None:
        group.waiting += 1
        self.waiting.add(record)

    def _expect(self, record: Record) -> None:
        """Looks again at the idle group of `record` when that is too old for any window."""
        number = record.time // self._width
        keys = self._idle.get(number)
        if keys is None:
            self._idle[number] = [record.key]
            heapq.heappush(self._idle_order, number)
        else:
            keys.append(record.key)

    def advance(self, watermark: int) -> None:
        """Judges all before `watermark` less the lag."""
        watermark -= self.lag
        if watermark <= self.watermark:
            return
        self.watermark = watermark
        if self.waiting.oldest < watermark:
            by_group: dict[Key, list[Record]] = {}
            for record in self.waiting.take(watermark):
                hits = by_group.get(record.key)
                if hits is None:
                    by_group[record.key] = [record]
                else:
                    hits.append(record)
            for key, hits in by_group.items():
                self._judge(key, hits)
        while self.dues and self.dues[0][0] < watermark:
            self._settle(watermark - self.plan.span)
        while self._idle_order and (self._idle_order[0] + 1) * self._width <= watermark - self.plan.span:
            self._let_go(watermark - self.plan.span)

    def _judge(self, key: Key, hits: list[Record]) -> None:
        group = self.groups[key]
        assert type(group) is Group
        group.waiting -= len(hits)
        hits.sort(key=_TIME)
        group.run_through(hits)
        self.queue(group)

    def queue(self, group: Group) -> None:
        """Puts a group that has a window among the dues, and notes that it changed."""
        if not group.queued:
            group.queued = True
            heapq.heappush(self.dues, (group.due, group.key))
        if self.journal is not None:
            self.journal.touched[self.number, group.key] = None

    def _settle(self, floor: int) -> None:
        """Lets the group that is due longest go on to a window that starts at `floor`."""
        _, key = heapq.heappop(self.dues)
        group = self.groups[key]
        assert type(group) is Group
        group.queued = False
        if group.due < floor + self.plan.span:
            group.let_go(floor)
            if self.journal is not None:
                self.journal.touched[self.number, key] = None
        if group.window:
            group.queued = True
            heapq.heappush(self.dues, (group.due, key))
        elif not group.waiting:
            del self.groups[key]
            self.load.size -= GROUP_BYTES

    def _let_go(self, floor: int) -> None:
        """Lets go of the hits before `floor` of those idle groups that have been so longest."""
        for key in dict.fromkeys(self._idle.pop(heapq.heappop(self._idle_order))):
            held = self.groups.get(key)
            if held is None or type(held) is Group:
                continue
            several = [held] if type(held) is Record else held
            assert type(several) is list
            kept = []
            for record in several:
                if record.time < floor:
                    self.load.drop(record)
                else:
                    kept.append(record)
            if kept:
                self.groups[key] = kept if len(kept) > 1 else kept[0]
                self._expect(min(kept, key=_TIME))
            else:
                del self.groups[key]

    def oldest(self) -> int:
        """Roughly how old the oldest group is that could be ended before its time (an instant)."""
        window = self.dues[0][0] - self.plan.span if self.dues else -NEVER
        return min(window, self._idle_order[0] * self._width if self._idle_order else -NEVER)

    def relieve(self) -> None:
        """Ends the oldest windows, or lets go of the oldest idle groups, before their time."""
        idle = self._idle_order[0] * self._width if self._idle_order else -NEVER
        if idle <= self.oldest():
            self._let_go(-NEVER)
        else:
            self._settle(-NEVER)

    def unjudged(self) -> Iterator[Record]:
        """Hits that are in no window yet."""
        yield from self.waiting
        for held in self.groups.values():
            if type(held) is Record:
                yield held
            elif type(held) is list:
                yield from held

    def records(self) -> Iterator[Record]:
        """All hits that it holds."""
        yield from self.unjudged()
        for held in self.groups.values():
            if type(held) is Group:
                yield from held.window
