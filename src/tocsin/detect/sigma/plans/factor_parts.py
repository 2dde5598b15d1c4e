"""What is sure of every match of a part of a regular expression, and how parts are put together.

Rules of inference as in Russ Cox, "Regular Expression Matching with a Trigram Index" (2012). `factors.py` reads expressions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2
from typing import Final, NamedTuple, TypeAlias

Texts: TypeAlias = frozenset[str]

EXACT: Final = 32
"""Texts that a part may stand for before it only counts by how it begins, ends and what is inside."""

_MEMBERS: Final = 256
"""Literals in one answer: an automaton takes more with ease, but so many are seldom all rare."""

LENGTH: Final = 48
"""Characters of one literal; longer ones are hardly rarer."""

_COPIES: Final = 4
"""Copies of a repeated part that are written out."""

_NOTHING: Final = frozenset({""})

MEAN_ASCII: Final = frozenset("\u0130\u0131\u017f\u212a")
"""The characters that stand for an ASCII letter where case is ignored: dotted I, dotless i, long s, the kelvin sign."""


class Part(NamedTuple):
    """What is sure of every match of a part, all in lower case.

    Attributes:
        exact: All that it can match, None where that is too much.
        begins: Every match begins with one of these.
        ends: Every match ends in one of these.
        holds: Every text in which it matches holds one of these; None where `exact` says it all, or nothing is sure.
    """

    exact: Texts | None
    begins: Texts
    ends: Texts
    holds: Texts | None


UNKNOWN: Final = Part(None, _NOTHING, _NOTHING, None)
EMPTY: Final = Part(_NOTHING, _NOTHING, _NOTHING, None)


def one_of(members: Iterable[str] | None) -> Part:
    """A part that matches exactly one of `members` (None: one of many), as far as it can stand in an ASCII text."""
    if members is None:
        return UNKNOWN
    possible = frozenset(one.lower() for one in members if one.isascii() or one in MEAN_ASCII)
    if not 0 < len(possible) <= EXACT or not all(map(str.isascii, possible)):
        return UNKNOWN
    return Part(possible, possible, possible, None)


def _score(texts: Texts) -> float:
    """Roughly how rare texts with one of these are: length counts, less and less, and each doubling of the members costs."""
    return 4 * log2(min(map(len, texts))) - log2(len(texts)) / 2


def better(*choices: Texts | None) -> Texts | None:
    """The best of the sets that demand anything."""
    usable = [choice for choice in choices if choice and "" not in choice and len(choice) <= _MEMBERS]
    return max(usable, key=lambda choice: (_score(choice), -len(choice)), default=None)


def _product(first: Texts, second: Texts) -> Texts | None:
    """Each of `first` followed by each of `second`; None where that is too much."""
    if len(first) * len(second) > EXACT or max(map(len, first)) + max(map(len, second)) > LENGTH:
        return None
    return frozenset(one + other for one in first for other in second)


def joined(parts: Sequence[Part]) -> Part:
    """The parts one after the other."""
    begins: Texts | None = None  # None while all that was read is exactly `ends`
    ends, holds, run = _NOTHING, None, ""
    for exact, part_begins, part_ends, part_holds in parts:
        both = _product(ends, part_begins)
        if exact is not None and len(exact) == 1 and len(run) < LENGTH:
            (only,) = exact
            run += only
        elif run:  # beside characters that vary, the fixed ones may be the better demand
            holds, run = better(holds, frozenset({run})), ""
        if part_holds is not None:
            holds = better(holds, part_holds)
        if exact is not None and both is not None:
            ends = both
            continue
        holds = better(holds, both or better(ends, part_begins))
        begins = (both or ends) if begins is None else begins
        ends = part_ends
    holds = better(holds, frozenset({run}))
    if begins is None:
        return Part(ends, ends, ends, holds)
    return Part(None, begins, ends, better(holds, ends))


def any_of(parts: Sequence[Part]) -> Part:
    """Any of the parts."""
    if len(parts) == 1:
        return parts[0]
    exact = _union(part.exact for part in parts)
    holds = _union((better(part.exact, part.holds) for part in parts), _MEMBERS)
    begins, ends = _union(part.begins for part in parts), _union(part.ends for part in parts)
    return Part(exact, begins or _NOTHING, ends or _NOTHING, holds)


def _union(sets: Iterable[Texts | None], limit: int = EXACT) -> Texts | None:
    whole = set[str]()
    for one in sets:
        if one is None or len(whole) > limit:
            return None
        whole |= one
    return frozenset(whole) if len(whole) <= limit else None


def repeated(part: Part, least: int, most: int | None) -> Part:
    """`part`, `least` to `most` times."""
    if least == 0:
        if most == 1 and part.exact is not None and len(part.exact) < EXACT:
            return one_of(part.exact | _NOTHING)
        return UNKNOWN
    copies = [part] * min(least, _COPIES)
    return joined(copies if least == most and least <= _COPIES else [*copies, UNKNOWN, part])
