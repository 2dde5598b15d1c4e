"""Which of many literals a text holds, by Hyperscan (package `hyperscan`, in truth its fork Vectorscan): for long texts.

It reads several bytes at a step and tells each literal once, where an automaton tells every occurrence: from 512 bytes on
that is 1.4 to 1.8 times as fast, from 4 KB 2.4 to 5.6 times (`python -m benchmarks.literals`). The package is optional.

A compiled database is never stored: compiling takes 15 µs a literal, and a tampered one would be unsafe to load.

Its time is not bounded by the text's length alone: it confirms literals one by one where their last eight bytes stand.
So it is left out where many literals end alike; what remains is read at 8 MB/s at the least, whatever the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any, Final

from tocsin.config import bounds

Occurrence = tuple[int, int, int]
"""Key of the literal, start, end."""

_WORTH: Final = 2 * 1024
"""Bytes of long texts for each literal after which compiling is cheaper than to go on without."""

_ALIKE: Final = 512
"""Literals that may end in the same eight bytes; 286 do in SigmaHQ's rules (emoji), which is 16 MB/s on a text of nothing else."""

_TOGETHER: Final = 16
"""Literals that may end at one place of a text, each a suffix of the next; 6 do in SigmaHQ's rules."""


class LiteralDatabase:
    """Finds literals, none of them empty. For one thread at a time: the working memory is its own.

    Args:
        literals: UTF-8 (lone surrogates as three bytes each), by keys that are told back; no NUL in them, and
            at most 15,000 bytes each.
        edges: Keys of the literals whose place at the start or the end of a text matters.

    Raises:
        ImportError: the package is not installed.
        RuntimeError: it cannot compile these, or does not run on this processor.
    """

    def __init__(self, literals: Mapping[int, bytes], edges: Collection[int]) -> None:
        hyperscan: Any = import_module("hyperscan")
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        count = len(literals)
        if any(b"\0" in literal for literal in literals.values()):
            raise RuntimeError("The package hyperscan would end a literal at its NUL.")
        try:
            database.compile(
                expressions=list(literals.values()),
                ids=list(literals),
                elements=count,
                flags=[hyperscan.HS_FLAG_SINGLEMATCH] * count,
                literal=True,
            )
        except hyperscan.error as error:
            raise RuntimeError(f"Hyperscan cannot compile {count} literals: {error}") from error
        self._lengths = {key: len(literal) for key, literal in literals.items()}
        self._edges = {key: literals[key] for key in edges}
        self._scan = database.scan

    def find(self, data: bytes) -> list[Occurrence]:
        """One occurrence of each literal in `data`; for those of `edges` also the one at its start and the one at its end."""
        found: list[Occurrence] = []
        lengths, edges = self._lengths, self._edges

        def tell(key: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((key, end - lengths[key], end))

        self._scan(data, tell)
        if edges:
            for key in [key for key, _, _ in found if key in edges]:
                if data.startswith(edges[key]):
                    found.append((key, 0, lengths[key]))
                if data.endswith(edges[key]):
                    found.append((key, len(data) - lengths[key], len(data)))
        return found


class LongTexts:
    """Searches long texts once so much of them has come that compiling a database pays; before, and without it, nothing.

    Args:
        literals: As for `LiteralDatabase`.
        edges: Likewise.
        together: The most of `literals` that can end at one place of a text.
    """

    def __init__(self, literals: Mapping[int, bytes], edges: Collection[int], together: int) -> None:
        self._literals = literals
        self._edges = edges
        self._until = _WORTH * len(literals)
        self._database: LiteralDatabase | None = None
        self._possible = 0 < len(literals) <= bounds.HYPERSCAN_LITERALS and together <= _TOGETHER

    def find(self, data: bytes) -> list[Occurrence] | None:
        """As `LiteralDatabase.find`; None where the caller has to search for itself."""
        if self._database is None and self._possible:
            self._until -= len(data)
            if self._until <= 0:
                self._database = self._compiled()
                self._possible = self._database is not None
        return None if self._database is None else self._database.find(data)

    def _compiled(self) -> LiteralDatabase | None:
        """The database; None where it cannot be had or would not be quick: the answers are the same without."""
        literals = self._literals.values()
        if sum(map(len, literals)) > bounds.HYPERSCAN_BYTES:
            return None
        if max(Counter(literal[-8:] for literal in literals).values()) > _ALIKE:
            return None
        try:
            return LiteralDatabase(self._literals, self._edges)
        except (ImportError, RuntimeError):
            return None
