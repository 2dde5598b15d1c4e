"""Matches of Sigma rules → hits for correlations, and findings for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tocsin.config import bounds
from tocsin.detect.claims import claims_of, entities_of
from tocsin.detect.sigma.correlations.correlations import CorrelationMatch
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.hit import Hit
from tocsin.detect.sigma.ruleset import Metadata
from tocsin.records.event import Event
from tocsin.records.finding import Claim, Entity, Finding, evidence_of, finding_id, weakest_auth
from tocsin.records.instants import MINUTE

SUBJECT_ORDER: Final = ("host", "user", "account", "address")
"""What a finding is chiefly about: the first kind that its evidence names."""


def hit_on(event: Event) -> Hit:
    """A hit on `event`, of no rule yet and with no values: what all of its hits have in common."""
    claims = claims_of(event)
    return Hit(
        rule="",
        time=event.time,
        start=event.time,
        evidence=(evidence_of(event, bounds.EVIDENCE_RAW_CHARS),),
        values={},
        entities=entities_of(event, claims),
        claims=claims,
        origin=event.origin,
    )


def values_for(view: EventView, fields: Iterable[str]) -> dict[str, Any]:
    """The event's values of `fields`: one as it is, several as a tuple; absent and null ones left out."""
    found: dict[str, Any] = {}
    for name in fields:
        values = tuple(value for value in view.values[name] or () if value is not None)
        if values:
            found[name] = values[0] if len(values) == 1 else values
    return found


def rule_finding(meta: Metadata, hit: Hit, version: str) -> Finding:
    """What the match of one event tells a person. Its id depends on the rule and the event only."""
    identity = finding_id("sigma", meta.id, "", 0, (piece.event_id for piece in hit.evidence))
    return _finding("sigma", version, identity, meta, hit)


def correlation_finding(
    meta: Metadata, match: CorrelationMatch, members: Sequence[Metadata], version: str
) -> Finding:
    """What a correlation's match tells a person: its events, and what they were grouped by.

    A correlation that names no technique or tactic has those of the rules that it refers to.
    """
    hit = match.hit
    group = {name: _shown(value) for name, value in hit.values.items()}
    key = "\x1e".join(f"{name}={value}" for name, value in group.items())
    events = [piece.event_id for piece in hit.evidence]
    identity = finding_id("sigma-correlation", meta.id, key, hit.start, events)
    tagged = [meta] if meta.techniques or meta.tactics else members
    return replace(
        _finding("sigma-correlation", version, identity, meta, hit),
        claims=(*_repetition(match, group, members), *hit.claims),
        group=group,
        techniques=tuple(dict.fromkeys(one for member in tagged for one in member.techniques)),
        tactics=tuple(dict.fromkeys(one for member in tagged for one in member.tactics)),
    )


def _repetition(
    match: CorrelationMatch, group: Mapping[str, str], members: Sequence[Metadata]
) -> Iterable[Claim]:
    """How often it happened, where that is what was counted."""
    if match.plan.type not in {"event_count", "value_count"}:
        return
    hit = match.hit
    values = {
        "count": str(hit.count),
        "what": " or ".join(member.title for member in members),
        "minutes": str(max(1, math.ceil((hit.time - hit.start) / MINUTE))),
    }
    if group:
        values["group"] = ", ".join(f"{name} {value}" for name, value in group.items())
    if match.plan.type == "value_count":
        values["distinct"] = str(int(match.figure))
        values["counted"] = ", ".join(match.plan.fields)
    yield Claim("repeated", values, tuple(piece.event_id for piece in hit.evidence), hit.time)


def _finding(detector: str, version: str, identity: str, meta: Metadata, hit: Hit) -> Finding:
    return Finding(
        id=identity,
        detector=detector,
        detector_version=version,
        rule_id=meta.id,
        rule_title=meta.title,
        level=meta.level,
        techniques=meta.techniques,
        tactics=meta.tactics,
        subject=subject_of(hit.entities, hit.evidence[-1].source),
        time=hit.time,
        start=hit.start,
        evidence=hit.evidence,
        entities=hit.entities,
        auth=weakest_auth(piece.auth for piece in hit.evidence),
        origin=hit.origin,
        claims=hit.claims,
        description=meta.description,
        falsepositives=meta.falsepositives,
    )


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def subject_of(entities: Sequence[Entity], source: str) -> Entity:
    """Whom a finding is about: a host, else a user, else an address; the source where nobody is named."""
    for kind in SUBJECT_ORDER:
        for entity in entities:
            if entity.kind == kind:
                return entity
    return Entity(entities[0].site if entities else "local", "source", source)
