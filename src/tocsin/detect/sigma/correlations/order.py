"""Hits in the order of a list: what `temporal_ordered` asks for."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from tocsin.detect.sigma.correlations.records import Record

NEVER: Final = -(2**63)
"""Before every instant."""


class Chains:
    """Hits of different rules in the order of a list, one after another.

    A hit follows another if it is later, or of the same instant and either from another stream (there is no telling)
    or later in the same stream. For each length the chain with the latest start is kept: a window that opens at
    `floor` and ends now holds a chain of that length exactly if that start is not before `floor`.
    """

    def __init__(self, sequence: Iterable[int], *, gaps: bool) -> None:
        self._place = {member: place for place, member in enumerate(sequence)}
        self._gaps = gaps
        size = len(self._place) + 1
        # starts[place][length]: the latest start of a chain of `length` that ends before `place` in the list.
        self._starts = [[NEVER] * size for _ in range(size)]

    def longest(self, floor: int) -> int:
        """The length of the longest chain that starts at `floor` or later; 0 where there is none."""
        ends = self._starts[-1]
        return next((length for length in range(len(ends) - 1, 0, -1) if ends[length] >= floor), 0)

    def add(self, batch: Sequence[Record]) -> None:
        """Takes in all hits of one instant."""
        hits = sorted(
            (self._place[one.member], one.ident[0], one.ident[1])
            for one in batch
            if one.member in self._place
        )
        if not hits:
            return
        now = batch[0].time
        peers = _Peers(len(self._starts))
        ends: list[tuple[int, list[int]]] = []
        for place in dict.fromkeys(hit[0] for hit in hits):
            fresh = []
            for _, stream, seq in hits[
                bisect.bisect_left(hits, (place,)) : bisect.bisect_left(hits, (place + 1,))
            ]:
                before = self._starts[place]
                if ends:
                    before = list(map(max, before, peers.before(stream, seq)))
                chains = self._extended(place, now, before)
                fresh.append((stream, seq, chains))
                ends.append((place, chains))
            if len(hits) > 1:
                peers.add(fresh)
        for place, chains in ends:
            self._keep(place, chains)

    def _extended(self, place: int, now: int, before: Sequence[int]) -> list[int]:
        chains = [NEVER] * len(before)
        for length in range(1 if self._gaps else place + 1, place + 2):
            chains[length] = now if length == 1 else before[length - 1]
        return chains

    def _keep(self, place: int, chains: Sequence[int]) -> None:
        for length, start in enumerate(chains):
            if start == NEVER:
                continue
            for later in range(place + 1, len(self._starts)):
                row = self._starts[later]
                if row[length] >= start:
                    break  # rows only grow towards the end of the list
                row[length] = start


class _Peers:
    """Chains that end in the instant at hand, to be followed by hits of the same instant."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._streams: dict[str, tuple[list[int], list[list[int]]]] = {}
        self._best: list[list[tuple[int, str]]] = [[] for _ in range(size)]

    def before(self, stream: str, seq: int) -> list[int]:
        """The latest starts by length, over all that a hit (stream, seq) may follow."""
        found = [next((start for start, other in best if other != stream), NEVER) for best in self._best]
        seqs, starts = self._streams.get(stream, ([], []))
        earlier = bisect.bisect_left(seqs, seq)
        return list(map(max, found, starts[earlier - 1])) if earlier else found

    def add(self, fresh: Sequence[tuple[str, int, list[int]]]) -> None:
        """Takes in the chains (stream, seq, starts), sorted, that end at one more place of the list."""
        for stream, hits in groupby(fresh, key=itemgetter(0)):
            seqs, starts = self._streams.get(stream, ([], []))
            merged = sorted([*zip(seqs, starts, strict=True), *((seq, chains) for _, seq, chains in hits)])
            top = [NEVER] * self._size
            rows = []
            for _, one in merged:
                top = list(map(max, top, one))
                rows.append(top)
            self._streams[stream] = [seq for seq, _ in merged], rows
            for length, start in enumerate(top):
                others = [entry for entry in self._best[length] if entry[1] != stream]
                self._best[length] = sorted([*others, (start, stream)], reverse=True)[:2]
