"""Findings made to order: the smallest that can be told apart."""

from __future__ import annotations

from tocsin.records.event import EventId
from tocsin.records.finding import Claim, Entity, Evidence, Finding, finding_id

T0 = 1_772_000_000_000_000  # 2026-02-25T06:13:20Z


def finding(
    rule="r1",
    at=0,
    *,
    host=None,
    user=None,
    address=None,
    level="medium",
    tactics=(),
    techniques=(),
    claims=(),
    seq=None,
    origin="live",
    site="local",
    auth="none",
    raw="a record",
    title=None,
):
    """A finding `at` microseconds after T0; `host`, `user` and `address` are a name or a list of names."""
    entities = []
    for kind, given in (("host", host), ("user", user), ("address", address)):
        names = [given] if isinstance(given, str) else given or []
        entities += [Entity(site, kind, name) for name in names]
    when = T0 + at
    event = EventId(f"s-{rule}-{origin}", when if seq is None else seq)
    subject = entities[0] if entities else Entity(site, "source", "file")
    first_host = next((e.id for e in entities if e.kind == "host"), None)
    evidence = (Evidence(event, "logs.jsonl", 7, when, auth, first_host, raw),)
    made = tuple(Claim(kind, values, (event,), when) for kind, values in claims)
    return Finding(
        id=finding_id("sigma", rule, f"{origin}{[e.id for e in entities]}", when, [event]),
        detector="sigma",
        detector_version="1",
        rule_id=rule,
        rule_title=title or f"Rule {rule}",
        level=level,
        techniques=tuple(techniques),
        tactics=tuple(tactics),
        subject=subject,
        time=when,
        start=when,
        evidence=evidence,
        entities=tuple(entities),
        auth=auth,
        origin=origin,
        claims=made,
    )
