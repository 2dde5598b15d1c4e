"""Our side: the evaluator in this process, on events as the reader gives them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.peers.peer import Run
from benchmarks.peers.workload import Workload, read_back
from tocsin.config import bounds
from tocsin.detect.sigma.evaluation import Evaluator
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.ruleset import CompiledRule

EVALUATORS: Mapping[str, Callable[[Sequence[CompiledRule]], Evaluator]] = {
    "planned": PlannedEvaluator,
    "plain": PlainEvaluator,
}


class Tocsin:
    """Judges in batches as a scan does, with nothing remembered from an earlier run."""

    def __init__(self, kind: str) -> None:
        self.name = f"tocsin ({kind})"
        self._make = EVALUATORS[kind]

    def unavailable(self) -> str | None:
        """It is what runs this."""
        return None

    def version(self) -> str:
        """This checkout."""
        return "this checkout"

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """None: the workload has only rules that it loaded."""
        del workload
        return {}

    def run(self, workload: Workload) -> Run:
        """Judges; the first event of each kind is judged twice, first to have its rules compiled, as part of the start."""
        kinds = {(event.logsources, event.kind): event for event in reversed(workload.events)}
        began = time.process_time()
        judge = self._make(workload.rules)
        judge.match(list(kinds.values()))
        made = time.process_time()
        hits: dict[str, set[int]] = {}
        for start in range(0, len(workload.events), bounds.BATCH_EVENTS):
            found = judge.match(workload.events[start : start + bounds.BATCH_EVENTS])
            for row, matched in enumerate(found, start):
                for rule in matched:
                    hits.setdefault(rule.id, set()).add(row)
        judged = time.process_time()
        read_back(workload.lines)
        done = time.process_time()
        return Run(
            {rule: frozenset(rows) for rule, rows in hits.items()}, judged - made, done - judged, made - began
        )
