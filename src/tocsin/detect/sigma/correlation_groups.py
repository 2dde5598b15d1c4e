"""One group of one correlation: its window, and the match that the window is part of.

`Group.step` is where the rules of `correlation.py` on windows and matches are carried out; it reads no clock and knows
nothing of other groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from tocsin.config.bounds import EVIDENCE_PER_FINDING
from tocsin.detect.sigma.correlation_plans import CorrelationPlan
from tocsin.detect.sigma.correlation_records import Ident, Record
from tocsin.detect.sigma.correlation_windows import Gauge, gauge_for

HIT_BYTES = 600
"""What a waiting hit costs beside its evidence (measured with CPython 3.11)."""


@dataclass(slots=True)
class Load:
    """What is held in memory, over all correlations: hits, and roughly their bytes."""

    hits: int = 0
    size: int = 0

    def add(self, proof: bytes | Pulse) -> None:
        """One more."""
        self.hits += 1
        self.size += HIT_BYTES + (len(proof) if isinstance(proof, bytes) else 0)

    def drop(self, proof: bytes | Pulse) -> None:
        """One less."""
        self.hits -= 1
        self.size -= HIT_BYTES + (len(proof) if isinstance(proof, bytes) else 0)


class Pulse(NamedTuple):
    """A nested correlation's match as it stood at one instant: `run`, the first `items` of its evidence, and the base hits in it.

    Every hit of the match gives one, at the instant the condition first held with it: so a correlation further out
    knows of the match while it is still going on.
    """

    run: Run
    items: int
    hits: int


@dataclass(slots=True)
class Run:
    """A match being put together: windows that hold and share hits.

    Attributes:
        ident: What makes it one match, however many pulses it gives.
        shown: The group as its first hit writes it.
        upto: The number, in its group, of the hit after its last.
        last_time: Instant of its last hit.
        items: (member, evidence) of its first hits; for each member at most `EVIDENCE_PER_FINDING` events.
        taken: How many of `items` each member has.
        last: (member, evidence) of its last hit, which is cited even where `items` is full.
        base: Hits of base rules in it.
        nested: Count of each nested match in it, as of its last pulse.
        peak: The greatest figure of its windows.
    """

    ident: Ident
    shown: tuple[str, ...]
    upto: int
    last_time: int
    items: list[tuple[int, bytes | Pulse]] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)
    last: tuple[int, bytes | Pulse] | None = None
    base: int = 0
    nested: dict[Ident, int] = field(default_factory=dict)
    peak: float = float("-inf")

    @property
    def count(self) -> int:
        """Base hits that it stands for."""
        return self.base + sum(self.nested.values())

    def take(self, record: Record) -> bool:
        """Takes in its next hit; whether its evidence is kept among `items`."""
        proof: bytes | Pulse = record.proof
        last = self.last = (record.member, proof)
        self.last_time = record.time
        if isinstance(proof, Pulse):
            new = self.nested.get(record.ident) != proof.hits
            self.nested[record.ident] = proof.hits
        else:
            new = True
            self.base += 1
        taken = self.taken.get(record.member, 0)
        if not new or taken >= EVIDENCE_PER_FINDING:
            return False
        self.taken[record.member] = taken + 1
        self.items.append(last)
        return True


@dataclass(slots=True)
class Group:
    """The window of one group. Hits are numbered from 0 as they come; the window holds those from `first` on."""

    plan: CorrelationPlan
    key: tuple[str, ...]
    gauge: Gauge
    load: Load
    window: deque[Record] = field(default_factory=deque)
    first: int = 0
    judged: bool = True
    run: Run | None = None

    @classmethod
    def of(cls, plan: CorrelationPlan, key: tuple[str, ...], load: Load) -> Group:
        """An empty one."""
        return cls(plan, key, gauge_for(plan), load)

    @property
    def due(self) -> int:
        """Nothing happens to it by time alone while the watermark is at or before this instant."""
        if not self.judged and not self.plan.grows:
            return self.window[0].time + self.plan.span
        return self.window[-1].time + self.plan.span if self.window else 0

    def step(self, batch: Sequence[Record]) -> Iterator[Run | tuple[Record, Run]]:
        """Takes in all hits of the next instant.

        Yields:
            A `Run` that is over, or (hit, run) for each hit that became part of a match.
        """
        now = batch[0].time
        yield from self.let_go(now - self.plan.span)
        self.window.extend(batch)
        self.gauge.add(batch)
        self.judged = False
        if self.plan.grows:
            yield from self._judge()

    def let_go(self, floor: int) -> Iterator[Run | tuple[Record, Run]]:
        """Moves the window's start to `floor`; where a hit falls out, the window before was complete and is judged."""
        window = self.window
        if not window or window[0].time >= floor:
            return
        yield from self._judge()
        while window and window[0].time < floor:
            record = window.popleft()
            self.gauge.drop(record)
            self.load.drop(record.proof)
            self.first += 1
        if self.run is not None and self.run.upto <= self.first:
            run, self.run = self.run, None
            for _, proof in run.items:
                self.load.drop(proof)
            yield run

    def _judge(self) -> Iterator[tuple[Record, Run]]:
        if self.judged:
            return
        self.judged = True
        floor = self.window[0].time
        if not self.gauge.holds(floor):
            return
        end = self.first + len(self.window)
        if self.run is None:
            head = self.window[0]
            self.run = Run((self.plan.ref, head.time, self.key), head.shown, self.first, head.time)
        run = self.run
        fresh = list(islice(reversed(self.window), end - max(run.upto, self.first)))
        run.upto = end
        run.peak = max(run.peak, self.gauge.figure(floor))
        for record in reversed(fresh):
            if run.take(record):
                self.load.add(record.proof)
        for record in reversed(fresh):
            yield record, run
