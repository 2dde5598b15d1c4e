"""Which of many literals a text holds, where it begins with one and where it ends in one: in one pass over the text.

Two kinds with the same answers. `automaton` is Aho and Corasick's (1975), by the package `ahocorasick_rs`, over UTF-8:
a character's bytes are no part of another's, so a literal's bytes are found exactly where the literal is. Lone
surrogates, which JSON can carry, get the three bytes that UTF-8 would give them (`surrogatepass`). `plain` asks for
each literal whose first three characters are in the text by itself, and needs no package.

An automaton tells every occurrence, and a hostile text could make millions of them. Texts are therefore read in
windows that hold at most `bounds.LITERAL_OCCURRENCES`, and a literal that was told once is soon no longer asked for.
Hyperscan, where it is wanted and installed, takes over for long texts (`hyperscan_database.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, chain
from typing import Final, TypeAlias

from tocsin.config import bounds
from tocsin.detect.sigma.plans.hyperscan_database import LongTexts
from tocsin.detect.sigma.plans.tuning import SearchKind

Occurrence: TypeAlias = tuple[int, int, int]
"""Index of the literal, start, end."""

Joined: TypeAlias = tuple[int, Sequence[int], Sequence[Occurrence]]
"""Texts put one after the other, one unit apart: the place of the first among those asked for, where each begins and
where one more would, and occurrences in them, most of them in the texts' order."""

_Search: TypeAlias = Callable[[bytes, bool], list[Occurrence]]

_HEAD: Final = 256
"""Bytes of a literal that the automaton knows; a longer one is confirmed where its head is found. Windows overlap by it."""

_DENSE_BYTES: Final = 8 * 1024
"""Literals that are shorter in all get a table of every state by every byte: up to 1.8 times as fast, 4 MB at most."""

_TOGETHER: Final = 64
"""Short texts that are searched in one go."""

_BETWEEN: Final = b"\xff"
"""What stands between them, one byte: one that UTF-8 never has."""

_GATED: Final = 64
"""So few literals are looked for by SIMD instructions (Teddy) where only leftmost occurrences are asked for: ten times as fast."""

_GATES: Final = 4
"""With more gates than this one pass of the automaton is as quick as theirs."""

_GATE_BYTES: Final = 128
"""Over a shorter text a gate costs as much as it may save."""

_START: Final = 3
"""Characters at the start of a literal that `plain` looks for first."""

_PIECE: Final = 64 * 1024
"""Characters of a text whose runs of three are held at a time."""

_LONG: Final = 512
"""Bytes from which Hyperscan is faster than an automaton."""

_REPEATS: Final = 8
"""Occurrences for each literal that cost as much as an automaton without those that were told."""


class LiteralScan:
    """Finds literals.

    Args:
        literals: What to find, compared exactly: lower both sides for a search without case. An empty one is in every text.
        kind: How.
        hyperscan: Whether an automaton may leave long texts to Hyperscan, where it is installed.
        edges: Indexes of the literals of which it matters whether a text begins with or ends in them; None for all. Of the
            others, `find` may leave out the occurrences at an edge where there is another one.

    Raises:
        ImportError: `kind` is `automaton` and `ahocorasick_rs` is not installed.
    """

    def __init__(
        self,
        literals: Sequence[str],
        kind: SearchKind = "automaton",
        *,
        hyperscan: bool = False,
        edges: Collection[int] | None = None,
    ) -> None:
        self.find: Callable[[str], tuple[int, Sequence[Occurrence]]]
        """`find(text)` gives the text's length and occurrences of literals in it, offsets in the unit of that length.

        For each literal that the text holds there is one or more; there is one with start 0 where the text begins with
        it, and one whose end is the length where the text ends in it. In what order, and how many more, is left open.
        """
        self.among: Callable[[Sequence[str]], Iterable[Joined]]
        """`among(texts)` gives what `find` gives of each, of many at a time; texts that hold no literal may be left out."""
        if kind == "plain":
            plain = _Plain(literals)
            self.find, self.among = plain.find, partial(_one_by_one, plain.find)
        else:
            chosen = frozenset(range(len(literals)) if edges is None else edges)
            automaton = _Automaton(literals, chosen if hyperscan else None)
            self.find, self.among = automaton.find, automaton.among


def _one_by_one(
    find: Callable[[str], tuple[int, Sequence[Occurrence]]], texts: Sequence[str], first: int = 0
) -> Iterator[Joined]:
    for place, text in enumerate(texts, first):
        size, found = find(text)
        if found:
            yield place, (0, size + 1), found


class _Plain:
    def __init__(self, literals: Sequence[str]) -> None:
        self._short = [(index, literal) for index, literal in enumerate(literals) if len(literal) < _START]
        self._by_start: dict[str, list[tuple[int, str]]] = {}
        for index, literal in enumerate(literals):
            if len(literal) >= _START:
                self._by_start.setdefault(literal[:_START], []).append((index, literal))

    def find(self, text: str) -> tuple[int, Sequence[Occurrence]]:
        starts, last = set[str](), len(text) - _START + 1
        for begin in range(0, last, _PIECE):
            pieces = {text[at : at + _START] for at in range(begin, min(begin + _PIECE, last))}
            starts |= pieces & self._by_start.keys()
        possible = chain(self._short, *(self._by_start[start] for start in starts))
        held = ((index, literal) for index, literal in possible if literal in text)
        return len(text), [found for index, literal in held for found in _told(index, literal, text)]


def _told(index: int, literal: str | bytes, text: str | bytes) -> Iterator[Occurrence]:
    """The first and the last occurrence in `text`, which holds `literal`: they tell whether it begins with it or ends in it."""
    for start in {text.find(literal), text.rfind(literal)}:  # type: ignore[arg-type]  # both text, or both bytes
        yield index, start, start + len(literal)


class _Automaton:
    def __init__(self, literals: Sequence[str], edges: frozenset[int] | None) -> None:
        encoded = [_bytes_of(literal) for literal in literals]
        self._literals = encoded
        self._cut = frozenset(index for index, literal in enumerate(encoded) if len(literal) > _HEAD)
        self._empty = [index for index, literal in enumerate(encoded) if not literal]
        self._heads = {index: literal[:_HEAD] for index, literal in enumerate(encoded) if literal}
        self._search = _search(self._heads)
        self._overlap = max(map(len, self._heads.values()), default=1) - 1
        together = _nesting(self._heads.values())
        self._window = max(bounds.LITERAL_OCCURRENCES // together, 2 * _HEAD)
        self._long = None if edges is None else LongTexts(self._heads, edges & self._heads.keys(), together)
        self._ordinary = not self._cut and not self._empty
        self._gates = _gates(list(self._heads.values())) if self._ordinary else ()
        self._gated_from = _GATE_BYTES * len(self._gates)
        self._short = min(_LONG, self._gated_from) if self._gates else _LONG

    def find(self, text: str) -> tuple[int, Sequence[Occurrence]]:
        data = text.encode("utf-8", "surrogatepass")
        size = len(data)
        found = self._search(data, True) if size < self._short else self._of_long(data)  # noqa: FBT003  its only form
        return size, found if self._ordinary else self._others(found, data)

    def among(self, texts: Sequence[str]) -> Iterator[Joined]:
        """Many short texts in one search: a call costs as much as two hundred bytes."""
        for first in range(0, len(texts), _TOGETHER):
            part = texts[first : first + _TOGETHER]
            encoded = [_bytes_of(text) for text in part]
            data = _BETWEEN.join(encoded)
            if not self._ordinary or len(data) > self._window:
                yield from _one_by_one(self.find, part, first)
            elif occurrences := self._of_joined(data):
                yield first, tuple(accumulate((len(text) + 1 for text in encoded), initial=0)), occurrences

    def _of_joined(self, data: bytes) -> list[Occurrence]:
        if self._gates and not any(gate(data, False) for gate in self._gates):  # noqa: FBT003
            return []
        return self._search(data, True)  # noqa: FBT003

    def _of_long(self, data: bytes) -> list[Occurrence]:
        size = len(data)
        if self._long is not None and size >= _LONG and (found := self._long.find(data)) is not None:
            return found
        if size > self._window:
            return self._windows(data)
        if self._gates and size > self._gated_from and not any(gate(data, False) for gate in self._gates):  # noqa: FBT003
            return []
        return self._search(data, True)  # noqa: FBT003

    def _windows(self, data: bytes) -> list[Occurrence]:
        """All occurrences in the first and the last window, and one of each literal that is only between them."""
        window, size = self._window, len(data)
        found = self._search(data[:window], True)  # noqa: FBT003
        last = size - window
        found += _moved(self._search(data[last:], True), last)  # noqa: FBT003
        wanted, search, told = self._heads, self._search, 0
        seen = {index for index, _, _ in found}
        step = window - self._overlap
        for start in range(step, last, step):
            between = search(data[start : start + window], True)  # noqa: FBT003
            if not seen.issuperset({index for index, _, _ in between}):
                new = {one[0]: one for one in between if one[0] not in seen}
                found += _moved(new.values(), start)
                seen.update(new)
            told += len(between)
            if told > _REPEATS * len(wanted):
                wanted = {index: head for index, head in wanted.items() if index not in seen}
                search, told = _search(wanted), 0
        return found

    def _others(self, found: Sequence[Occurrence], data: bytes) -> Sequence[Occurrence]:
        """`found` with the empty literals, and with those literals themselves of which only the head was found."""
        whole = [one for one in found if one[0] not in self._cut]
        for index in {index for index, _, _ in found} & self._cut:
            if self._literals[index] in data:
                whole.extend(_told(index, self._literals[index], data))
        for index in self._empty:
            whole.extend(_told(index, b"", data))
        return whole


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _moved(found: Iterable[Occurrence], by: int) -> list[Occurrence]:
    return [(index, start + by, end + by) for index, start, end in found]


def _search(wanted: dict[int, bytes]) -> _Search:
    """Finds every occurrence of `wanted`, told under its keys; none where it is empty."""
    if not wanted:
        return lambda _data, _overlapping: []
    from ahocorasick_rs import BytesAhoCorasick, Implementation  # noqa: PLC0415  `plain` runs without it

    dense = sum(map(len, wanted.values())) <= _DENSE_BYTES
    implementation = Implementation.DFA if dense else Implementation.ContiguousNFA
    search: _Search = BytesAhoCorasick(wanted.values(), implementation=implementation).find_matches_as_indexes
    names = tuple(wanted)
    if names == tuple(range(len(names))):
        return search

    def renamed(data: bytes, overlapping: bool) -> list[Occurrence]:  # noqa: FBT001  as the automaton's
        return [(names[place], start, end) for place, start, end in search(data, overlapping)]

    return renamed


def _gates(literals: Sequence[bytes]) -> tuple[_Search, ...]:
    """Searches that tell some occurrence where there is any, of `_GATED` literals each; none where they do not pay."""
    if not literals or len(literals) > _GATED * _GATES:
        return ()
    from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415  `plain` runs without it

    parts = (literals[start : start + _GATED] for start in range(0, len(literals), _GATED))
    return tuple(
        BytesAhoCorasick(part, matchkind=MatchKind.LeftmostFirst).find_matches_as_indexes for part in parts
    )


def _nesting(literals: Iterable[bytes]) -> int:
    """The most of `literals` that can end at one place: each is a suffix of the next (read backwards: a prefix)."""
    deepest, open_ones = 1, list[bytes]()
    for backwards in sorted(literal[::-1] for literal in literals):
        while open_ones and not backwards.startswith(open_ones[-1]):
            open_ones.pop()
        open_ones.append(backwards)
        deepest = max(deepest, len(open_ones))
    return deepest
