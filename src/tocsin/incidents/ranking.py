"""How urgent a group is, and whether it needs somebody.

Severity says how bad it may be, in Sigma's words; the score only orders. Both rest on *distinct* rules, tactics and hosts:
the same rule a thousand times is no worse than a few times.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Final

from tocsin.incidents.patterns import Pattern, Rule
from tocsin.records.attack import TACTICS
from tocsin.records.finding import LEVELS, Level
from tocsin.records.incident import Incident

LEVEL_SCORE: Final[dict[Level, float]] = {
    "informational": 0.2,
    "low": 1.0,
    "medium": 4.0,
    "high": 10.0,
    "critical": 25.0,
}
"""What a rule of a level is worth once."""

NOISE_FACTOR: Final = 0.1
"""What is left of a noisy rule's worth."""

NEXT_RULE: Final = 0.9
"""Each further distinct rule, from the worthiest down, counts this much of the one before."""

PER_TACTIC: Final = 0.3
PER_STEP: Final = 0.15
PER_HOST: Final = 0.1
MOST_HOSTS: Final = 6
"""The sum is raised by these shares for each tactic, each step forward along the kill chain, each host beyond the first."""

RAISE_TACTICS: Final = 3
RAISE_RULES: Final = 3
"""This many distinct tactics told by this many distinct rules, none of them noise, raise severity by one level…"""

RAISE_AT_TOP: Final = 2
"""…if at least so many different rules are of the gravest level: one alarming rule and two mild ones stay what they are."""

CRITICAL_TACTICS: Final = 5
CRITICAL_RULES: Final = 5
"""Only so many make a high one critical."""

_CHAIN: Final = {tactic: place for place, tactic in enumerate(TACTICS)}


@dataclass(frozen=True, slots=True)
class Rank:
    """A group's severity and score."""

    severity: Level
    score: float


def needs_you(incident: Incident) -> bool:
    """Whether `incident` needs a person: its severity, after all that raises and lowers it, is medium or above."""
    return LEVELS.index(incident.severity) >= LEVELS.index("medium")


def rank(group: Sequence[Pattern], noisy: Collection[Rule], patterns_of: Mapping[Rule, int]) -> Rank:
    """The rank of `group`.

    Args:
        group: Patterns, in order of time, never empty.
        noisy: Rules that are noise in this data.
        patterns_of: How many patterns each rule has in all the data.
    """
    return Rank(severity_of(group, noisy), score_of(group, noisy, patterns_of))


def severity_of(group: Sequence[Pattern], noisy: Collection[Rule]) -> Level:
    """The gravest level among its rules, a noisy rule one lower; raised by one where different rules tell a progress."""
    graveness: dict[Rule, int] = {}
    for pattern in group:
        lowered = pattern.severity - (1 if pattern.rule in noisy else 0)
        graveness[pattern.rule] = max(graveness.get(pattern.rule, 0), lowered)
    gravest = max(graveness.values())
    tactics, rules = _breadth(group, noisy)
    at_top = sum(level == gravest for level in graveness.values())
    grave = gravest >= LEVELS.index("high")
    need_tactics, need_rules = (CRITICAL_TACTICS, CRITICAL_RULES) if grave else (RAISE_TACTICS, RAISE_RULES)
    raised = tactics >= need_tactics and rules >= need_rules and at_top >= RAISE_AT_TOP
    return LEVELS[min(gravest + int(raised), len(LEVELS) - 1)]


def _breadth(group: Sequence[Pattern], noisy: Collection[Rule]) -> tuple[int, int]:
    """Distinct tactics and rules that are told independently: five tactics of one rule, or five rules on one event, tell one."""
    telling = [pattern for pattern in group if tells(pattern, noisy)]
    rules = {pattern.rule for pattern in telling}
    events = {piece.event_id for pattern in telling for piece in pattern.findings[0].evidence}
    tactics = {tactic for pattern in telling for tactic in pattern.tactics}
    independent = min(len(rules), len(events))
    return min(independent, len(tactics)), independent


def tells(pattern: Pattern, noisy: Collection[Rule]) -> bool:
    """Whether `pattern` says something about what its group is: no noise, and more than informational."""
    return pattern.rule not in noisy and pattern.level != "informational"


def score_of(group: Sequence[Pattern], noisy: Collection[Rule], patterns_of: Mapping[Rule, int]) -> float:
    """The sum of its distinct rules' worth, raised by breadth (tactics), progress (kill chain) and reach (hosts)."""
    worth: dict[Rule, float] = {}
    here: dict[Rule, int] = {}
    for pattern in group:
        here[pattern.rule] = here.get(pattern.rule, 0) + 1
        worth[pattern.rule] = max(worth.get(pattern.rule, 0.0), LEVEL_SCORE[pattern.level])
    for rule in worth:
        elsewhere = max(0, patterns_of.get(rule, 0) - here[rule])
        worth[rule] *= (NOISE_FACTOR if rule in noisy else 1.0) / (1.0 + log2(1 + elsewhere))
    total = sum(w * NEXT_RULE**place for place, w in enumerate(sorted(worth.values(), reverse=True)))
    news = [pattern for pattern in group if tells(pattern, noisy)]
    tactics, _ = _breadth(group, noisy)
    hosts = {key.local for pattern in news for key in pattern.keys if key.kind == "host"}
    breadth = 1.0 + PER_TACTIC * max(0, tactics - 1)
    reach = 1.0 + PER_HOST * min(max(0, len(hosts) - 1), MOST_HOSTS)
    return round(total * breadth * reach * (1.0 + PER_STEP * _steps(news)), 3)


def _steps(group: Sequence[Pattern]) -> int:
    """How far it went along the kill chain as time passed: the longest rising run of tactics, less one."""
    first: dict[str, int] = {}
    for pattern in group:
        for tactic in pattern.tactics:
            if tactic in _CHAIN:
                first.setdefault(tactic, pattern.first)
    places = [_CHAIN[tactic] for tactic in sorted(first, key=lambda tactic: (first[tactic], _CHAIN[tactic]))]
    return max(0, _longest_rise(places) - 1)


def _longest_rise(places: Sequence[int]) -> int:
    """Length of the longest strictly rising subsequence (patience sorting)."""
    tails: list[int] = []
    for place in places:
        at = bisect_left(tails, place)
        tails[at : at + 1] = [place]
    return len(tails)
