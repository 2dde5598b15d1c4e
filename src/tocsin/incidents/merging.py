"""Groups that share no entity and still are one story: after a theft of passwords, and the same thing on another machine.

1. *Stolen passwords.* An intruder who read passwords on one machine goes on under another name on another machine, and the two
   share nothing that a log names. So a grave finding of credential access and grave findings elsewhere within the
   next hours are one story, as long as that rule is rare in this data.
2. *A foothold without a name.* A web server's access log does not say on which machine it was written. After a grave finding
   there of somebody who got in or runs programs, what is found within the next hours on machines belongs to it.
3. *The same again.* Two small groups found by exactly the same rules within half a day ask for one decision, not for two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from tocsin.incidents.patterns import Pattern, Rule
from tocsin.incidents.sets import Sets
from tocsin.records.finding import LEVELS
from tocsin.records.instants import HOUR

PIVOT: Final = 2 * HOUR
"""How soon after it what is found elsewhere belongs to a pivot: stolen passwords, a foothold without a name."""

PIVOT_RULE_PATTERNS: Final = 3
"""A rule with more patterns than these is too common here to conclude so much from."""

ALIKE: Final = 12 * HOUR
"""How far apart two groups found by the same rules may be to be told as one."""

ALIKE_RULES: Final = 3
"""Groups of more different rules than these have stories of their own."""

_MEDIUM: Final = LEVELS.index("medium")
_GRAVE: Final = LEVELS.index("high")
_FOOTHOLD: Final = {"initial-access", "execution", "persistence"}


def merge(groups: Sequence[list[Pattern]], noisy: Collection[Rule]) -> list[list[Pattern]]:
    """`groups` (each in order of time) with those joined that are one story."""
    sets = Sets(len(groups))
    _follow(groups, noisy, sets)
    merged = _flat(sets.gather(groups))
    alike = Sets(len(merged))
    _alike(merged, alike)
    return _flat(alike.gather(merged))


def _flat(gathered: Sequence[Sequence[list[Pattern]]]) -> list[list[Pattern]]:
    return [
        sorted((pattern for group in groups for pattern in group), key=lambda one: one.order)
        for groups in gathered
    ]


def _follow(groups: Sequence[list[Pattern]], noisy: Collection[Rule], sets: Sets) -> None:
    """Joins to a pivot's group those of the patterns that are grave enough and come soon after it."""
    frequency = Counter(pattern.rule for group in groups for pattern in group)
    telling = [
        (pattern, at)
        for at, group in enumerate(groups)
        for pattern in group
        if pattern.severity >= _MEDIUM and pattern.rule not in noisy
    ]
    telling.sort(key=lambda one: one[0].first)
    starts = [pattern.first for pattern, _ in telling]
    for pivot, at in telling:
        least = _least(pivot)
        if least is None or frequency[pivot.rule] > PIVOT_RULE_PATTERNS:
            continue
        after = bisect_left(starts, pivot.first), bisect_right(starts, pivot.last + PIVOT)
        for pattern, other in telling[slice(*after)]:
            if pattern.severity >= least and (pattern.origin, pattern.site) == (pivot.origin, pivot.site):
                sets.join(at, other)


def _least(pivot: Pattern) -> int | None:
    """How grave a finding must be to follow from `pivot`; None where nothing follows from it."""
    if pivot.severity < _GRAVE:
        return None
    if any(key.kind == "host" for key in pivot.keys):
        return _GRAVE if "credential-access" in pivot.tactics else None
    # Guessing passwords from outside gets nobody in, and a cloud service's records name who acted.
    nameless = not any(key.kind == "user" for key in pivot.keys)
    return _MEDIUM if nameless and _FOOTHOLD & set(pivot.tactics) else None


def _alike(groups: Sequence[list[Pattern]], sets: Sets) -> None:
    latest: dict[tuple[str, str, frozenset[Rule]], int] = {}
    for at, group in sorted(enumerate(groups), key=lambda one: one[1][0].order):
        rules = frozenset(pattern.rule for pattern in group)
        if len(rules) > ALIKE_RULES:
            continue
        kind = group[0].origin, group[0].site, rules
        before = latest.get(kind)
        if before is not None and group[0].first - _last(groups[before]) <= ALIKE:
            sets.join(before, at)
        latest[kind] = at


def _last(group: Sequence[Pattern]) -> int:
    return max(pattern.last for pattern in group)
