"""Whether the planned evaluator says what the oracle says, in every tuning and every size of batch. Prints JSON lines.

`python -m benchmarks.exactness [--sample N] [--data FOLDER] [--rules FOLDER] [--pairs N] [--only recorded|made]`

Recorded: every event of the data's folders, judged by all rules. Made: pairs of rules and events that Hypothesis makes for
each other, in streams in which every event comes again. `--sample N` takes at most N events of each recorded file.
Exit code 1 where anything differs; the first rules and events that do are printed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any

from tests.detect.sigma.made.worlds import (
    Answer,
    Difference,
    World,
    answers,
    described,
    difference,
    disagreement,
    expected,
    pairs,
    pool,
    smallest,
)

from benchmarks.data import DATA
from benchmarks.telling import tell
from tocsin.detect.sigma.evaluation import Evaluator
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.plain import PlainEvaluator
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.detect.sigma.tree import leaves
from tocsin.engine.rule_files import rule_texts
from tocsin.records.event import Event
from tocsin.sources.reading import ReadOptions, read

SIZES = (1, 7, 1_000, 10_000)
LARGEST = max(SIZES)
ALWAYS, NEVER = 1, 10**9
TUNINGS = {
    f"{'columns' if columns == ALWAYS else 'rows'}, {literals}{', hyperscan' if hyperscan else ''}": Tuning(
        literals=literals, hyperscan=hyperscan, columns_from=columns
    )
    for columns, literals, hyperscan in product((ALWAYS, NEVER), ("automaton", "plain"), (True, False))
} | {"default": Tuning(), "rows, no cache": Tuning(columns_from=NEVER, cache_bytes=0)}
QUICK = ("columns, automaton, hyperscan", "rows, automaton, hyperscan", "rows, plain", "default")
SHOWN = 5
"""So many differences of one tuning and size are printed."""


class Side:
    """One evaluator in one tuning, fed in batches of one size."""

    def __init__(self, name: str, size: int, rules: Sequence[CompiledRule]) -> None:
        self.name, self.size, self.rules = name, size, rules
        self.evaluator: Evaluator = PlannedEvaluator(rules, TUNINGS[name])
        self.differences = 0
        self.seconds = 0.0

    def compare(self, stream: Sequence[Event], wanted: Sequence[Answer]) -> Difference | None:
        """Judges `stream`; the first difference in it."""
        began = time.process_time()
        told = answers(self.evaluator, self.rules, stream, self.size)
        self.seconds += time.process_time() - began
        self.differences += sum(said != true for said, true in zip(told, wanted, strict=True))
        return difference(self.rules, stream, told, wanted)


def chunks(folder: Path, most: int | None) -> Iterator[list[Event]]:
    """The events of `folder`, at most `most` of each file, in lists that fill the largest batch."""
    taken: Counter[str] = Counter()
    waiting: list[Event] = []
    for batch in read([str(folder)], ReadOptions(ingest=0)):
        for event in batch:
            taken[event.source] += 1
            if most is None or taken[event.source] <= most:
                waiting.append(event)
        while len(waiting) >= LARGEST:
            yield waiting[:LARGEST]
            del waiting[:LARGEST]
    if waiting:
        yield waiting


def folders(data: Path) -> list[Path]:
    return sorted(path for path in data.iterdir() if path.is_dir())


def recorded(data: Path, rules: Sequence[CompiledRule], names: Sequence[str], most: int | None) -> int:
    """Every folder of `data`, by the oracle once, then by each tuning in all sizes; how many answers differ."""
    truth, timeouts = told_by_oracle(data, rules, most)
    differences = 0
    for name in names:
        sides = [Side(name, size, rules) for size in SIZES]
        for folder in folders(data):
            start = 0
            for chunk in chunks(folder, most):
                wanted = truth[folder.name][start : start + len(chunk)]
                start += len(chunk)
                for side in sides:
                    show(side, side.compare(chunk, wanted))
        for side in sides:
            differences += side.differences
            tell(
                kind="recorded side", tuning=name, batch=side.size, differences=side.differences,
                cpu_seconds=round(side.seconds, 1), same_timeouts=side.evaluator.timeouts == timeouts,
            )  # fmt: skip
    return differences


def told_by_oracle(
    data: Path, rules: Sequence[CompiledRule], most: int | None
) -> tuple[dict[str, list[Answer]], dict[str, int]]:
    """What the oracle says of each folder's events, and the rules that ran out of time."""
    places = {rule.id: place for place, rule in enumerate(rules)}
    oracle = PlainEvaluator(rules)
    same: dict[Answer, Answer] = {}
    truth: dict[str, list[Answer]] = {}
    for folder in folders(data):
        told = truth[folder.name] = []
        for chunk in chunks(folder, most):
            for found in oracle.match(chunk):
                answer = tuple(sorted(places[rule.id] for rule in found))
                told.append(same.setdefault(answer, answer))
        if told:
            tell(kind="recorded", folder=folder.name, events=len(told), matches=sum(map(len, told)))
    fired = {place for answer in same for place in answer}
    tell(kind="recorded rules", rules=len(rules), fired=len(fired), timeouts=oracle.timeouts)
    return truth, oracle.timeouts


def show(side: Side, found: Difference | None) -> None:
    if found is None or side.differences > SHOWN:
        return
    tell(
        kind="difference", tuning=side.name, batch=side.size, event=str(found.event.id), source=found.event.source,
        missed=[rule.id for rule in found.missed], wrong=[rule.id for rule in found.wrong], disorder=found.disorder,
    )  # fmt: skip


def made(wanted_pairs: int, names: Sequence[str]) -> int:
    """Pools of made worlds until so many different pairs were judged; how many answers differ."""
    counts: Counter[str] = Counter()
    ops: Counter[str] = Counter()
    hit_ops: Counter[str] = Counter()
    differing: Counter[tuple[str, int]] = Counter()
    while counts["pairs"] < wanted_pairs:
        counts["pools"] += 1
        whole = pool(counts["pools"])
        truth = expected(whole.rules, whole.events)
        count_pairs(whole, truth, counts, ops, hit_ops)
        order = list(islice(whole.order * LARGEST, LARGEST + 500))
        stream, told = [whole.events[place] for place in order], [truth[place] for place in order]
        for name, size in product(names, SIZES):
            if (found := failing(whole, name, size, stream, told)) is not None:
                differing[name, size] += 1
                print(found, flush=True)
    tell(kind="made", **counts, differing=sum(differing.values()))
    for op, count in sorted(ops.items()):
        tell(kind="made op", op=op, pairs=count, matching=hit_ops[op])
    for name, size in product(names, SIZES):
        tell(kind="made side", tuning=name, batch=size, pools_that_differ=differing[name, size])
    return sum(differing.values())


def count_pairs(
    whole: World, truth: Sequence[Answer], counts: Counter[str], ops: Counter[str], hit_ops: Counter[str]
) -> None:
    """Counts the different pairs of `whole`, and for each op those whose rule asks it."""
    places = {rule.id: place for place, rule in enumerate(whole.rules)}
    for rule, event in pairs(whole):
        hit = places[rule.id] in truth[event.seq]
        counts["pairs"] += 1
        counts["matching"] += hit
        for op in {leaf.op for leaf in leaves(rule.condition)}:
            ops[op] += 1
            hit_ops[op] += hit
    counts["rules"] += len(whole.rules)
    counts["events"] += len(whole.events)


def failing(
    whole: World, name: str, size: int, stream: Sequence[Event], told: Sequence[Answer]
) -> str | None:
    """The fewest rules and events of `whole` that a tuning gets wrong, as text; None where it gets all right."""

    def planned(rules: Sequence[CompiledRule]) -> Evaluator:
        return PlannedEvaluator(rules, TUNINGS[name])

    try:
        if (
            difference(whole.rules, stream, answers(planned(whole.rules), whole.rules, stream, size), told)
            is None
        ):
            return None
    except Exception as error:  # noqa: BLE001  an evaluator that fails differs; it is told below, cut down
        print(f"{type(error).__name__}: {error}", flush=True)
    least = smallest(whole, planned, size)
    try:
        found: Any = disagreement(least, planned, size)
    except Exception as error:  # noqa: BLE001  as above
        found = f"{type(error).__name__}: {error}"
    return f"{name}, batches of {size}: {found}\n{described(least)}"


def main() -> int:
    """Runs both parts; 1 where anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sample", type=int, help="At most so many events of each recorded file, and few tunings."
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rules", type=Path, default=DATA / "sigma")
    parser.add_argument("--pairs", type=int, help="Made pairs; 100,000, or 10,000 of a sample.")
    parser.add_argument("--only", choices=("recorded", "made"))
    chosen = parser.parse_args()
    names = QUICK if chosen.sample else tuple(TUNINGS)
    differences = 0
    if chosen.only != "recorded":
        differences += made(chosen.pairs or (10_000 if chosen.sample else 100_000), names)
    if chosen.only != "made":
        loaded = load_rules(rule_texts([chosen.rules]).texts)
        tell(kind="rules", documents=loaded.documents, rules=len(loaded.rules), problems=len(loaded.problems),
             correlations=len(loaded.correlations))  # fmt: skip
        differences += recorded(chosen.data, loaded.rules, names, chosen.sample)
    tell(
        kind="summary", differences=differences, cpu_seconds=round(time.process_time()),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )  # fmt: skip
    return int(differences > 0)


if __name__ == "__main__":
    sys.exit(main())
