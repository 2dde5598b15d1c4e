"""A hit as one correlation sees it, and what all correlations share of it.

A waiting hit is one small object without a garbage collector's header: nothing walks a million of them, and what several
rules see of one event (its evidence, its id, its time) is held once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from tocsin.config.bounds import EVIDENCE_PER_FINDING

Key = tuple[str, ...]
"""A group: the caseless values of its group-by fields."""

Ident = tuple[str, int] | tuple[str, int, Key]
"""What counts once: (stream, seq) of an event, or (correlation, start, group) of another correlation's match."""

NEVER: Final = -(2**62)
"""Before every instant."""

HIT_BYTES: Final = 320
"""What a waiting hit costs for each correlation that it waits for, its group included (measured with CPython 3.11)."""

EVENT_BYTES: Final = 220
"""What its event costs beside the encoded evidence, once (measured with CPython 3.11)."""

GROUP_BYTES: Final = 1_400
"""What a group with a window costs beside its hits (measured with CPython 3.11); an idle one is within `HIT_BYTES`."""

TEXT_BYTES: Final = 128
"""Characters of a hit's own group and values that `HIT_BYTES` covers; longer ones are counted one by one."""


class Exhibit(msgspec.Struct, gc=False):
    """One event's evidence, shared by all correlations that it waits for.

    Attributes:
        proof: `correlation_evidence.Testimony` in bytes.
        holders: How many hold it, for the account of memory.
    """

    proof: bytes
    holders: int = 0


class Record(msgspec.Struct, gc=False):
    """A hit as one correlation sees it.

    Attributes:
        time: When it counts (instant).
        key: Its group, caseless.
        member: Which of the plan's members it is a hit of.
        ident: What counts once.
        shown: Its group as the event writes it.
        texts: For `value_count`: the distinct values it adds, caseless.
        numbers: For the metrics: the values it adds.
        row: Values that correlations further out ask for, in order of what they ask.
        proof: Its evidence.
        long: Characters of its group and values, where they are more than `TEXT_BYTES`; else 0.
    """

    time: int
    key: Key
    member: int
    ident: Ident
    shown: Key
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    row: tuple[str | tuple[str, ...] | None, ...]
    proof: Exhibit | Pulse
    long: int

    def length(self) -> int:
        """What `long` is to be."""
        parts = [*self.key, *self.shown, *self.texts]
        for text in self.row:
            parts.extend((text,) if isinstance(text, str) else text or ())
        length = sum(map(len, parts)) + 8 * len(self.numbers)
        return length if length > TEXT_BYTES else 0


class Pulse(NamedTuple):
    """A nested correlation's match as it stood at one instant: `run`, the first `items` of its evidence, and the base hits in it.

    Every hit of the match gives one, at the instant the condition first held with it: so a correlation further out
    knows of the match while it is still going on.
    """

    run: Run
    items: int
    hits: int


@dataclass(slots=True)
class Load:
    """What is held in memory, over all correlations: hits, and roughly their bytes."""

    hits: int = 0
    size: int = 0

    def take(self, record: Record) -> None:
        """One more hit."""
        proof = record.proof
        self.hits += 1
        size = HIT_BYTES + record.long
        if type(proof) is Exhibit:
            if not proof.holders:
                size += EVENT_BYTES + len(proof.proof)
            proof.holders += 1
        self.size += size

    def drop(self, record: Record) -> None:
        """One less."""
        proof = record.proof
        self.hits -= 1
        size = HIT_BYTES + record.long
        if type(proof) is Exhibit:
            proof.holders -= 1
            if not proof.holders:
                size += EVENT_BYTES + len(proof.proof)
        self.size -= size

    def cite(self, proof: Exhibit | Pulse) -> None:
        """One more that holds `proof`."""
        self.hits += 1
        if type(proof) is Exhibit:
            if not proof.holders:
                self.size += EVENT_BYTES + len(proof.proof)
            proof.holders += 1
        self.size += HIT_BYTES

    def release(self, proof: Exhibit | Pulse) -> None:
        """One less."""
        self.hits -= 1
        if type(proof) is Exhibit:
            proof.holders -= 1
            if not proof.holders:
                self.size -= EVENT_BYTES + len(proof.proof)
        self.size -= HIT_BYTES


@dataclass(slots=True)
class Run:
    """A match being put together: windows that hold and share hits.

    Attributes:
        number: Its own among all runs of a state.
        ident: What makes it one match, however many pulses it gives.
        shown: The group as its first hit writes it.
        last_time: Instant of its last hit; the group's hits up to here that are still in the window are part of it.
        items: (member, evidence) of its first hits; for each member at most `EVIDENCE_PER_FINDING` events.
        taken: How many of `items` each member has.
        last: (member, evidence) of its last hit, which is cited even where `items` is full.
        base: Hits of base rules in it.
        nested: Count of each nested match in it, as of its last pulse.
        peak: The greatest figure of its windows.
    """

    number: int
    ident: Ident
    shown: Key
    last_time: int = NEVER
    items: list[tuple[int, Exhibit | Pulse]] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)
    last: tuple[int, Exhibit | Pulse] | None = None
    base: int = 0
    nested: dict[Ident, int] = field(default_factory=dict)
    peak: float = float("-inf")

    @property
    def count(self) -> int:
        """Base hits that it stands for."""
        return self.base + sum(self.nested.values()) if self.nested else self.base

    def take(self, record: Record) -> bool:
        """Takes in its next hit; whether its evidence is kept among `items`."""
        proof, member = record.proof, record.member
        self.last = last = (member, proof)
        self.last_time = record.time
        if type(proof) is Pulse:
            known = self.nested.get(record.ident)
            self.nested[record.ident] = proof.hits
            if known == proof.hits:
                return False
        else:
            self.base += 1
        taken = self.taken.get(member, 0)
        if taken >= EVIDENCE_PER_FINDING:
            return False
        self.taken[member] = taken + 1
        self.items.append(last)
        return True
