"""The Sigma detector: an evaluator says which rules match an event; here that becomes hits and findings.

A rule that correlations refer to without `generate: true` feeds them and does not report by itself. The only state of
its own is which expressions ran out of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from tocsin.config import bounds
from tocsin.detect.sigma.correlations.correlations import CorrelationMatch, Correlations
from tocsin.detect.sigma.correlations.forgetting import state_without as correlations_without
from tocsin.detect.sigma.correlations.plans import silenced
from tocsin.detect.sigma.evaluation import Evaluator, Matches, stopped
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.findings import correlation_finding, hit_on, rule_finding, values_for
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.ruleset import CompiledRule, RuleProblem, RuleSet
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch
from tocsin.records.finding import Finding
from tocsin.records.forgetting import Subject

_BYTES_PER_RULE: Final = 256
"""What one rule's time-outs take at most in a snapshot."""


class _State(msgspec.Struct):
    """What `snapshot` holds.

    Attributes:
        timeouts: Rule → how often its expressions ran out of time.
        correlations: Their state.
        digests: Rule → the condition (`CompiledRule.digest`) that the time-outs are about. State of early versions has none.
    """

    timeouts: dict[str, int]
    correlations: bytes
    digests: dict[str, bytes] = {}


class SigmaDetector:
    """Runs a rule set. `suspended` names the rules that were stopped because their expressions take too long.

    Args:
        rules: What `load_rules` gave.
        evaluator: Who asks its rules over single events; None: the planned one.
        whole: Completes an event of which only the fields that rules need were read; None: events are whole.

    Attributes:
        correlations: Runs the rules over hits; its `late` and `judged_early` say what it could not judge in time.
    """

    name = "sigma"
    version = "1"

    def __init__(
        self,
        rules: RuleSet,
        evaluator: Evaluator | None = None,
        whole: Callable[[Event], Event] | None = None,
    ) -> None:
        plans = [correlation.plan for correlation in rules.correlations]
        self.correlations = Correlations(plans)
        self.memory_bound = 1_024 + _BYTES_PER_RULE * len(rules.rules) + 2 * bounds.CORRELATION_BYTES
        self._rules = {rule.id: rule for rule in rules.rules}
        self._metas = {correlation.id: correlation.meta for correlation in rules.correlations}
        self._silenced = silenced(plans)
        self._feeding = {rule: self.correlations.wants(rule) for rule in self.correlations.references()}
        self._whole = whole
        self._evaluator = evaluator or PlannedEvaluator(rules.rules)

    @property
    def suspended(self) -> tuple[RuleProblem, ...]:
        """The rules that no longer run, each with why."""
        why = (
            f"was suspended: its regular expression took longer than {bounds.REGEX_SECONDS} s on "
            f"{bounds.REGEX_TIMEOUTS} events; simplify the expression"
        )
        over = stopped(self._evaluator.timeouts, bounds.REGEX_TIMEOUTS)
        rules = (self._rules[rule] for rule in self._evaluator.timeouts if rule in over)
        return tuple(RuleProblem(rule.meta.path, rule.id, rule.meta.title, why) for rule in rules)

    def evaluate(self, event: Event) -> list[CompiledRule]:
        """The rules that `event` matches, correlations left aside."""
        return list(self._evaluator.match([event])[0])

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        """The findings of rules over single events; correlations are told by `advance`, once they are complete."""
        answers = self._evaluator.match(batch.events)
        pairs = zip(batch.events, answers, strict=True)
        return [finding for event, matched in pairs if matched for finding in self._judge(event, matched)]

    def _judge(self, event: Event, matched: Matches) -> Iterable[Finding]:
        event = self._whole(event) if self._whole is not None else event
        view = EventView(event.fields)
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

    def take_over(self, other: SigmaDetector) -> None:
        """Goes on where `other` stopped, which must judge no more: with its windows, and its suspensions.

        A suspension goes on where the rule's condition is the same. Where all correlations are the same, their state is
        moved at no cost; else it is copied, in near 1 s of CPU time for 100,000 hits that it holds.
        """
        self._suspend(other._evaluator.timeouts, other._digests())
        if self.correlations.plans == other.correlations.plans:
            self.correlations = other.correlations
        else:
            self.correlations.restore(other.correlations.snapshot())

    def snapshot(self) -> bytes:
        """The time-outs so far with what they are about, and the correlations' state."""
        state = _State(self._evaluator.timeouts, self.correlations.snapshot(), self._digests())
        return msgspec.msgpack.encode(state)

    def restore(self, state: bytes, version: str) -> None:
        """Takes up `state`; what belongs to rules that are no longer loaded, or have another condition, is dropped.

        Raises:
            PluginError: another version wrote it, or it is no snapshot.
        """
        if version != self.version:
            raise PluginError(self.name, f"cannot take up state of version {version}; this is {self.version}")
        try:
            found = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise PluginError(self.name, f"cannot take up its state ({error})") from error
        self._suspend(found.timeouts, found.digests)
        self.correlations.restore(found.correlations)

    def _digests(self) -> dict[str, bytes]:
        """What the time-outs are about: rule → digest of its condition."""
        return {rule: self._rules[rule].digest for rule in self._evaluator.timeouts}

    def _suspend(self, timeouts: Mapping[str, int], digests: Mapping[str, bytes]) -> None:
        """Counts `timeouts` of those rules whose condition is the one in `digests`, and no others."""
        known = {
            rule: count
            for rule, count in timeouts.items()
            if rule in self._rules and digests.get(rule) == self._rules[rule].digest
        }
        self._evaluator.timeouts.clear()
        self._evaluator.timeouts.update(known)


def state_without(state: bytes, version: str, subject: Subject) -> tuple[bytes, int]:
    """What `SigmaDetector.snapshot` gave, without what names `subject`; and how much of it named them.

    Raises:
        PluginError: another version wrote it, or it is no snapshot.
    """
    if version != SigmaDetector.version:
        raise PluginError(SigmaDetector.name, f"cannot take up state of version {version}")
    try:
        found = msgspec.msgpack.decode(state, type=_State)
    except msgspec.DecodeError as error:
        raise PluginError(SigmaDetector.name, f"cannot take up its state ({error})") from error
    found.correlations, several = correlations_without(found.correlations, subject)
    return msgspec.msgpack.encode(found), several
