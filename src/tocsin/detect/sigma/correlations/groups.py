"""One group of one correlation: its window, and the match that the window is part of.

`Group.run_through` is where the rules of `correlations.py` on windows and matches are carried out; it reads no clock and
knows nothing of other groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import Key, Load, Pulse, Record, Run
from tocsin.detect.sigma.correlations.windows import Gauge, gauge_for

_ONCE = attrgetter("member", "ident")


@dataclass(slots=True)
class Begun:
    """How many matches were ever begun, over all correlations; numbers them."""

    runs: int = 0


@dataclass(slots=True)
class News:
    """What judging brought.

    Attributes:
        over: Matches that no further hit can join.
        pulses: For each hit that became part of a match: (instant, the hit, the match as it then stood); None where
            no correlation asks for them.
        begun: Numbers the matches.
    """

    begun: Begun
    over: list[Run] = field(default_factory=list)
    pulses: list[tuple[int, Record, Pulse]] | None = None


@dataclass(slots=True)
class Group:
    """The window of one group.

    Attributes:
        window: Its hits, oldest first, all of them judged up to the watermark.
        waiting: How many of its hits wait for the watermark.
        judged: Whether the window was judged since it last grew.
        run: The match that is going on.
        queued: Whether it stands among its lane's dues.
        grows: The plan's.
    """

    plan: CorrelationPlan
    key: Key
    gauge: Gauge
    load: Load
    news: News
    window: deque[Record] = field(default_factory=deque)
    waiting: int = 0
    judged: bool = True
    run: Run | None = None
    queued: bool = False
    grows: bool = False

    @classmethod
    def of(cls, plan: CorrelationPlan, key: Key, load: Load, news: News) -> Group:
        """An empty one."""
        return cls(plan, key, gauge_for(plan), load, news, grows=plan.grows)

    @property
    def due(self) -> int:
        """Nothing happens to it by time alone while the watermark is at or before this instant; it has a window."""
        if not self.judged:
            return self.window[0].time + self.plan.span
        return (self.window[-1].time if self.run is None else self.run.last_time) + self.plan.span

    def run_through(self, hits: list[Record]) -> None:
        """Takes in further `hits`, in order of time and none before those it has; all that there will be of their instants."""
        span, window, gauge, grows = self.plan.span, self.window, self.gauge, self.grows
        for batch in instants(hits, self.load):
            floor = batch[0].time - span
            if window and window[0].time < floor:
                self.let_go(floor)
            window.extend(batch)
            gauge.add(batch)
            if not grows:
                self.judged = False
                continue
            figure = gauge.verdict(window[0].time)
            if figure is not None:
                self._tell(figure)

    def let_go(self, floor: int) -> None:
        """Moves the window's start to `floor`; where a hit falls out, the window before was complete and is judged."""
        window, gauge, load = self.window, self.gauge, self.load
        if not window or window[0].time >= floor:
            return
        if not self.judged:
            self.judged = True
            figure = gauge.verdict(window[0].time)
            if figure is not None:
                self._tell(figure)
        while window and window[0].time < floor:
            record = window.popleft()
            gauge.drop(record)
            load.drop(record)
        run = self.run
        if run is not None and (not window or window[0].time > run.last_time):
            self.run = None
            for _, proof in run.items:
                load.release(proof)
            self.news.over.append(run)

    def _tell(self, figure: float) -> None:
        """The window as it stands meets the condition, with `figure`: its hits are part of the match."""
        run = self.run
        if run is None:
            run = self._begin(self.window[0])
        upto, fresh = run.last_time, []
        for record in reversed(self.window):
            if record.time <= upto:
                break
            fresh.append(record)
        fresh.reverse()
        run.peak = max(run.peak, figure)
        for record in fresh:
            if run.take(record):
                self.load.cite(record.proof)
        if self.news.pulses is not None:
            pulse = Pulse(run, len(run.items), run.count)
            self.news.pulses.extend((run.last_time, record, pulse) for record in fresh)

    def _begin(self, head: Record) -> Run:
        self.news.begun.runs += 1
        run = self.run = Run(self.news.begun.runs, (self.plan.ref, head.time, self.key), head.shown)
        return run


def instants(hits: list[Record], load: Load) -> Iterator[list[Record]]:
    """`hits`, in order of time, as lists of one instant each: in order, and none twice."""
    start, end = 0, len(hits)
    while start < end:
        now = hits[start].time
        after = start + 1
        while after < end and hits[after].time == now:
            after += 1
        batch = hits[start:after]
        yield batch if after == start + 1 else _distinct(batch, load)
        start = after


def _distinct(batch: list[Record], load: Load) -> list[Record]:
    batch.sort(key=_ONCE)
    kept = batch[:1]
    for record in batch[1:]:
        if record.ident == kept[-1].ident and record.member == kept[-1].member:
            load.drop(record)
        else:
            kept.append(record)
    return kept
