"""How many events one core judges by all Windows rules with cold caches, and how many it takes from file to findings."""

from __future__ import annotations

import argparse
import gc
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.data import DATA
from benchmarks.engine.calibration import calibration
from benchmarks.engine.file_to_findings import file_to_findings
from benchmarks.engine.inputs import batches, recordings, rules_of, windows
from benchmarks.engine.judging import Judged, disagreements, judged
from benchmarks.engine.unique_events import write_unique_log
from benchmarks.telling import tell
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.ruleset import CompiledRule

TARGETS = {"ordinary": 200_000, "powershell": 50_000, "unique": 20_000}
SIDES = {"hyperscan": Tuning(), "without hyperscan": Tuning(hyperscan=False)}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="Alternated rounds (default: 5).")
    parser.add_argument("--rules", type=Path, default=DATA / "sigma", help="Folder of Sigma rules.")
    parser.add_argument(
        "--recordings", type=Path, default=DATA / "otrf", help="Folder of Windows recordings."
    )
    parser.add_argument("--unique", type=int, default=50_000, help="Events of the log of unique values.")
    parser.add_argument(
        "--every", type=int, default=50, help="Every so many events the plain evaluator is asked too."
    )
    parser.add_argument("--only", choices=(*TARGETS, "file to findings"), help="One of the four.")


def run(options: argparse.Namespace) -> int:
    """Prints JSON lines; 1 where answers differ."""
    ruleset = rules_of(options.rules)
    rules = windows(ruleset.rules)
    kinds = recordings(options.recordings)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        unique = Path(folder, "unique.jsonl")
        write_unique_log(unique, options.unique)
        streams = {"ordinary": kinds.ordinary, "powershell": kinds.powershell, "unique": (str(unique),)}
        gc.collect()
        gc.freeze()  # the rules, which the product too loads once
        for name, paths in streams.items():
            if options.only in {None, name}:
                wrong += _judging(name, paths, rules, options)
    if options.only in {None, "file to findings"}:
        wrong += file_to_findings((*kinds.ordinary, *kinds.powershell), ruleset, options)
    return 1 if wrong else 0


def _judging(
    name: str, paths: Sequence[str], rules: Sequence[CompiledRule], options: argparse.Namespace
) -> int:
    """One kind of log: compared with the plain evaluator first, then timed."""
    compared, different = disagreements(PlannedEvaluator(rules), rules, batches(paths), options.every)
    if different:
        tell(kind="hits", log=name, events=compared, different=different)
        return 1
    before = calibration()
    rounds: dict[str, list[Judged]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side, tuning in SIDES.items():
            rounds[side].append(judged(PlannedEvaluator(rules, tuning), batches(paths)))
    digests = {one.digest for each in rounds.values() for one in each}
    for side, each in rounds.items():
        tell(kind="throughput", log=name, side=side, rules=len(rules), **_figures(each), target=TARGETS[name],
             files=len(paths), compared_with_plain=compared, answers_equal=len(digests) == 1,
             calibration_ms=[before, calibration()])  # fmt: skip
    return len(digests) - 1


def _figures(each: Sequence[Judged]) -> dict[str, Any]:
    rates = [one.rate for one in each]
    with_plans = [one.rate_with_plans for one in each]
    return {
        "events": each[0].events, "matches": each[0].matches,
        "judging_per_cpu_second": {"best": round(max(rates)), "median": round(median(rates))},
        "with_plans_per_cpu_second": {"best": round(max(with_plans)), "median": round(median(with_plans))},
        "plans_seconds": round(median(one.plans for one in each), 2),
        "judging_seconds": round(median(one.judging for one in each), 2),
    }  # fmt: skip
