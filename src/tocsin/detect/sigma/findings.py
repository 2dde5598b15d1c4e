"""Matches of Sigma rules → hits for correlations, and findings for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from tocsin.config import bounds
from tocsin.detect.claims import claims_of, entities_of
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.hit import Hit
from tocsin.detect.sigma.ruleset import Metadata
from tocsin.records.event import Event
from tocsin.records.finding import Entity, Finding, evidence_of, finding_id, weakest_auth

SUBJECT_ORDER: Final = ("host", "user", "account", "address")
"""What a finding is chiefly about: the first kind that its evidence names."""


def hit_of(rule: str, event: Event, values: dict[str, Any]) -> Hit:
    """The hit of `rule` on `event`, with the field values that correlations want of it."""
    claims = claims_of(event)
    return Hit(
        rule=rule,
        time=event.time,
        start=event.time,
        evidence=(evidence_of(event, bounds.EVIDENCE_RAW_CHARS),),
        values=values,
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


def finding_of(meta: Metadata, hit: Hit, detector: str, version: str) -> Finding:
    """What `hit` of the rule `meta` tells a person.

    The id of a finding on one event depends on that event only; a correlation's also on its group and window.
    """
    events = [piece.event_id for piece in hit.evidence]
    correlated = detector == "sigma-correlation"
    group = {name: str(value) for name, value in sorted(hit.values.items())} if correlated else {}
    key = "\x1e".join(f"{name}={value}" for name, value in group.items())
    return Finding(
        id=finding_id(detector, meta.id, key, hit.start if correlated else 0, events),
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
        group=group,
    )


def subject_of(entities: Sequence[Entity], source: str) -> Entity:
    """Whom a finding is about: a host, else a user, else an address; the source where nobody is named."""
    for kind in SUBJECT_ORDER:
        for entity in entities:
            if entity.kind == kind:
                return entity
    return Entity(entities[0].site if entities else "local", "source", source)
