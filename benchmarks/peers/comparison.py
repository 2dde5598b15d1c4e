"""Hits compared, then speed: what is measured of one engine beside Tocsin."""

from __future__ import annotations

import gc
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.peers.peer import Hits, Peer, Run
from benchmarks.peers.workload import Workload
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.detect.sigma.tree import AllOf, AnyOf, Node, Not, leaves


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule whose hits differ, and how many only one side has.

    Attributes:
        classes: What the rule asks that engines disagree about: `regex`, `glob`, `null`, `field missing under not`…
    """

    rule: str
    title: str
    classes: tuple[str, ...]
    only_ours: int
    only_theirs: int


@dataclass(frozen=True, slots=True)
class Speed:
    """CPU seconds: medians of alternated rounds over the rules with equal hits.

    Attributes:
        ratios: Of the peer's time to ours, the median of the rounds': `matching`, and `file to hits`.
    """

    ours: Run
    theirs: Run
    matching: float
    file_to_hits: float


def differences(workload: Workload, ours: Hits, theirs: Hits) -> list[Difference]:
    """The rules whose hits differ."""
    made = []
    for rule in workload.rules:
        mine, other = ours.get(rule.id, frozenset()), theirs.get(rule.id, frozenset())
        if mine != other:
            classes = tuple(sorted(set(_classes(rule))))
            made.append(Difference(rule.id, rule.meta.title, classes, len(mine - other), len(other - mine)))
    return made


def by_class(found: list[Difference]) -> Mapping[str, int]:
    """How many of `found` have each set of classes."""
    return dict(Counter(" + ".join(one.classes) or "plain text" for one in found).most_common())


def _classes(rule: CompiledRule) -> Iterator[str]:
    for leaf in leaves(rule.condition):
        if leaf.op in {"regex", "glob", "null", "cidr", "number", "fieldref"}:
            yield leaf.op
        if leaf.field is None:
            yield "keywords"
        if leaf.cased and leaf.op != "regex":
            yield "cased"
    if _negates(rule.condition):
        yield "not"


def _negates(node: Node) -> bool:
    if isinstance(node, AllOf | AnyOf):
        return any(map(_negates, node.nodes))
    return isinstance(node, Not)


def speed(workload: Workload, ours: Peer, theirs: Peer, rounds: int) -> Speed:
    """Runs both in turn, `rounds` times; whoever goes first changes.

    Raises:
        AssertionError: the hits are not equal after all.
    """
    pairs: list[tuple[Run, Run]] = []
    for number in range(rounds):
        if number % 2:
            other, mine = quietly(theirs, workload), quietly(ours, workload)
        else:
            mine, other = quietly(ours, workload), quietly(theirs, workload)
        assert not differences(workload, mine.hits, other.hits), "hits differ between rounds"
        pairs.append((mine, other))
    return Speed(
        _median([mine for mine, _ in pairs]),
        _median([other for _, other in pairs]),
        statistics.median(_ratio(mine.matching, other.matching) for mine, other in pairs),
        statistics.median(_whole(other) / _whole(mine) for mine, other in pairs),
    )


def quietly(peer: Peer, workload: Workload) -> Run:
    """A run in which the collector of garbage leaves what was there before alone, the events above all."""
    gc.collect()
    gc.freeze()
    try:
        return peer.run(workload)
    finally:
        gc.unfreeze()


def _whole(one: Run) -> float:
    return one.reading + (one.matching or 0.0)


def _ratio(ours: float | None, theirs: float | None) -> float:
    return theirs / ours if ours and theirs is not None else float("nan")


def _median(runs: list[Run]) -> Run:
    known = [one.matching for one in runs if one.matching is not None]
    return Run(
        runs[0].hits,
        statistics.median(known) if known else None,
        statistics.median(one.reading for one in runs),
        statistics.median(one.start for one in runs),
    )
