"""The state of the correlations as rows, so that a commit writes what changed and not everything.

| row | what it holds |
| --- | --- |
| `meta` | version, watermark, counts |
| `ready` | matches that are over and were not fetched |
| `lane/L` | one correlation, by a digest of its reference and its meaning |
| `hits/N/C` | the hits of the N-th writing that are held for about 2^C seconds more, in one block |
| `group/L/K` | a group whose state its hits do not tell: its match, or that its window is judged |
| `run/N`, `run/N/I` | a match: its sums, and the I-th part of its evidence, which never changes |

A block is written once and goes when none of its hits can be in a window any more; because a block's hits have about
as long to live, blocks take at most a small multiple of what is held. Gauges are not written; they are measured again.
Rows are MessagePack, checked against the types below when read: state from a disk is input like any other.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import Ident, Key
from tocsin.detect.sigma.hit import Hit

VERSION: Final = 2

FlatIdent = tuple[str, int, Key | None]
FlatProof = int | tuple[int, int, int]
"""The number of an event in its block, or (run, items, hits) of a pulse."""

RunProof = bytes | tuple[int, int, int]


class MetaRow(msgspec.Struct, array_like=True):
    """Row `meta`."""

    version: int
    judged_early: int
    late: int
    watermark: int
    begun: int


class LaneRow(msgspec.Struct, array_like=True):
    """Row `lane/L`; `watermark` is how far it has judged where that is further than the common one says."""

    number: int
    ref: str
    watermark: int


class HitRow(msgspec.Struct, array_like=True):
    """A hit in a block."""

    lane: int
    time: int
    key: Key
    member: int
    ident: FlatIdent
    shown: Key | None
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    row: tuple[str | tuple[str, ...] | None, ...]
    proof: FlatProof


class BlockRow(msgspec.Struct, array_like=True):
    """Row `hits/N/C`: the digests of its lanes, the events, the hits on them."""

    lanes: list[str]
    events: list[bytes]
    hits: list[HitRow]


class GroupRow(msgspec.Struct, array_like=True):
    """Row `group/L/K`."""

    lane: str
    key: Key
    judged: bool
    run: int | None


class RunRow(msgspec.Struct, array_like=True):
    """Row `run/N`."""

    ident: FlatIdent
    shown: Key
    last_time: int
    parts: int
    taken: dict[int, int]
    last: tuple[int, RunProof] | None
    base: int
    nested: list[tuple[FlatIdent, int]]
    peak: float


Part = list[tuple[int, RunProof]]
Ready = list[tuple[str, Hit, float]]

encode: Final = msgspec.msgpack.Encoder().encode


def tag_of(plan: CorrelationPlan) -> str:
    """What must be equal for state to fit: the reference, and everything but words and what is reported."""
    aliases = sorted((alias, sorted(names.items())) for alias, names in plan.aliases.items())
    terms = [(term.wanted, sorted(term.unwanted)) for term in plan.terms]
    parts = (
        plan.ref, plan.type, plan.members, sorted(plan.nested), plan.span, plan.group_by, plan.fields, aliases,
        plan.bounds and plan.bounds.criteria, terms, plan.percentile,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def group_name(tag: str, key: Key) -> str:
    """The name of a group's row."""
    return f"group/{tag}/{hashlib.sha256(encode(key)).hexdigest()[:32]}"


def flat_ident(ident: Ident) -> FlatIdent:
    """`ident` as rows hold it."""
    return (ident[0], ident[1], ident[2] if len(ident) == 3 else None)


def ident_of(saved: FlatIdent) -> Ident:
    """What `flat_ident` was given."""
    return saved[:2] if saved[2] is None else (saved[0], saved[1], saved[2])
