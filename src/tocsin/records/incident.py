"""An incident: findings that belong together, told as one thing that needs somebody (DESIGN section 3).

An incident's id comes from its first finding and never changes; a merge keeps the older id and aliases the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tocsin.records.event import Auth, EventId
from tocsin.records.finding import Finding, Level

Status = Literal["open", "acknowledged", "resolved", "dismissed", "regressed"]
Decided = Literal["acknowledged", "resolved", "dismissed"]
"""What an operator may say of an incident."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence shown to a person, and the events that it was read from (none only for advice)."""

    text: str
    evidence: tuple[EventId, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings that belong together, before words are put to them.

    Attributes:
        id: From its first finding; never changes.
        rank: 1 is the most urgent.
        severity: The highest that its findings and their combination justify.
        score: What it was ranked by; only an order, no probability.
        findings: In order of time, never empty.
        aliases: Ids of incidents that were merged into this one.
        further: Findings that belong to it and were only counted (`bounds.FINDINGS_PER_INCIDENT` and its like).
    """

    id: str
    rank: int
    severity: Level
    score: float
    first: int
    last: int
    hosts: tuple[str, ...]
    users: tuple[str, ...]
    addresses: tuple[str, ...]
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]
    findings: tuple[Finding, ...]
    auth: Auth
    origin: str = "live"
    status: Status = "open"
    aliases: tuple[str, ...] = ()
    further: int = 0

    @property
    def count(self) -> int:
        """All its findings, those that were only counted included."""
        return len(self.findings) + self.further


@dataclass(frozen=True, slots=True)
class Told:
    """An incident with its words: what a person reads.

    Attributes:
        title: One line: what, who, where.
        story: What happened, in order of time, each sentence with its evidence and whose word that is.
        steps: Three concrete next steps.
    """

    incident: Incident
    title: str
    story: tuple[Sentence, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator said of an incident, and what it was then.

    Attributes:
        incident: Its id.
        at: When (instant).
        reason: Why it was dismissed; empty otherwise where nothing was said.
        count: Findings that it had.
        severity: How grave it was.
        rules: Ids of its findings' rules.
    """

    incident: str
    status: Decided
    at: int
    reason: str
    count: int
    severity: Level
    rules: tuple[str, ...]
