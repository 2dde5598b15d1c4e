"""What a waiting hit states, in bytes, and the hit that a finished match becomes.

A hit may wait for days; as bytes it is a tenth of the objects, and the garbage collector never walks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from tocsin.config.bounds import EVIDENCE_PER_FINDING
from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import Exhibit, Pulse, Run
from tocsin.detect.sigma.hit import Hit
from tocsin.records.event import Auth, EventId
from tocsin.records.finding import Claim, Entity, Evidence, combined_origin


@dataclass(frozen=True, slots=True)
class Testimony:
    """All of a base hit that is told of it later."""

    evidence: tuple[Evidence, ...]
    entities: tuple[Entity, ...]
    claims: tuple[Claim, ...]
    origin: str


_Piece = tuple[EventId, str, int, int, Auth, str | None, str]
_Name = tuple[str, str, str]
_Statement = tuple[str, dict[str, str], tuple[EventId, ...], int]
_Told = tuple[tuple[_Piece, ...], tuple[_Name, ...], tuple[_Statement, ...], str]
"""A testimony without the names of its parts: two thirds of the bytes, and of the time."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Told)


def encoded(hit: Hit) -> bytes:
    """The testimony of `hit`; characters that no UTF-8 can hold (lone surrogates) become U+FFFD."""
    return encoded_testimony(hit.evidence, hit.entities, hit.claims, hit.origin)


def encoded_testimony(
    evidence: Iterable[Evidence], entities: Iterable[Entity], claims: Iterable[Claim], origin: str
) -> bytes:
    """As `encoded`, of its parts."""
    told = (
        [(one.event_id, one.source, one.record, one.time, one.auth, one.host, one.raw) for one in evidence],
        [(one.site, one.kind, one.id) for one in entities],
        [(one.type, one.values, one.evidence, one.time) for one in claims],
        origin,
    )
    try:
        return _ENCODER.encode(told)
    except UnicodeEncodeError:
        return _ENCODER.encode(_utf8(msgspec.to_builtins(told)))


def decoded(proof: bytes) -> Testimony:
    """What `encoded` was given.

    Raises:
        msgspec.MsgspecError: it is nothing that `encoded` gave.
    """
    evidence, entities, claims, origin = _DECODER.decode(proof)
    return Testimony(
        tuple([Evidence(*one) for one in evidence]),
        tuple([Entity(*one) for one in entities]),
        tuple([Claim(*one) for one in claims]),
        origin,
    )


def clean(text: str) -> str:
    """`text` with what no UTF-8 can hold as U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [_utf8(one) for one in value]
    if isinstance(value, dict):
        return {_utf8(name): _utf8(one) for name, one in value.items()}
    return value


def hit_of(plan: CorrelationPlan, run: Run) -> Hit:
    """The finished match `run` as a hit of `plan`.

    It cites at most `EVIDENCE_PER_FINDING` events: where there are more, each rule keeps a fair share, its first
    events and its last.
    """
    told: dict[int, dict[Any, tuple[Evidence, Testimony]]] = {}
    for member, proof in [*run.items, *([run.last] if run.last else [])]:
        for testimony in _testimonies(proof):
            for one in testimony.evidence:
                told.setdefault(member, {})[one.event_id] = (one, testimony)
    chosen = _fair_share([sorted(events.values(), key=_by_time) for events in told.values()])
    cited = {id(testimony): testimony for _, testimony in chosen}.values()
    evidence = tuple({one.event_id: one for one, _ in chosen}.values())
    return Hit(
        rule=plan.ref,
        time=run.last_time,
        start=evidence[0].time,
        evidence=evidence,
        values=dict(zip(plan.group_by, run.shown, strict=True)),
        entities=tuple(dict.fromkeys(entity for testimony in cited for entity in testimony.entities)),
        claims=tuple(_distinct(claim for testimony in cited for claim in testimony.claims)),
        origin=combined_origin(testimony.origin for testimony in cited),
        count=run.count,
    )


def _testimonies(proof: Exhibit | Pulse) -> Iterable[Testimony]:
    """What `proof` rests on; nested matches down to their base hits, each once."""
    waiting: list[Exhibit | Pulse] = [proof]
    deepest: dict[int, int] = {}
    while waiting:
        one = waiting.pop()
        if isinstance(one, Exhibit):
            yield decoded(one.proof)
        elif deepest.get(id(one.run), 0) < one.items:
            known = deepest.get(id(one.run), 0)
            deepest[id(one.run)] = one.items
            waiting.extend(proof for _, proof in one.run.items[known : one.items])


def _by_time(told: tuple[Evidence, Testimony]) -> tuple[int, Any]:
    return told[0].time, told[0].event_id


def _fair_share(lists: list[list[tuple[Evidence, Testimony]]]) -> list[tuple[Evidence, Testimony]]:
    """At most `EVIDENCE_PER_FINDING` of all `lists`, in order of time; what a short list leaves goes to the others."""
    left, chosen = EVIDENCE_PER_FINDING, []
    for place, events in enumerate(sorted(lists, key=len)):
        share = max(1, left // (len(lists) - place))
        kept = events if len(events) <= share else [*events[: share - 1], events[-1]]
        left -= len(kept)
        chosen.extend(kept)
    return sorted(chosen, key=_by_time)


def _distinct(claims: Iterable[Claim]) -> Iterable[Claim]:
    return {
        (claim.type, claim.time, claim.evidence, tuple(claim.values.items())): claim for claim in claims
    }.values()
