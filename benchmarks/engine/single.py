"""One event at a time, as a stream brings them: microseconds of CPU for each, its JSON parsed already."""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.data import DATA
from benchmarks.engine.calibration import calibration
from benchmarks.engine.inputs import batches, rules_of, windows
from benchmarks.engine.judging import Answers
from benchmarks.engine.unique_events import write_unique_log
from benchmarks.telling import tell
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.records.event import Event, SetAside
from tocsin.sources.walk import files

P50, P99 = 15.0, 200.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rules", type=Path, default=DATA / "sigma", help="Folder of Sigma rules.")
    parser.add_argument(
        "--recordings", type=Path, default=DATA / "otrf", help="Folder of Windows recordings."
    )
    parser.add_argument(
        "--each", type=int, default=3_000, help="Events of each recording (default: the first 3,000)."
    )
    parser.add_argument("--unique", type=int, default=20_000, help="Events of the log of unique values.")


def run(options: argparse.Namespace) -> int:
    """Prints JSON lines; 1 where one by one and in batches the answers differ."""
    rules = windows(rules_of(options.rules).rules)
    gc.collect()
    gc.freeze()
    paths = [found.source for found in files([str(options.recordings)]) if not isinstance(found, SetAside)]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        unique = Path(folder, "unique.jsonl")
        write_unique_log(unique, options.unique)
        for name, sources, most in (
            ("recordings", paths, options.each),
            ("unique", [str(unique)], options.unique),
        ):
            wrong += _compared(name, PlannedEvaluator(rules), PlannedEvaluator(rules), sources, most)
            for _ in range(options.rounds):
                evaluator, before = PlannedEvaluator(rules), calibration()
                for state in ("cold", "warm"):
                    tell(kind="single", log=name, caches=state, **_figures(_timed(evaluator, sources, most)),
                         targets={"p50": P50, "p99": P99}, calibration_ms=[before, calibration()])  # fmt: skip
    return 1 if wrong else 0


def _events(paths: Sequence[str], most: int) -> Iterator[list[Event]]:
    """The first `most` events of each path, in batches; they lie a while before they are judged, as they would in a queue."""
    for path in paths:
        left = most
        for batch in batches([path]):
            yield list(islice(batch, left))
            left -= len(batch)
            if left <= 0:
                break


def _compared(
    name: str, one_by_one: PlannedEvaluator, together: PlannedEvaluator, paths: Sequence[str], most: int
) -> int:
    single, whole = Answers(), Answers()
    for events in _events(paths, most):
        single.add(events, [one_by_one.match_one(event) for event in events])
        whole.add(events, together.match(events))
    equal = single.digest == whole.digest
    tell(kind="hits", log=name, one_by_one=single.count, in_batches=whole.count, equal=equal)
    return not equal


def _timed(evaluator: PlannedEvaluator, paths: Sequence[str], most: int) -> list[int]:
    """Nanoseconds of CPU for each event; what reading the clock takes is taken off."""
    clock, match = time.thread_time_ns, evaluator.match_one
    of_clock = round(median(-(clock() - clock()) for _ in range(1_001)))
    spent = []
    for events in _events(paths, most):
        for event in events:
            began = clock()
            match(event)
            spent.append(max(clock() - began - of_clock, 0))
    return spent


def _figures(spent: Sequence[int]) -> dict[str, Any]:
    cuts = quantiles(spent, n=1_000)
    return {
        "events": len(spent), "p50": cuts[499] / 1e3, "p90": cuts[899] / 1e3, "p99": cuts[989] / 1e3,
        "p99.9": cuts[998] / 1e3, "most": max(spent) / 1e3, "mean": round(sum(spent) / len(spent) / 1e3, 1),
    }  # fmt: skip
