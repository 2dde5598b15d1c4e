"""Findings folded into patterns: the same rule on the same entities within one hour is one thing, however often it fired.

Folding is what lets a noisy public rule set through: a hundred thousand findings become a few thousand patterns, and
linking and ranking look at patterns only.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from tocsin.config import bounds
from tocsin.records import accounts
from tocsin.records.attack import technique_tactics
from tocsin.records.finding import LEVELS, Finding, Level
from tocsin.records.instants import HOUR


class Key(NamedTuple):
    """An entity by which findings are linked, its name normalised (`records/accounts.py`)."""

    kind: str
    local: str
    realm: str = ""


class Rule(NamedTuple):
    """A detector's rule: what a pattern is one of."""

    detector: str
    id: str


@dataclass(slots=True)
class Pattern:
    """One rule on one set of entities within one hour.

    Attributes:
        keys: The entities that may link it, sorted.
        first: Instant of its first evidence.
        last: Instant of its last evidence.
        findings: The earliest of them, at most `bounds.FINDINGS_PER_PATTERN`.
        count: All of them.
    """

    rule: Rule
    level: Level
    tactics: tuple[str, ...]
    keys: tuple[Key, ...]
    site: str
    origin: str
    first: int
    last: int
    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    @property
    def severity(self) -> int:
        """The level's place in `LEVELS`."""
        return LEVELS.index(self.level)

    @property
    def order(self) -> tuple[int, int, str]:
        """What patterns are sorted by: time, then the first finding's id, so that every run agrees."""
        return self.first, self.last, self.findings[0].id

    def evidence(self) -> int:
        """Pieces of evidence it holds."""
        return sum(len(finding.evidence) for finding in self.findings)


Slot = tuple[str, str, Rule, tuple[Key, ...], int]
"""What findings of one pattern share: origin, site, rule, entities, hour."""


def slot_of(finding: Finding) -> Slot:
    """Where `finding` belongs."""
    rule = Rule(finding.detector, finding.rule_id)
    return finding.origin, finding.subject.site, rule, keys_of(finding), finding.start // HOUR


def pattern_of(finding: Finding, slot: Slot) -> Pattern:
    """An empty pattern for `slot`, with the rule's facts as `finding` tells them."""
    origin, site, rule, keys, _ = slot
    return Pattern(rule, finding.level, tactics_of(finding), keys, site, origin, finding.start, finding.time)


def take(pattern: Pattern, finding: Finding) -> bool:
    """Adds `finding` to `pattern`; False where it is already there."""
    if any(kept.id == finding.id for kept in pattern.findings):
        return False
    pattern.first = min(pattern.first, finding.start)
    pattern.last = max(pattern.last, finding.time)
    pattern.count += 1
    insort(pattern.findings, finding, key=lambda one: (one.start, one.time, one.id))
    del pattern.findings[bounds.FINDINGS_PER_PATTERN :]
    return True


def keys_of(finding: Finding) -> tuple[Key, ...]:
    """The entities of `finding` that may link it, its subject among them; accounts that nobody owns are left out."""
    entities = ((entity.kind, entity.id) for entity in (finding.subject, *finding.entities))
    return tuple(sorted({key for kind, name in entities if (key := key_of(kind, name))}))


@lru_cache(maxsize=65_536)
def key_of(kind: str, name: str) -> Key | None:
    """The key of one entity, None where it cannot tell one actor or machine from another."""
    reader = _KEYS.get(kind)
    return reader(name) if reader else None


def _user_key(name: str) -> Key | None:
    machine = accounts.machine(name)
    if machine:
        return Key("host", machine)
    return (
        None if accounts.is_shared(name) else Key("user", accounts.person(name), accounts.account(name).realm)
    )


def _host_key(name: str) -> Key | None:
    if accounts.is_address(name.strip()):
        return _address_key(name)
    meant = accounts.host(name)
    return Key("host", *meant) if meant.local and meant.local not in _NO_HOST else None


def _address_key(name: str) -> Key | None:
    address = accounts.address(name)
    return Key("address", address) if address else None


def _plant_key(name: str) -> Key:
    return Key("plant", name)


_KEYS: Final[dict[str, Callable[[str], Key | None]]] = {
    "user": _user_key, "account": _user_key, "host": _host_key, "address": _address_key, "plant": _plant_key,
}  # fmt: skip

_NO_HOST: Final = frozenset({"localhost", "-", "unknown", "(none)", "none"})


def tactics_of(finding: Finding) -> tuple[str, ...]:
    """The tactics a finding speaks for: those its rule names, else the first that each technique serves."""
    if finding.tactics:
        return tuple(dict.fromkeys(tactic.replace("_", "-").casefold() for tactic in finding.tactics))
    served = (technique_tactics(technique)[:1] for technique in finding.techniques)
    return tuple(dict.fromkeys(tactic for tactics in served for tactic in tactics))


@dataclass(slots=True)
class RuleUse:
    """How a rule fires in this data: what tells noise from news.

    Attributes:
        hours: Distinct clock hours (instant // HOUR) it fired in.
        hosts: Distinct hosts it fired on.
        count: Findings in all.
    """

    level: Level
    hours: set[int] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    count: int = 0

    def note(self, finding: Finding, keys: Iterable[Key]) -> None:
        """Takes `finding` into account."""
        self.count += 1
        if len(self.hours) < bounds.RULE_HOURS_KEPT:
            self.hours.add(finding.time // HOUR)
        if len(self.hosts) < bounds.RULE_HOURS_KEPT:
            self.hosts.update(key.local for key in keys if key.kind == "host")
