"""What each rule costs and brings on given logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.detect.sigma.evaluation import stopped
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.account import RuleUse
from tocsin.engine.rule_sets import LoadedRules
from tocsin.records.event import EventBatch
from tocsin.sources.reading import ReadOptions, read


@dataclass(frozen=True, slots=True)
class RuleProfile:
    """The rules over single events, at work on some logs.

    Attributes:
        uses: Each rule's account, in order of loading.
        events: Events that were judged.
        seconds: Spent on judging them in all: on asking rules, and on searching values for what all of them look for.
        set_aside: Records, or rests of files, that could not be read.
        suspended: Ids of the rules that were asked no more, because their expressions ran out of time.
    """

    uses: tuple[RuleUse, ...]
    events: int
    seconds: float
    set_aside: int
    suspended: frozenset[str]

    def dearest(self, count: int) -> Sequence[RuleUse]:
        """The `count` rules that took the most time to ask, the dearest first; those never asked are left out."""
        asked = [use for use in self.uses if use.asked]
        return sorted(asked, key=lambda use: -use.seconds)[:count]


def profile(
    paths: Sequence[str],
    rules: LoadedRules,
    options: ReadOptions,
    clock: Callable[[], float],
    on_batch: Callable[[EventBatch], None],
) -> RuleProfile:
    """Judges all events under `paths` with the clock on; nothing is kept, no finding is made.

    Args:
        paths: Files and folders.
        rules: What judges.
        options: How to read.
        clock: Seconds from any moment on.
        on_batch: Told of each batch when it was judged.

    Raises:
        OperatorError: a path does not exist, or the format has no such name.
    """
    evaluator = PlannedEvaluator(rules.ruleset.rules, clock=clock, timed=True)
    events, seconds, set_aside = 0, 0.0, 0
    for batch in read(paths, options):
        began = clock()
        evaluator.match(batch.events)
        seconds += clock() - began
        events += len(batch)
        set_aside += len(batch.set_aside)
        on_batch(batch)
    over = stopped(evaluator.timeouts, bounds.REGEX_TIMEOUTS)
    return RuleProfile(evaluator.account(), events, seconds, set_aside, over)
