r"""Keywords looked for in the record as it was written: most records hold none, and then no value need be looked at.

Sound for JSON whose texts become the event's values as they are (`Event.unspelt`): what stands in a value stands in the
record, but for what JSON escapes. Of each keyword its longest run of characters is looked for that JSON never must
escape (RFC 8259 section 7); a record that spells characters as `\u0041` nevertheless is left to the exact way.

Whether a record may hold one is asked without changing its case first, which would cost more than the search: of each run
a few characters are looked for in all of their spellings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Final

from tocsin.detect.sigma.plans.literal_scan import LiteralScan
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.records.event import Event

_RUN: Final = re.compile(r"[ !#-.0-\[\]-~]+")
"""Printable ASCII but for the quotation mark, the slash and the backslash."""

_SHORTEST: Final = 3
"""Characters of the shortest run that tells a keyword apart."""

_ANCHOR: Final = 3
"""Characters of a run that are looked for in every spelling: eight at most."""

_ANCHORS: Final = 60
"""Spellings in all; with few of them the search is done by SIMD instructions (`literal_scan.py`)."""

_ESCAPES: Final = ("\\u00", "\\u01", "\\u21")
"""How escapes begin of what is an ASCII letter, or becomes one in lower case: `_LATE` and ASCII itself."""

_LATE: Final = ("\u0130", "\u212a")
"""All other characters that become ASCII letters in lower case: a dotted capital I and the Kelvin sign."""

_RARE: Final = frozenset("jkqvwxyz")
"""Letters that make the better anchor."""

_BETWEEN: Final = "\n"
"""Between records that are searched in one go; no run holds it."""


class RawKeywords:
    """Keywords by their runs.

    Args:
        runs: In lower case (`run_of`).
        tuning: How values are searched and remembered.
    """

    def __init__(self, runs: Iterable[str], tuning: Tuning) -> None:
        wanted = sorted(set(runs))
        scan = LiteralScan(wanted, tuning.literals)
        self._holds: Callable[[str], bool] = lambda text: bool(scan.find(text.lower())[1])
        self._anchors = _anchor_search(wanted) if tuning.literals == "automaton" else None

    def may_hold(self, event: Event) -> bool:
        """Whether a value of the event may hold a keyword."""
        if event.unspelt is None:
            return True
        text = f"{event.raw}{_BETWEEN}{event.unspelt}"
        if self._found_nothing(text):
            return False
        return any(escape in event.raw for escape in _ESCAPES) or self._holds(text)

    def none_may_hold(self, events: Sequence[Event]) -> bool:
        """Whether surely no value of any of the events holds a keyword; where not, each must be asked by itself."""
        unspelt: set[str] = set()
        for event in events:
            if event.unspelt is None:
                return False
            unspelt.add(event.unspelt)
        return self._found_nothing(_BETWEEN.join([*(event.raw for event in events), *unspelt]))

    def _found_nothing(self, text: str) -> bool:
        """Whether no anchor and no escape is in `text`."""
        if self._anchors is None or any(late in text for late in _LATE):
            return False
        return not self._anchors(text.encode("utf-8", "surrogatepass"))


def run_of(literal: str) -> str | None:
    """The longest part of a lower-case literal that JSON never escapes, None where that is too short to be told apart."""
    run = max(_RUN.findall(literal), key=len, default="")
    return run if len(run) >= _SHORTEST else None


def _anchor_search(runs: Sequence[str]) -> Callable[[bytes], bool] | None:
    """Tells whether an ASCII text may hold a run, in whatever case, or an escape; None where that would not pay."""
    from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415  `plain` runs without it

    spellings = {spelt for run in runs for spelt in _spellings(_anchor(run))} | {*_ESCAPES}
    if len(spellings) > _ANCHORS:
        return None
    patterns = [spelt.encode("ascii") for spelt in sorted(spellings)]
    find = BytesAhoCorasick(patterns, matchkind=MatchKind.LeftmostFirst).find_matches_as_indexes
    return lambda data: bool(find(data, False))  # noqa: FBT003  its only form


def _anchor(run: str) -> str:
    """The part of a run that has the fewest spellings, among those the one with the rarest letters."""
    parts = [run[start : start + _ANCHOR] for start in range(len(run) - _ANCHOR + 1)]
    return min(parts, key=lambda part: (sum(map(str.isalpha, part)), -len(_RARE.intersection(part))))


def _spellings(part: str) -> set[str]:
    return {"".join(chosen) for chosen in product(*({char, char.upper()} for char in part))}
