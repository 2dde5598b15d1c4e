"""A hit as one correlation sees it."""

from __future__ import annotations

from typing import Any, NamedTuple

Ident = tuple[str, int] | tuple[str, int, tuple[str, ...]]
"""What counts once: (stream, seq) of an event, or (correlation, start, group) of another correlation's match."""


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
