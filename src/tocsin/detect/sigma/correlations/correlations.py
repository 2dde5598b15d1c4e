"""Correlation rules over hits: what counts as a match, decided once, here.

Sources: [S] Sigma Correlation Rules Specification 2.0 and 2.1; [P] pySigma 2.0.1, where it reads what the
specification leaves open; [T] decided by Tocsin, because neither says.

Time
 1. Only the events' own times count, never when they arrived. [T]
 2. A window is as long as `timespan`, both ends included: two events exactly `timespan` apart share one. [T]
 3. Windows slide: they end at a hit and are not cut at clock boundaries [S "Temporal Proximity"]. M is 1/12 and y is
    1 Gregorian year of 365.2425 days. [P]
 4. Hits in any order, and batches cut anywhere, give the same matches as hits in order and in one batch. A hit that
    comes after the watermark passed it is not judged; `late` counts it. At the end of time all windows are judged
    and closed, and what comes after that, in a later scan into the same store, is judged by itself. [T]

Groups
 5. Hits belong together if all `group-by` values are equal [S]: caseless, and numbers by value, as Sigma compares [T].
 6. An event without one of the group-by fields (absent or null) is in no group and does not count. An empty text is a
    value. A list is one value, in its order. [T]
 7. An alias stands for the field that it names for each rule, in `group-by` and in the condition's `field`; for a rule
    that it does not name it stands for the field of its own name. [S, the last part T]

What is counted
 8. An event counts once, however often it is delivered and however many of the rules it hits; for the temporal types
    it counts once for each rule. [T]
 9. `value_count` counts the distinct values of `field` [S]; of several fields, the distinct combinations; of a list,
    each element. An event without the field does not count. [T]
10. Metrics take numbers, and text that writes one in decimals; an event without a number in `field` does not count.
    Percentiles lie linearly between ranks (Hyndman and Fan's definition 7); `percentile` must be given. [T]
11. `temporal` counts the rules that have a hit, and wants all unless a condition says otherwise [S]. An extended
    condition is judged on the set of rules that have a hit. [P]
12. `temporal_ordered` wants them in the order of the list [S]: a hit follows another if it is later. Of two hits at
    the same instant the one later in the same file is later; between files there is no telling, and both orders
    count. One event cannot follow itself. With `gte: n` the longest ordered choice of rules counts. [T]

Matches
13. Windows that hold and share a hit are one match: a flood is told once, with its count, not once for each event. [T]
14. Where more hits can only help (`gt` and `gte` on counts, extended conditions without `not`), the window at every
    hit is judged. Everything else (`lt`, `lte`, `eq`, `neq`, ranges, metrics, `not`) is judged on complete windows:
    those that no further hit extends without pushing another out. So `lt: 3` is not met by the first of 500. [T]
15. A window without any hit is never judged: it has no group and no evidence. A condition that only such windows meet
    (`eq: 0`, `lt: 1`, `not rule_a`) cannot be run and is reported as a problem; one that they too meet (`lt: 3`) is
    run with a caveat. [T]
16. A match starts at its first evidence and ends at its last. It cites at most `bounds.EVIDENCE_PER_FINDING` events,
    a fair share for each rule, first ones and the last; `count` tells them all. [T]

Nesting
17. A correlation may refer to correlations [S]. A match of those counts once; it is there from the instant its
    condition first held, and again at each later hit of it. [T]
18. The outer correlation uses its own `group-by` only [S "Ordered Temporal Proximity"]: where the inner one does not
    group by such a field, each of its events' own values counts. [T]
19. A rule that a correlation refers to reports only through it, unless `generate: true`. [S]

Memory
20. At most `bounds.CORRELATION_HITS` hits and `bounds.CORRELATION_BYTES` of them are held. Over that, the oldest
    windows are judged before their time, and `judged_early` counts the hits. [T]
21. A group with fewer hits than any window that meets the condition has no window; its hits are let go when the
    watermark is `timespan`, and at most a sixteenth of it more, past them. It changes no answer: a subset of too few
    hits is too few. [T]
22. A match is told at the first `advance` after which no hit can join it. Where a group goes on, that may be as late
    as its next look at its window, never later than `timespan` after the group's last hit. [T]
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.correlations import snapshot
from tocsin.detect.sigma.correlations.evidence import clean, encoded, hit_of
from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import NEVER, Exhibit, Ident, Load
from tocsin.detect.sigma.correlations.rows import VERSION, MetaRow, tag_of
from tocsin.detect.sigma.correlations.state import Journal, Lane
from tocsin.detect.sigma.correlations.wiring import lanes_of, lenses_of
from tocsin.detect.sigma.correlations.writing import RowWriter
from tocsin.detect.sigma.hit import Hit
from tocsin.records.state_changes import StateChanges


@dataclass(frozen=True, slots=True)
class CorrelationMatch:
    """A correlation's condition held.

    Attributes:
        plan: The correlation.
        hit: The match as a hit: its evidence, and the values it is grouped by.
        figure: The greatest count, or measure, of its windows.
    """

    plan: CorrelationPlan
    hit: Hit
    figure: float


class Correlations:
    """Runs correlation plans over hits. The rules are this module's docstring.

    Args:
        plans: As `plan_correlations` gives them: what is referred to comes first.
        hits: How many hits it may hold; `bounds.CORRELATION_HITS`.
        size: How many bytes of them; `bounds.CORRELATION_BYTES`.

    Attributes:
        judged_early: Hits that were judged before the watermark passed them, because too many were held.
        late: Hits that came after the watermark had passed them, and were not judged.
    """

    def __init__(
        self,
        plans: Sequence[CorrelationPlan],
        hits: int = bounds.CORRELATION_HITS,
        size: int = bounds.CORRELATION_BYTES,
    ) -> None:
        self.plans = tuple(plans)
        self.judged_early = 0
        self.late = 0
        self._hits, self._size = hits, size
        self._ready: list[CorrelationMatch] = []
        self._numbers = {plan.ref: number for number, plan in enumerate(self.plans)}
        self._lenses = lenses_of(self.plans)
        self._tags = [tag_of(plan) for plan in self.plans]
        self._begin()

    def _begin(self) -> None:
        """Empty state; what was written of the old one is void."""
        self._load = Load()
        self._lanes = lanes_of(self.plans, self._load)
        self._watermark = NEVER
        self._last: tuple[Hit, Ident, Exhibit] | None = None
        self._writer: RowWriter | None = None

    @property
    def held(self) -> tuple[int, int]:
        """How many hits wait or are in open windows and matches, and roughly the bytes that they take."""
        return self._load.hits, self._load.size

    def references(self) -> frozenset[str]:
        """Base rules whose hits are wanted, as `Hit.rule` names them."""
        return frozenset(ref for ref in self._lenses if ref not in self._numbers)

    def wants(self, rule_ref: str) -> frozenset[str]:
        """The fields whose values a hit of `rule_ref` must carry."""
        return frozenset(name for _, lens in self._lenses.get(rule_ref, ()) for name in lens.wanted)

    def add(self, hit: Hit) -> None:
        """Takes in a hit of a base rule; those of rules that no correlation refers to are ignored.

        Hits of one event that follow one another share what is held of it.
        """
        lenses = self._lenses.get(hit.rule)
        if not lenses:
            return
        last = self._last
        if last is not None and last[0].evidence is hit.evidence and _same_event(last[0], hit):
            _, ident, proof = last
        else:
            event = hit.evidence[-1].event_id
            ident = event if event.stream.isascii() else (clean(event.stream), event.seq)
            proof = Exhibit(encoded(hit))
            self._last = hit, ident, proof
        for number, lens in lenses:
            record = lens.of_hit(hit, ident, proof)
            if record is not None and not self._lanes[number].add(record):
                self.late += 1
        if self._load.hits > self._hits or self._load.size > self._size:
            self._relieve()

    def advance(self, watermark: int) -> list[CorrelationMatch]:
        """The matches that are over once no hit before `watermark` can come, in order of time, plan and group.

        After `END_OF_TIME` it begins anew: a later run over a kept state brings hits of any time.
        """
        self._watermark = max(self._watermark, watermark)
        for lane in self._lanes:
            lane.advance(watermark)
            self._hear(lane)
        if watermark >= END_OF_TIME:
            self._begin()
        ready, self._ready = self._ready, []
        return sorted(
            ready,
            key=lambda match: (match.hit.time, self._numbers[match.plan.ref], *match.hit.values.values()),
        )

    def snapshot(self) -> bytes:
        """The whole state, for `restore`."""
        return snapshot.pack(self._written(RowWriter(self._lanes, self._tags)).put)

    def changes(self) -> StateChanges:
        """The rows that changed since they were last asked for, for `restore_rows`.

        The first time, and whenever the oldest were judged early, all of them: so who never asks pays nothing.
        """
        if self._writer is not None:
            journal = self._lanes[0].journal if self._lanes else None
            assert journal is not None or not self._lanes
            return self._written(self._writer, journal)
        self._writer = RowWriter(self._lanes, self._tags)
        changes = self._written(self._writer)
        journal = Journal()
        for lane in self._lanes:
            lane.journal = journal
        return changes

    def unwrite(self) -> None:
        """What was told by `changes` does not count: the next time everything is told."""
        self._writer = None
        for lane in self._lanes:
            lane.journal = None

    def restore(self, state: bytes) -> tuple[str, ...]:
        """Takes up what `snapshot` gave; the correlations whose state did not fit, because they changed.

        Raises:
            PluginError: it is no state, or of another version.
        """
        return self.restore_rows(snapshot.unpack(state))

    def restore_rows(self, rows: Mapping[str, bytes]) -> tuple[str, ...]:
        """Takes up the rows that all `changes` so far came to; the correlations whose state did not fit.

        Raises:
            PluginError: they are no rows of this state, or of another version.
        """
        load = Load()
        lanes = lanes_of(self.plans, load)
        saved = snapshot.restore(rows, lanes, self._tags)
        self._begin()
        self._load, self._lanes, self._watermark = load, lanes, saved.meta.watermark
        if lanes:
            lanes[0].news.begun.runs = saved.meta.begun
        self.judged_early, self.late = saved.meta.judged_early, saved.meta.late
        known = ((self._numbers.get(ref), hit, figure) for ref, hit, figure in saved.ready)
        self._ready = [
            CorrelationMatch(self.plans[one], hit, figure) for one, hit, figure in known if one is not None
        ]
        return saved.gone

    def _written(self, writer: RowWriter, journal: Journal | None = None) -> StateChanges:
        """What `writer` has to write: what `journal` holds, or else everything."""
        begun = self._lanes[0].news.begun.runs if self._lanes else 0
        meta = MetaRow(VERSION, self.judged_early, self.late, self._watermark, begun)
        ready = [(match.plan.ref, match.hit, match.figure) for match in self._ready]
        if journal is not None:
            writer.write(meta, ready, journal.admitted, journal.touched)
            journal.admitted, journal.touched = [], {}
        else:
            records = ((lane.number, record) for lane in self._lanes for record in lane.records())
            groups = ((lane.number, key) for lane in self._lanes for key in lane.groups)
            writer.write(meta, ready, records, groups)
        put, gone = writer.taken()
        return StateChanges(journal is None, put, gone)

    def _hear(self, lane: Lane) -> None:
        """Keeps finished matches, and tells the correlations further out of those that go on."""
        news = lane.news
        if news.pulses:
            pulses, news.pulses = news.pulses, []
            outer = self._lenses[lane.plan.ref]
            for time, record, pulse in pulses:
                for further, lens in outer:
                    seen = lens.of_pulse(time, pulse.run.ident, record.row, pulse)
                    if seen is not None and not self._lanes[further].add(seen):
                        self.late += 1
        if news.over:
            over, news.over = news.over, []
            self._ready.extend(CorrelationMatch(lane.plan, hit_of(lane.plan, run), run.peak) for run in over)

    def _relieve(self) -> None:
        """Judges the oldest windows before their time, until a quarter of what may be held is free again."""
        before = self._load.hits
        times = sorted(record.time for lane in self._lanes for record in lane.unjudged())
        if times:
            cut = times[len(times) // 4] + 1
            for lane in self._lanes:
                lane.advance(cut + lane.lag)
                self._hear(lane)
        oldest = [(lane.oldest(), lane.number) for lane in self._lanes]
        heapq.heapify(oldest)
        while oldest and self._over(3 / 4):
            age, number = oldest[0]
            lane = self._lanes[number]
            if age >= -NEVER:
                break
            lane.relieve()
            self._hear(lane)
            heapq.heapreplace(oldest, (lane.oldest(), number))
        self.judged_early += before - self._load.hits
        self.unwrite()

    def _over(self, part: float) -> bool:
        return self._load.hits > self._hits * part or self._load.size > self._size * part


def _same_event(one: Hit, other: Hit) -> bool:
    """Whether two hits with one evidence also tell the same of it."""
    return one.claims is other.claims and one.entities is other.entities and one.origin == other.origin
