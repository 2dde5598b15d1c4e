"""The Sigma detector: an evaluator says which rules match an event; here that becomes hits and findings.

A rule that correlations refer to without `generate: true` feeds them and does not report by itself. The only state of
its own is which expressions ran out of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from tocsin.config import bounds
from tocsin.detect.sigma.correlations.correlations import CorrelationMatch, Correlations
from tocsin.detect.sigma.correlations.forgetting import rows_without as correlations_without
from tocsin.detect.sigma.correlations.plans import silenced
from tocsin.detect.sigma.correlations.snapshot import pack, unpack
from tocsin.detect.sigma.evaluation import Evaluator, Matches, stopped
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.findings import correlation_finding, hit_on, rule_finding, values_for
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.ruleset import CompiledRule, RuleProblem, RuleSet
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch
from tocsin.records.finding import Finding
from tocsin.records.forgetting import Subject
from tocsin.records.state_changes import WHOLE, StateChanges

_T = TypeVar("_T")

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


_TIMEOUTS: Final = "timeouts"
"""The row beside those of the correlations."""


class _Timeouts(msgspec.Struct, array_like=True):
    """What that row holds, as in `_State`."""

    timeouts: dict[str, int]
    digests: dict[str, bytes]


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
        self._written: bytes | None = None

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
        found = self._read(state, version, _State)
        self._suspend(found.timeouts, found.digests)
        self.correlations.restore(found.correlations)

    def changes(self) -> StateChanges:
        """What of the state changed since the last call: rows of the correlations, and one about time-outs."""
        changes = self.correlations.changes()
        timeouts = msgspec.msgpack.encode(_Timeouts(self._evaluator.timeouts, self._digests()))
        if timeouts == self._written and not changes.reset:
            return changes
        self._written = timeouts
        return replace(changes, put={**changes.put, _TIMEOUTS: timeouts})

    def unwrite(self) -> None:
        """What `changes` told was not kept: the next time it tells everything."""
        self._written = None
        self.correlations.unwrite()

    def restore_rows(self, rows: Mapping[str, bytes], version: str) -> None:
        """Takes up what all `changes` so far came to, or a snapshot, as `restore` does.

        Raises:
            PluginError: another version wrote it, or it is damaged.
        """
        if WHOLE in rows:
            self.restore(rows[WHOLE], version)
            return
        found = self._read(rows.get(_TIMEOUTS, b""), version, _Timeouts)
        self._suspend(found.timeouts, found.digests)
        self.correlations.restore_rows({name: row for name, row in rows.items() if name != _TIMEOUTS})

    def _read(self, state: bytes, version: str, kind: type[_T]) -> _T:
        if version != self.version:
            raise PluginError(self.name, f"cannot take up state of version {version}; this is {self.version}")
        try:
            return msgspec.msgpack.decode(state, type=kind)
        except msgspec.DecodeError as error:
            raise PluginError(self.name, f"cannot take up its state ({error})") from error

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


def rows_without(
    rows: Mapping[str, bytes], version: str, subject: Subject
) -> tuple[Mapping[str, bytes], int]:
    """The rows that a detector's `changes` came to, or its snapshot, without what names `subject`; how many named them.

    Raises:
        PluginError: another version wrote them, or they are damaged.
    """
    if version != SigmaDetector.version:
        raise PluginError(SigmaDetector.name, f"cannot take up state of version {version}")
    if WHOLE not in rows:
        clean, several = correlations_without(
            {name: row for name, row in rows.items() if name != _TIMEOUTS}, subject
        )
        return {**rows, **clean}, several
    try:
        found = msgspec.msgpack.decode(rows[WHOLE], type=_State)
    except msgspec.DecodeError as error:
        raise PluginError(SigmaDetector.name, f"cannot take up its state ({error})") from error
    clean, several = correlations_without(unpack(found.correlations), subject)
    found.correlations = pack(clean)
    return {WHOLE: msgspec.msgpack.encode(found)}, several
