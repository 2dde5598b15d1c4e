"""How cost grows with rules (100 to all) and with events (10^5 to 10^6; `--full`: 10^7), each drawn as a chart."""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson

from benchmarks.data import DATA
from benchmarks.engine.calibration import calibration
from benchmarks.engine.chart import Axis, Line, Panel, chart, marks
from benchmarks.engine.inputs import batches, drawn, rules_of
from benchmarks.engine.judging import Judged, disagreements, judged
from benchmarks.engine.memory import resident
from benchmarks.telling import tell
from tocsin.config import bounds
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.records.event import Event, EventBatch

RULES = (100, 300, 1_000, 2_000)
RATIO = 2.5
"""All rules may cost so many times what 100 cost."""

LINEAR = 1.25
"""An event at the end may cost so many times what one of the first 10^5 costs."""

GROWTH_MB = 32
"""The process may grow by so much after the first 10^6 events."""

EVERY = 60
"""Every so many recorded events one is taken; some 8,000 make a day that comes again and again."""

VARIED = ("CommandLine", "TargetObject", "TargetFilename", "ScriptBlockText", "Payload", "CallTrace", "ImageLoaded",
          "ObjectName", "DestinationIp", "Image")  # fmt: skip
"""The first of these fields that an event has is another one each time."""

DOCS = Path(__file__).parents[2] / "docs"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rules", type=Path, default=DATA / "sigma", help="Folder of Sigma rules.")
    parser.add_argument(
        "--recordings", type=Path, default=DATA / "otrf", help="Folder of Windows recordings."
    )
    parser.add_argument("--full", action="store_true", help="10^7 events, some minutes.")
    parser.add_argument("--docs", type=Path, default=DOCS, help="Where the charts go.")
    parser.add_argument("--only", choices=("rules", "events"))


def run(options: argparse.Namespace) -> int:
    """Prints JSON lines and draws; 1 where it grows by more than it may."""
    rules = rules_of(options.rules).rules
    gc.collect()
    gc.freeze()
    over = 0
    if options.only != "rules":  # first, for what the other leaves in memory would be taken for its own
        over += _by_events(rules, options)
    if options.only != "events":
        over += _by_rules(rules, options)
    return 1 if over else 0


def _by_rules(rules: Sequence[CompiledRule], options: argparse.Namespace) -> int:
    """Every recording by more and more rules, cold; the sizes take turns."""
    paths = [str(options.recordings)]
    sizes = [*(size for size in RULES if size < len(rules)), len(rules)]
    rounds: dict[int, list[Judged]] = {size: [] for size in sizes}
    for size in sizes:
        compared, different = disagreements(
            PlannedEvaluator(drawn(rules, size)), drawn(rules, size), batches(paths), 200
        )
        if different:
            tell(kind="hits", rules=size, events=compared, different=different)
            return 1
    before = calibration()
    for _ in range(options.rounds):
        for size in sizes:
            rounds[size].append(judged(PlannedEvaluator(drawn(rules, size)), batches(paths)))
    micros = {size: _micros(each) for size, each in rounds.items()}
    read = {size: median(one.whole / one.events for one in each) * 1e6 for size, each in rounds.items()}
    plans = {size: median(one.plans / one.events for one in each) * 1e6 for size, each in rounds.items()}
    ratios = [each[sizes[-1]] / each[sizes[0]] for each in (micros, read)]
    tell(kind="growth", by="rules", us_per_event=_rounded(micros), of_that_plans=_rounded(plans), with_reading=_rounded(read),
         ratio=round(ratios[0], 2), ratio_with_reading=round(ratios[1], 2), most=RATIO,
         calibration_ms=[before, calibration()])  # fmt: skip
    _draw_rules(micros, read, rounds[sizes[0]][0].events, options.docs)
    return ratios[0] > RATIO


def _micros(each: Sequence[Judged]) -> float:
    return median((one.plans + one.judging) / one.events for one in each) * 1e6


def _rounded(figures: dict[int, float]) -> dict[int, float]:
    return {size: round(each, 2) for size, each in figures.items()}


def _draw_rules(micros: dict[int, float], read: dict[int, float], events: int, docs: Path) -> None:
    first, *_, last = micros
    limit = [(first, micros[first] * RATIO), (last, micros[first] * RATIO)]
    told = (
        f"{last:,} rules cost {micros[last] / micros[first]:.1f} times what {first} cost, with reading "
        f"{read[last] / read[first]:.1f} times; {events:,} events, cold caches."
    )
    svg = chart("What an event costs, by the number of rules", told, [
        Panel(
            Axis("rules", [(size, f"{size:,}") for size in micros], logarithmic=True),
            Axis("µs of CPU per event", marks(max(read.values()) * 1.2)),
            [Line("judging, plans included", list(micros.items())), Line("reading and judging", list(read.items()))],
            [Line(f"{RATIO} times what {first} rules cost", limit)],
        ),
    ])  # fmt: skip
    (docs / "growth-rules.svg").write_text(svg, encoding="utf-8")


class Mark(NamedTuple):
    """How far a stream has come.

    Attributes:
        events: Judged so far.
        seconds: CPU that judging them took.
        resident_mb: Of the process now.
    """

    events: int
    seconds: float
    resident_mb: int


def _by_events(rules: Sequence[CompiledRule], options: argparse.Namespace) -> int:
    """One long stream in which every event is new."""
    most = 10_000_000 if options.full else 1_000_000
    before = calibration()
    found = list(_marked(PlannedEvaluator(rules), _stream([str(options.recordings)], most)))
    first = next(mark for mark in found if mark.events >= 100_000)
    last = found[-1]
    tail = found[-max(2, len(found) // 5)]
    at_million = next((mark for mark in found if mark.events >= 1_000_000), last)
    early = first.seconds / first.events * 1e6
    late = (last.seconds - tail.seconds) / (last.events - tail.events) * 1e6
    grown = last.resident_mb - at_million.resident_mb
    tell(kind="growth", by="events", events=last.events, us_per_event_first=round(early, 2), us_per_event_last=round(late, 2),
         ratio=round(late / early, 2), most=LINEAR, resident_mb=[mark.resident_mb for mark in found], grown_mb=grown,
         calibration_ms=[before, calibration()])  # fmt: skip
    _draw_events(found, early, late, options.docs)
    return late / early > LINEAR or grown > GROWTH_MB


def _marked(evaluator: PlannedEvaluator, stream: Iterator[EventBatch]) -> Iterator[Mark]:
    """A mark about every 10^5 events at first, later every 5 * 10^5."""
    events, seconds, due = 0, 0.0, 100_000
    for batch in stream:
        began = time.process_time()
        evaluator.match(batch.events)
        seconds += time.process_time() - began
        events += len(batch)
        if events >= due:
            yield Mark(events, seconds, resident())
            due += 100_000 if due < 1_000_000 else 500_000


def _stream(paths: Sequence[str], most: int) -> Iterator[EventBatch]:
    """`most` events: recorded ones over and over, each time with another value in the field that tells most.

    The recordings are kept as bytes, and each batch is made when it is due: what is held is always the same.
    """
    kept: list[tuple[Event, bytes]] = []
    for batch in batches(paths):
        kept.extend(
            (replace(event, fields={}), orjson.dumps(event.fields)) for event in batch.events[::EVERY]
        )
    made = 0
    while True:
        for first in range(0, len(kept), bounds.BATCH_EVENTS):
            part = kept[first : first + min(bounds.BATCH_EVENTS, most - made)]
            yield EventBatch.of((_varied(event, data, made) for event, data in part), ())
            made += len(part)
            if made >= most:
                return


def _varied(event: Event, data: bytes, made: int) -> Event:
    fields: dict[str, Any] = orjson.loads(data)
    for name in VARIED:
        value = fields.get(name)
        if isinstance(value, str):
            fields[name] = f"{value} {made}"
            break
    return replace(event, fields=fields)


def _draw_events(found: Sequence[Mark], early: float, late: float, docs: Path) -> None:
    seconds = [(mark.events / 1e6, mark.seconds) for mark in found]
    memory = [(mark.events / 1e6, float(mark.resident_mb)) for mark in found]
    most = max(mark.resident_mb for mark in found)
    across = Axis("million events, each with a value that none had before", marks(seconds[-1][0]))
    told = (
        f"{early:.1f} µs per event over the first 100,000, {late:.1f} at the end; at most {most} MB resident."
    )
    svg = chart("CPU and memory, by the number of events", told, [
        Panel(across, Axis("CPU seconds", marks(seconds[-1][1] * 1.1, 4)), [Line("judging by all rules", seconds)]),
        Panel(across, Axis("MB resident", marks(most * 1.2, 4)), [Line("the whole process, recordings to repeat in it", memory)]),
    ])  # fmt: skip
    (docs / "growth-events.svg").write_text(svg, encoding="utf-8")
