"""Rules and values made to hurt: each must be answered within the bounds that stand here."""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.data import DATA
from benchmarks.engine.calibration import calibration
from benchmarks.engine.hostile_inputs import (
    HARMLESS,
    endless,
    event,
    exploding_rules,
    large_value,
    many_literals,
    many_rules,
)
from benchmarks.engine.inputs import batches, rules_of
from benchmarks.engine.memory import resident
from benchmarks.telling import tell
from tocsin.config import bounds
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.ruleset import RuleSet
from tocsin.engine.rule_cache import RuleCache
from tocsin.engine.rule_files import RuleTexts
from tocsin.engine.rule_sets import load

SPARE = 3
"""The clock of an expression is read now and then, on a busy machine: its 50 ms may be that many times as long."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and what it may be at most."""

    name: str
    value: float
    most: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rules", type=Path, default=DATA / "sigma", help="Folder of Sigma rules.")
    parser.add_argument("--recordings", type=Path, default=DATA / "otrf" / "compound" / "LSASS_campaign_02")
    parser.add_argument("--literals", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=10, help="Size of the large value.")
    parser.add_argument("--count", type=int, default=10_000, help="The many rules.")


def run(options: argparse.Namespace) -> int:
    """Prints JSON lines; the number of bounds that were passed."""
    ruleset = rules_of(options.rules)
    gc.collect()
    gc.freeze()
    return sum(
        _told(name, part)
        for name, part in (
            ("an expression that explodes", _exploding()),
            (f"a rule of {options.literals:,} literals", _literals(options.literals)),
            (f"a value of {options.megabytes} MB, all rules", _large(ruleset, options.megabytes)),
            (f"{options.count:,} rules", _many(options)),
        )
    )


def _told(name: str, figures: Sequence[Figure]) -> int:
    over = [figure.name for figure in figures if figure.value > figure.most]
    tell(kind="hostile", what=name, **{one.name: round(one.value, 3) for one in figures},
         most={one.name: one.most for one in figures}, over=over, calibration_ms=calibration())  # fmt: skip
    return len(over)


def _cpu(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def _exploding() -> list[Figure]:
    """Three texts of ASCII and three of others that make it explode, one by one and by columns."""
    ways = (("one by one", 10**9), ("by columns", 1))
    return [
        figure
        for way, columns in ways
        for spelling in ("ascii", "not ascii")
        for figure in _exploded(f"{way}, {spelling}: ", Tuning(columns_from=columns), spelling)
    ]


def _exploded(where: str, tuning: Tuning, spelling: str) -> list[Figure]:
    rules = load_rules(exploding_rules())
    evaluator = PlannedEvaluator(rules.rules, tuning)
    detector = SigmaDetector(rules, evaluator)
    events = [event(number, endless(number, spelling)) for number in range(100)]
    spent = [_cpu(partial(evaluator.match, [one])) for one in events[: bounds.REGEX_TIMEOUTS]]
    after = _cpu(partial(evaluator.match, events))
    harmless = sum(HARMLESS in [rule.id for rule in one] for one in evaluator.match(events))
    return [
        Figure(f"{where}seconds for one event", max(spent), SPARE * bounds.REGEX_SECONDS),
        Figure(f"{where}seconds for 100 after its suspension", after, 0.1),
        Figure(f"{where}rules not suspended", float(len(detector.suspended) != 1), 0),
        Figure(f"{where}hits of the other rule missing", len(events) - harmless, 0),
    ]


def _literals(count: int) -> list[Figure]:
    before = resident()
    texts = many_literals(count)
    began = time.process_time()
    rules = load_rules(texts)
    loaded = time.process_time()
    evaluator = PlannedEvaluator(rules.rules)
    events = [event(number, f"C:\\tools\\app{number}.exe --run {number:06}") for number in range(10_000)]
    evaluator.match(events[:1])
    planned = time.process_time()
    answers = evaluator.match(events)
    judged = time.process_time()
    held = evaluator.match([*events[:9], event(9, "run q00007z now")])
    wrong = sum(bool(answer) != (place == 9) for place, answer in enumerate(held))
    return [
        Figure("rules not loaded", len(rules.problems), 0),
        Figure("seconds to parse", loaded - began, 15),
        Figure("seconds to plan", planned - loaded, 5),
        Figure("us per event", (judged - planned) / len(events) * 1e6, 200),
        Figure("MB more", resident() - before, 300),
        Figure("hits of harmless events", sum(map(len, answers)), 0),
        Figure("wrong answers", wrong, 0),
    ]


def _large(ruleset: RuleSet, megabytes: int) -> list[Figure]:
    """In the field that most rules ask, and in the one with the longest literals."""
    found = []
    evaluator = PlannedEvaluator(ruleset.rules)
    for field, kind in (("CommandLine", 1), ("ScriptBlockText", 4104)):
        evaluator.prepare([event(0, "x", field, kind)])
        for text in ("words", "one letter"):
            one = event(1, large_value(megabytes, text), field, kind)
            before = resident()
            spent = _cpu(partial(evaluator.match, [one]))
            found += [
                Figure(f"{field}, {text}: seconds", spent, 10),
                Figure(f"{field}, {text}: MB more", resident() - before, 20 * megabytes),
            ]
    found.append(Figure("MB at most", resident("VmHWM"), 1_000))
    return found


def _many(options: argparse.Namespace) -> list[Figure]:
    """Variants of the recorded rules: parsed at a first start, taken from the cache at a second, and judging."""
    texts = many_rules(options.rules, options.count)
    before = resident()
    with tempfile.TemporaryDirectory() as folder:
        cache = RuleCache(Path(folder, "cache"), Path(folder, "state", "key"))
        first = _cpu(lambda: load(RuleTexts(texts, ()), {}, cache=cache))
        began = time.process_time()
        rules, _account = load(RuleTexts(texts, ()), {}, cache=cache)
        kept = time.process_time() - began
    evaluator = PlannedEvaluator(rules.ruleset.rules)
    events = spent = 0.0
    for batch in batches([str(options.recordings)]):
        spent += _cpu(partial(evaluator.match, batch.events))
        events += len(batch)
    return [
        Figure("rules not loaded", options.count - len(rules.ruleset.rules), options.count * 0.005),
        Figure("seconds to parse", first, 45),
        Figure("seconds from the cache", kept, 1.5),
        Figure("us per event", spent / events * 1e6, 100),
        Figure("MB more", resident() - before, 600),
    ]
