"""Rules that change while events flow.

1. A batch is judged by one set of rules, whole: no event by none, none by two.
2. A new set is made ready by whoever offers it, in a thread of its own: parsed, and planned for the kinds of events
   that flow. The flow only takes it up, between two batches.
3. Correlations that are in both sets go on with the windows they have; a rule that was suspended stays so unless its
   condition changed.
4. Where any correlation changed, the flow waits while what windows hold is copied: near 1 s for 100,000 hits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.account import Clock
from tocsin.engine.rule_sets import LoadedRules
from tocsin.records.event import EventBatch
from tocsin.records.finding import Finding
from tocsin.records.state_changes import StateChanges

Prepared = tuple[LoadedRules, SigmaDetector]
"""Rules, and the detector that is to judge by them."""


class LiveDetector:
    """The Sigma detector of the rules that hold now.

    Args:
        rules: To begin with.
        taken_up: Called in the flow's thread with each later set, before the first batch that it judges: the place to
            write down which rules hold from here on.
        clock: As `PlannedEvaluator`'s.

    Attributes:
        memory_bound: Of the detector that judges now, in bytes.
    """

    name = SigmaDetector.name
    version = SigmaDetector.version

    def __init__(
        self,
        rules: LoadedRules,
        taken_up: Callable[[LoadedRules], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock
        self._current = SigmaDetector(rules.ruleset, PlannedEvaluator(rules.ruleset.rules, clock=clock))
        self.memory_bound = self._current.memory_bound
        self._count = _count(rules)
        self._taken_up = taken_up
        self._lock = Lock()
        self._offered: Prepared | None = None
        self._recent = EventBatch(())

    @property
    def current(self) -> SigmaDetector:
        """The detector that judged the last batch."""
        return self._current

    @property
    def rules(self) -> int:
        """How many rules judge, correlations included."""
        return self._count

    def prepare(self, rules: LoadedRules) -> Prepared:
        """Makes `rules` ready to judge, which takes long. For any thread."""
        evaluator = PlannedEvaluator(rules.ruleset.rules, clock=self._clock)
        evaluator.prepare(self._recent)
        return rules, SigmaDetector(rules.ruleset, evaluator)

    def offer(self, prepared: Prepared) -> None:
        """Hands them over; of two that wait, the later one counts. For any thread."""
        with self._lock:
            self._offered = prepared

    def _take_up(self) -> None:
        with self._lock:
            offered, self._offered = self._offered, None
        if offered is None:
            return
        rules, detector = offered
        detector.take_over(self._current)
        if self._taken_up is not None:
            self._taken_up(rules)
        self._current = detector
        self.memory_bound = detector.memory_bound
        self._count = _count(rules)

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        """The findings of rules over single events, by the rules that were offered last."""
        self._take_up()
        self._recent = batch
        return self._current.process(batch)

    def advance(self, watermark: int) -> Sequence[Finding]:
        """The findings of correlations whose windows are complete."""
        return self._current.advance(watermark)

    def snapshot(self) -> bytes:
        """The whole state."""
        return self._current.snapshot()

    def restore(self, state: bytes, version: str) -> None:
        """Takes up `state`.

        Raises:
            PluginError: it is of another version, or no snapshot.
        """
        self._current.restore(state, version)

    def changes(self) -> StateChanges:
        """What of the state changed since the last call."""
        return self._current.changes()

    def unwrite(self) -> None:
        """What `changes` told was not kept."""
        self._current.unwrite()

    def restore_rows(self, rows: Mapping[str, bytes], version: str) -> None:
        """Takes up what all `changes` so far came to.

        Raises:
            PluginError: it is of another version, or damaged.
        """
        self._current.restore_rows(rows, version)


def _count(rules: LoadedRules) -> int:
    return len(rules.ruleset.rules) + len(rules.ruleset.correlations)
