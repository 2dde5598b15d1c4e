"""A hit: one rule matched one event, or one correlation matched a set of hits. What correlations eat and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.records.finding import Claim, Entity, Evidence


@dataclass(frozen=True, slots=True)
class Hit:
    """A match of the rule with id `rule`.

    Attributes:
        rule: The rule's id, or its name where it has no id: what `rules:` of a correlation refers to.
        time: Instant of the last evidence (for an event: its `time`).
        start: Instant of the first evidence.
        evidence: In order of time, never empty; at most `bounds.EVIDENCE_PER_FINDING`.
        values: For a base hit the event's values of exactly the fields that some correlation groups by, counts or
            aliases (absent fields left out); for a correlation's hit its group-by values.
        entities: Everybody the evidence names.
        claims: What the evidence states.
        origin: `live` or the first simulated origin.
        count: How many base hits it stands for (more than `evidence` where that was cut).
    """

    rule: str
    time: int
    start: int
    evidence: tuple[Evidence, ...]
    values: Mapping[str, Any]
    entities: tuple[Entity, ...] = ()
    claims: tuple[Claim, ...] = ()
    origin: str = "live"
    count: int = 1
