"""The exact Sigma detector: every rule that an event's logsources and EventID allow is asked about it, plainly.

It is the oracle that faster engines are tested against. A rule that correlations refer to without `generate: true`
feeds them and does not report by itself. The only state of its own is which expressions ran out of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Self

import msgspec

from tocsin.config import bounds
from tocsin.detect.sigma.correlation import CorrelationMatch, Correlations
from tocsin.detect.sigma.correlation_plans import silenced
from tocsin.detect.sigma.fields import EventView, Number
from tocsin.detect.sigma.findings import correlation_finding, hit_on, rule_finding, values_for
from tocsin.detect.sigma.matching import Predicate
from tocsin.detect.sigma.required import required_numbers
from tocsin.detect.sigma.ruleset import CompiledRule, RuleProblem, RuleSet
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.finding import Finding

_LOGSOURCE_SETS: Final = 1_024
"""Different sets of logsources whose rules are remembered; a file has a few dozen."""

_BYTES_PER_RULE: Final = 256
"""What the count of one rule's time-outs takes at most in a snapshot."""


class _State(msgspec.Struct):
    """What `snapshot` holds."""

    timeouts: dict[str, int]
    correlations: bytes


_Candidates = tuple[tuple[Predicate, CompiledRule], ...]


class _Asked(NamedTuple):
    """The rules of one set of logsources: all; those that ask for no EventID; and all for each EventID asked for."""

    every: _Candidates
    rest: _Candidates
    by_id: dict[Number, _Candidates]

    @classmethod
    def of(cls, rules: Sequence[CompiledRule]) -> Self:
        asked = [((rule.matches, rule), required_numbers(rule.condition, "EventID")) for rule in rules]
        ids = {number for _, numbers in asked if numbers is not None for number in numbers}
        return cls(
            tuple(one for one, _ in asked),
            tuple(one for one, numbers in asked if numbers is None),
            {wanted: tuple(one for one, n in asked if n is None or wanted in n) for wanted in ids},
        )


class RuleIndex:
    """Which rules look at an event, by the set of logsources that it satisfies, and by its EventID.

    A rule looks at it where one of them satisfies the rule's own: every part that the rule names is equal. One whose
    condition cannot hold without another EventID is spared: three of four rules for Windows' own channels name theirs.
    """

    def __init__(self, rules: Iterable[CompiledRule]) -> None:
        self._by_logsource: dict[Logsource, list[CompiledRule]] = {}
        for rule in rules:
            self._by_logsource.setdefault(rule.logsource, []).append(rule)
        self._known: dict[frozenset[Logsource], _Asked] = {}

    def candidates(self, logsources: frozenset[Logsource], event_ids: Sequence[Number]) -> _Candidates:
        """The rules to ask about an event of `logsources`, each with its predicate, in order of loading.

        Args:
            logsources: What the event satisfies.
            event_ids: The values of its `EventID` that are numbers.
        """
        known = self._known.get(logsources)
        if known is None:
            if len(self._known) >= _LOGSOURCE_SETS:
                self._known.clear()
            self._known[logsources] = known = _Asked.of(
                [
                    rule
                    for wanted, rules in self._by_logsource.items()
                    if any(have.satisfies(wanted) for have in logsources)
                    for rule in rules
                ]
            )
        if len(event_ids) > 1:
            return known.every
        return known.by_id.get(event_ids[0], known.rest) if event_ids else known.rest


class SigmaDetector:
    """Runs a rule set. `suspended` names the rules that were stopped because their expressions take too long.

    Args:
        rules: What `load_rules` gave.

    Attributes:
        correlations: Runs the rules over hits; its `late` and `judged_early` say what it could not judge in time.
    """

    name = "sigma"
    version = "1"

    def __init__(self, rules: RuleSet) -> None:
        plans = [correlation.plan for correlation in rules.correlations]
        self.correlations = Correlations(plans)
        self.memory_bound = 1_024 + _BYTES_PER_RULE * len(rules.rules) + 2 * bounds.CORRELATION_BYTES
        self._rules = {rule.id: rule for rule in rules.rules}
        self._index = RuleIndex(rules.rules)
        self._metas = {correlation.id: correlation.meta for correlation in rules.correlations}
        self._silenced = silenced(plans)
        self._feeding = {rule: self.correlations.wants(rule) for rule in self.correlations.references()}
        self._timeouts: dict[str, int] = {}

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
        for matches, rule in self._index.candidates(event.logsources, view.numbers["EventID"]):
            if self._timeouts and self._stopped(rule.id):
                continue
            try:
                if matches(view):
                    found.append(rule)
            except TimeoutError:  # neither yes nor no: under a `not`, a no would raise a false alarm
                self._timeouts[rule.id] = self._timeouts.get(rule.id, 0) + 1
        return found

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        """The findings of rules over single events; correlations are told by `advance`, once they are complete."""
        return [finding for event in batch for finding in self._judge(event)]

    def _judge(self, event: Event) -> Iterable[Finding]:
        view = EventView(event.fields)
        matched = self._matches(event, view)
        if not matched:
            return
        common = hit_on(event)
        for rule in matched:
            fields = self._feeding.get(rule.id)
            hit = replace(common, rule=rule.id, values=values_for(view, fields or ()))
            if rule.id not in self._silenced:
                yield rule_finding(rule.meta, hit, self.version)
            if fields is not None:
                self.correlations.add(hit)

    def advance(self, watermark: int) -> Sequence[Finding]:
        """The findings of correlations whose windows are complete."""
        return [self._told(match) for match in self.correlations.advance(watermark) if match.plan.output]

    def _told(self, match: CorrelationMatch) -> Finding:
        members = [self._metas.get(ref) or self._rules[ref].meta for ref in match.plan.members]
        return correlation_finding(self._metas[match.plan.ref], match, members, self.version)

    def snapshot(self) -> bytes:
        """The time-outs so far, and the correlations' state."""
        return msgspec.msgpack.encode(_State(self._timeouts, self.correlations.snapshot()))

    def restore(self, state: bytes, version: str) -> None:
        """Takes up `state`; what belongs to rules that are no longer loaded is dropped.

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
        self.correlations.restore(found.correlations)
