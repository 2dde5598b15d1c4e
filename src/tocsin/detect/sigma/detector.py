"""The exact Sigma detector: every rule whose logsource an event satisfies is asked about the event, plainly.

It is the oracle that faster engines are tested against. A rule that correlations refer to without `generate: true`
feeds them and does not report by itself. The only state of its own is which expressions ran out of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import msgspec

from tocsin.config import bounds
from tocsin.detect.sigma.correlation_plans import silenced
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.findings import finding_of, hit_of, values_for
from tocsin.detect.sigma.hit import Hit
from tocsin.detect.sigma.matching import Predicate
from tocsin.detect.sigma.ruleset import CompiledRule, RuleProblem, RuleSet
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.finding import Finding

_LOGSOURCE_SETS: Final = 1_024
"""Different sets of logsources whose rules are remembered; a file has a few dozen."""

_BYTES_PER_RULE: Final = 256
"""What the count of one rule's time-outs takes at most in a snapshot."""


class CorrelationEngine(Protocol):
    """Rules over hits, as `correlation.py` runs them. A hit of the same rule and event counts once."""

    memory_bound: int

    def add(self, hit: Hit) -> Sequence[Hit]:
        """Takes up a hit; the matches that it completes."""

    def advance(self, watermark: int) -> Sequence[Hit]:
        """The matches that are complete once no event older than `watermark` can come."""

    def snapshot(self) -> bytes:
        """The whole state."""

    def restore(self, state: bytes) -> None:
        """Takes up what `snapshot` gave."""


class _State(msgspec.Struct):
    """What `snapshot` holds."""

    timeouts: dict[str, int]
    correlations: bytes


class RuleIndex:
    """Which rules look at an event, by the set of logsources that it satisfies.

    A rule looks at it where one of them satisfies the rule's own: every part that the rule names is equal.
    """

    def __init__(self, rules: Iterable[CompiledRule]) -> None:
        self._by_logsource: dict[Logsource, list[CompiledRule]] = {}
        for rule in rules:
            self._by_logsource.setdefault(rule.logsource, []).append(rule)
        self._known: dict[frozenset[Logsource], tuple[tuple[Predicate, CompiledRule], ...]] = {}

    def candidates(self, logsources: frozenset[Logsource]) -> tuple[tuple[Predicate, CompiledRule], ...]:
        """The rules to ask about an event of `logsources`, each with its predicate."""
        known = self._known.get(logsources)
        if known is None:
            if len(self._known) >= _LOGSOURCE_SETS:
                self._known.clear()
            self._known[logsources] = known = tuple(
                (rule.matches, rule)
                for wanted, rules in self._by_logsource.items()
                if any(have.satisfies(wanted) for have in logsources)
                for rule in rules
            )
        return known


class SigmaDetector:
    """Runs a rule set. `suspended` names the rules that were stopped because their expressions take too long.

    Args:
        rules: What `load_rules` gave.
        correlations: Runs `rules.correlations`; None where there are none.
    """

    name = "sigma"
    version = "1"

    def __init__(self, rules: RuleSet, correlations: CorrelationEngine | None = None) -> None:
        plans = [correlation.plan for correlation in rules.correlations] if correlations else []
        self._rules = {rule.id: rule for rule in rules.rules}
        self._index = RuleIndex(rules.rules)
        self._correlations = correlations
        self._reported = {one.id: one.meta for one in rules.correlations if one.plan.output}
        self._silenced = silenced(plans)
        self._wanted: dict[str, set[str]] = {}
        for plan in plans:
            for member in plan.members:
                names = {plan.field_of(name, member) for name in (*plan.group_by, *plan.fields)}
                self._wanted.setdefault(member, set()).update(names)
        self._timeouts: dict[str, int] = {}
        own = 1_024 + _BYTES_PER_RULE * len(self._rules)
        self.memory_bound = own + (correlations.memory_bound if correlations else 0)

    @property
    def suspended(self) -> tuple[RuleProblem, ...]:
        """The rules that no longer run, each with why."""
        why = (
            f"was suspended: its regular expression took longer than {bounds.REGEX_SECONDS} s on "
            f"{bounds.REGEX_TIMEOUTS} values; simplify the expression"
        )
        stopped = (self._rules[rule] for rule in self._timeouts if self._stopped(rule))
        return tuple(RuleProblem(rule.meta.path, rule.id, rule.meta.title, why) for rule in stopped)

    def _stopped(self, rule: str) -> bool:
        return self._timeouts.get(rule, 0) >= bounds.REGEX_TIMEOUTS

    def evaluate(self, event: Event) -> list[CompiledRule]:
        """The rules that `event` matches, correlations left aside."""
        return self._matches(event, EventView(event.fields))

    def _matches(self, event: Event, view: EventView) -> list[CompiledRule]:
        found: list[CompiledRule] = []
        for matches, rule in self._index.candidates(event.logsources):
            if self._timeouts and self._stopped(rule.id):
                continue
            try:
                if matches(view):
                    found.append(rule)
            except TimeoutError:  # neither yes nor no: under a `not`, a no would raise a false alarm
                self._timeouts[rule.id] = self._timeouts.get(rule.id, 0) + 1
        return found

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        """The findings of `batch`, and the correlations that its events complete."""
        return [finding for event in batch for finding in self._judge(event)]

    def _judge(self, event: Event) -> Iterable[Finding]:
        view = EventView(event.fields)
        for rule in self._matches(event, view):
            hit = hit_of(rule.id, event, values_for(view, self._wanted.get(rule.id, ())))
            if rule.id not in self._silenced:
                yield finding_of(rule.meta, hit, self.name, self.version)
            if self._correlations is not None and rule.id in self._wanted:
                yield from self._correlated(self._correlations.add(hit))

    def advance(self, watermark: int) -> Sequence[Finding]:
        """The findings of correlations whose windows are complete."""
        return [] if self._correlations is None else self._correlated(self._correlations.advance(watermark))

    def _correlated(self, matches: Iterable[Hit]) -> list[Finding]:
        """Matches that only feed further correlations are not reported."""
        return [
            finding_of(self._reported[match.rule], match, "sigma-correlation", self.version)
            for match in matches
            if match.rule in self._reported
        ]

    def snapshot(self) -> bytes:
        """The time-outs so far, and the correlations' state."""
        inner = b"" if self._correlations is None else self._correlations.snapshot()
        return msgspec.msgpack.encode(_State(self._timeouts, inner))

    def restore(self, state: bytes, version: str) -> None:
        """Takes up `state`; counts of rules that are no longer loaded are dropped.

        Raises:
            PluginError: another version wrote it, or it is no snapshot.
        """
        if version != self.version:
            raise PluginError(self.name, f"cannot take up state of version {version}; this is {self.version}")
        try:
            found = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise PluginError(self.name, f"cannot take up its state ({error})") from error
        self._timeouts = {rule: count for rule, count in found.timeouts.items() if rule in self._rules}
        if self._correlations is not None and found.correlations:
            self._correlations.restore(found.correlations)
