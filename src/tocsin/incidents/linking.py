"""Which patterns belong together: they share somebody, they are close in time, and that somebody is not everybody's.

Two patterns are linked when the *strength* of what they share reaches `LINK`. Strength is the sum over shared entities of
(how much this kind of entity says) × (how rare it is) × (how few others each pattern names beside it) × (how close in
time). Groups are what is linked directly or through others, or what `merging.py` finds to be one story. Patterns of noisy rules and of informational level only
*trail*: they may join a group and never hold two together.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Final, NamedTuple

from tocsin.incidents.merging import merge
from tocsin.incidents.patterns import Key, Pattern, Rule
from tocsin.incidents.sets import Sets
from tocsin.records import accounts
from tocsin.records.finding import LEVELS
from tocsin.records.instants import HOUR, MINUTE

LINK: Final = 0.25
"""Strength from which two patterns belong together."""

TRAIL: Final = 0.5
"""Strength from which a trailing pattern joins a group: it must be nearer than one that speaks for itself."""

WEIGHTS: Final[dict[str, float]] = {"user": 1.0, "outside": 1.0, "plant": 1.0, "host": 0.8, "inside": 0.7}
"""How much an entity says by its kind; addresses are outside (public) or inside (private)."""

WINDOWS: Final[dict[str, int]] = {
    "user": 12 * HOUR,
    "outside": 24 * HOUR,
    "plant": 24 * HOUR,
    "host": 6 * HOUR,
    "inside": 6 * HOUR,
}
"""How far apart two patterns may be for an entity to link them."""

FAINTEST: Final = 0.2
"""What closeness falls to, in a straight line from 1, at the end of the window; beyond it is nothing."""

SPREAD_LIMIT: Final = 40
"""An entity seen with this many (others × hours) is still rare; beyond, its rarity falls in proportion.

A mail address at lunch stands at 3, an intruder's account on ten machines within four hours at 40, a domain controller
with thirty people over ten hours at 300, a backup account on twenty servers round the clock at 480.
"""

BURST: Final = 10 * MINUTE
"""Two patterns of medium level or above on the same host within this time belong together, hub or not."""

REPEAT: Final = HOUR
"""Within this time the same rule on the same entity belongs together, rare or not: a password spray is one thing."""

RECENT: Final = 24
"""How many patterns before it, for each entity, a pattern is compared with; chains do the rest."""

_MEDIUM: Final = LEVELS.index("medium")


class Rarity:
    """How rare each entity is across patterns: those that everybody shares say nothing."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        others: dict[tuple[str, str], set[Key]] = defaultdict(set)
        hours: dict[tuple[str, str], set[int]] = defaultdict(set)
        for pattern in patterns:
            for key in pattern.keys:
                if len(pattern.keys) < 100:  # a finding that names hundreds tells nothing about each of them
                    others[key[:2]].update(other for other in pattern.keys if other.kind != key.kind)
                hours[key[:2]].add(pattern.first // HOUR)
        self._of = {
            name: min(1.0, SPREAD_LIMIT / max(1, len(others[name]) * len(hours[name]))) for name in hours
        }

    def of(self, key: Key) -> float:
        """Between 0 (everybody's) and 1 (rare)."""
        return self._of.get(key[:2], 1.0)


def sort_of(key: Key) -> str:
    """`user`, `host`, `plant`, `outside` or `inside`: what weights and windows go by."""
    if key.kind == "address":
        return "inside" if accounts.is_internal(key.local) else "outside"
    return key.kind


def closeness(gap: int, window: int) -> float:
    """1 at no gap, `FAINTEST` at the window's end, 0 beyond it."""
    if gap >= window:
        return 0.0
    return 1.0 - (1.0 - FAINTEST) * gap / window


class _Node(NamedTuple):
    """A pattern made ready for comparing: its place, and for each kind how many entities it names."""

    at: int
    pattern: Pattern
    crowd: Mapping[str, int]


def strength(one: _Node, other: _Node, rarity: Rarity) -> float:
    """How strongly two patterns belong together."""
    gap = max(one.pattern.first - other.pattern.last, other.pattern.first - one.pattern.last, 0)
    repeated = one.pattern.rule == other.pattern.rule and gap <= REPEAT
    total = 0.0
    for key in _shared(one.pattern.keys, other.pattern.keys):
        sort = sort_of(key)
        close = closeness(gap, WINDOWS[sort])
        if not close:
            continue
        if key.kind == "host" and gap <= BURST and _both_grave(one.pattern, other.pattern):
            return 1.0
        focus = 1.0 / sqrt(one.crowd[key.kind] * other.crowd[key.kind])
        total += WEIGHTS[sort] * (1.0 if repeated else rarity.of(key)) * focus * close
    return total


def _both_grave(one: Pattern, other: Pattern) -> bool:
    return one.severity >= _MEDIUM and other.severity >= _MEDIUM


def _shared(one: Sequence[Key], other: Sequence[Key]) -> Iterator[Key]:
    for key in one:
        if any(key[:2] == theirs[:2] and accounts.same_realm(key.realm, theirs.realm) for theirs in other):
            yield key


def link(patterns: Iterable[Pattern], noisy: Collection[Rule]) -> list[list[Pattern]]:
    """The groups that `patterns` fall into, each in order of time, the groups in order of their first pattern.

    The answer depends on the set of patterns only, not on the order they are given in.
    """
    ordered = sorted(patterns, key=lambda pattern: (*pattern.order, pattern.origin, pattern.site))
    nodes = [_Node(at, pattern, _crowd(pattern)) for at, pattern in enumerate(ordered)]
    speaking = [node for node in nodes if not _trails(node.pattern, noisy)]
    trailing = [node for node in nodes if _trails(node.pattern, noisy)]
    rarity = Rarity(node.pattern for node in speaking)
    groups = Sets(len(nodes))
    _join(speaking, LINK, rarity, groups)
    leaders = _leaders(nodes, noisy, rarity)
    for follower, leader in leaders.items():
        groups.join(follower, leader)
    by_rule: dict[Rule, list[_Node]] = defaultdict(list)
    for node in trailing:
        if node.at not in leaders:
            by_rule[node.pattern.rule].append(node)
    for alike in by_rule.values():
        _join(alike, LINK, rarity, groups)
    return merge(groups.gather(ordered), noisy)


def _trails(pattern: Pattern, noisy: Collection[Rule]) -> bool:
    return pattern.level == "informational" or pattern.rule in noisy


def _crowd(pattern: Pattern) -> Mapping[str, int]:
    return Counter(key.kind for key in pattern.keys)


def _join(nodes: Sequence[_Node], least: float, rarity: Rarity, groups: Sets) -> None:
    buckets = _Buckets()
    for node in nodes:
        for other in buckets.near(node):
            if not groups.same(node.at, other.at) and strength(node, other, rarity) >= least:
                groups.join(node.at, other.at)
        buckets.put(node)


def _leaders(nodes: Sequence[_Node], noisy: Collection[Rule], rarity: Rarity) -> dict[int, int]:
    """For each trailing pattern the place of the speaking one it is nearest to, before or after it, if near enough."""
    best: dict[int, tuple[float, int]] = {}
    for direction in (nodes, nodes[::-1]):
        buckets = _Buckets()
        for node in direction:
            if not _trails(node.pattern, noisy):
                buckets.put(node)
                continue
            for other in buckets.near(node):
                how = strength(node, other, rarity)
                if how >= TRAIL:
                    best[node.at] = max(best.get(node.at, (0.0, 0)), (how, -other.at))
    return {follower: -leader for follower, (_, leader) in best.items()}


class _Buckets:
    """The last `RECENT` patterns put in for each entity's name, by origin and site: simulated ones never meet live ones."""

    def __init__(self) -> None:
        self._recent: dict[tuple[str, str, str, str], deque[_Node]] = defaultdict(
            lambda: deque(maxlen=RECENT)
        )

    def near(self, node: _Node) -> Iterable[_Node]:
        """Those that share a name with `node`, each once, in a fixed order."""
        found: dict[int, _Node] = {}
        for key in node.pattern.keys:
            found.update((other.at, other) for other in self._recent.get(self._name(node, key), ()))
        return found.values()

    def put(self, node: _Node) -> None:
        """Remembers `node` under each of its entities."""
        for key in node.pattern.keys:
            self._recent[self._name(node, key)].append(node)

    @staticmethod
    def _name(node: _Node, key: Key) -> tuple[str, str, str, str]:
        return node.pattern.origin, node.pattern.site, key.kind, key.local
