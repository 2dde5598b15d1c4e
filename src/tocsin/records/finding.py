"""A finding: one detector says that these events mean something (DESIGN section 3).

Rules that hold for every finding:

1. Its evidence is never empty, and every piece of it is an event that was read.
2. Its id is a hash of (detector, rule id, group key, window start, sorted event ids): the same events judged twice,
   or by a newer version of the rule, give the same id.
3. `auth` is that of its weakest evidence: one forgeable event makes the finding forgeable.
4. Any simulated evidence makes it simulated.
5. What a person is told about it is rendered from `claims`; a claim cites the events that it was read from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tocsin.records.event import AUTH_ORDER, Auth, Event, EventId

Level = Literal["informational", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")
"""Sigma's levels, mildest first."""


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Somebody or something a finding is about: (site, kind, id), `kind` being host, user, address, account or plant."""

    site: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One event that a finding rests on.

    Attributes:
        event_id: The event.
        source: The path as given, `archive.zip!member` inside archives.
        record: 0-based ordinal of the record in that file or member (the same as the id's `seq`).
        time: The event's claimed instant.
        auth: How the event's origin was proven.
        host: Whose log it is, as the event says.
        raw: The record itself, cut to `config.bounds.EVIDENCE_RAW_CHARS`; pinned so that retention never unproves a sentence.
    """

    event_id: EventId
    source: str
    record: int
    time: int
    auth: Auth
    host: str | None
    raw: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One typed statement that evidence makes, from which sentences are rendered (`advise/`).

    Attributes:
        type: Which statement, from the enumerated set in `records/claims.py`, e.g. `process_started`.
        values: Its parts by name, e.g. {"image": …, "user": …, "host": …}; raw text of the source, hostile until escaped.
        evidence: The events that state it; never empty.
        time: The instant it happened, as the evidence claims.
    """

    type: str
    values: Mapping[str, str]
    evidence: tuple[EventId, ...]
    time: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detector found. See the module's docstring for the rules that hold.

    Attributes:
        detector: Name of the detector, e.g. `sigma` or `sigma-correlation`.
        rule_id: The rule's own id (a Sigma rule's UUID), or the detector's name for the check.
        level: Sigma's level; `medium` where a rule names none.
        techniques: ATT&CK technique ids, upper case, sub-technique kept, e.g. `T1059.001`.
        tactics: ATT&CK tactics as Sigma tags write them, e.g. `credential-access`.
        subject: Whom it is about.
        time: Instant of its last evidence.
        start: Instant of its first evidence.
        evidence: In order of time, never empty.
        entities: Everybody its evidence names (hosts, users, addresses): what incidents are linked by.
        p_value: For learned detectors only.
    """

    id: str
    detector: str
    detector_version: str
    rule_id: str
    rule_title: str
    level: Level
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]
    subject: Entity
    time: int
    start: int
    evidence: tuple[Evidence, ...]
    entities: tuple[Entity, ...]
    auth: Auth
    origin: str
    claims: tuple[Claim, ...] = ()
    description: str = ""
    falsepositives: tuple[str, ...] = ()
    group: Mapping[str, str] = field(default_factory=dict)
    p_value: float | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of the hosts it is about, in order."""
        return tuple(entity.id for entity in self.entities if entity.kind == "host")

    @property
    def users(self) -> tuple[str, ...]:
        """Names of the accounts it is about, in order."""
        return tuple(entity.id for entity in self.entities if entity.kind == "user")


def finding_id(
    detector: str, rule_id: str, group_key: str, window_start: int, events: Iterable[EventId]
) -> str:
    """The id of a finding: 24 hex digits of SHA-256 over its identity, the rule's version left out."""
    parts = [detector, rule_id, group_key, str(window_start), *sorted(map(str, events))]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def weakest_auth(auths: Iterable[Auth]) -> Auth:
    """The weakest of `auths`; `none` where there are none."""
    return min(auths, key=AUTH_ORDER.index, default="none")


def combined_origin(origins: Iterable[str]) -> str:
    """`live`, or the first simulated origin among `origins`."""
    return next((origin for origin in origins if origin != "live"), "live")


def evidence_of(event: Event, raw_chars: int) -> Evidence:
    """`event` as evidence, its raw text cut to `raw_chars`."""
    return Evidence(
        event.id, event.source, event.seq, event.time, event.auth, event.host, event.raw[:raw_chars]
    )
