"""Groups that share no entity and still are one story: after a theft of passwords, and the same thing on another machine.

1. *Stolen passwords.* An intruder who read passwords on one machine goes on under another name on another machine, and the two
   share nothing that a log names. So a grave finding of credential access and grave findings elsewhere within the
   next hours are one story, as long as that rule is rare in this data.
2. *The same again.* Two small groups found by exactly the same rules within half a day ask for one decision, not for two.
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
"""How soon after passwords were read grave findings elsewhere belong to it."""

PIVOT_RULE_PATTERNS: Final = 3
"""A rule of credential access with more patterns than these is too common here to conclude so much from."""

ALIKE: Final = 12 * HOUR
"""How far apart two groups found by the same rules may be to be told as one."""

ALIKE_RULES: Final = 3
"""Groups of more different rules than these have stories of their own."""

_GRAVE: Final = LEVELS.index("high")


def merge(groups: Sequence[list[Pattern]], noisy: Collection[Rule]) -> list[list[Pattern]]:
    """`groups` (each in order of time) with those joined that are one story."""
    sets = Sets(len(groups))
    _pivots(groups, noisy, sets)
    merged = _flat(sets.gather(groups))
    alike = Sets(len(merged))
    _alike(merged, alike)
    return _flat(alike.gather(merged))


def _flat(gathered: Sequence[Sequence[list[Pattern]]]) -> list[list[Pattern]]:
    return [
        sorted((pattern for group in groups for pattern in group), key=lambda one: one.order)
        for groups in gathered
    ]


def _pivots(groups: Sequence[list[Pattern]], noisy: Collection[Rule], sets: Sets) -> None:
    frequency = Counter(pattern.rule for group in groups for pattern in group)
    grave = [
        (pattern, at)
        for at, group in enumerate(groups)
        for pattern in group
        if pattern.severity >= _GRAVE and pattern.rule not in noisy
    ]
    grave.sort(key=lambda one: one[0].first)
    starts = [pattern.first for pattern, _ in grave]
    for theft, at in grave:
        if "credential-access" not in theft.tactics or frequency[theft.rule] > PIVOT_RULE_PATTERNS:
            continue
        if not any(key.kind == "host" for key in theft.keys):
            continue  # guessing from outside reads nothing on a machine
        after = bisect_left(starts, theft.first), bisect_right(starts, theft.last + PIVOT)
        for pattern, other in grave[slice(*after)]:
            if (pattern.origin, pattern.site) == (theft.origin, theft.site):
                sets.join(at, other)


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
