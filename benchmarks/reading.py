"""What reading costs, for each kind of source: CPU for each event, all fields and only those that a rule set may ask for.

`python -m benchmarks.reading [--rounds N] [--rules FOLDER] [PATH…]` reads each path three ways in turn: its bytes alone
(decompression), all of every event, and the fields that the plans of the rules in FOLDER ask for (where a file's shape
allows it and it pays). Before a figure is told, both readings must agree on every event and on each field that is asked
for, and an event that was read in part must become the whole one when it is completed. A reading's child process
(the EVTX parser) is counted with it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.data import DATA
from tocsin.detect.sigma.fields import find
from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.ruleset import RuleText
from tocsin.records.event import Event, SetAside
from tocsin.sources.containers import open_file
from tocsin.sources.interface import Needs
from tocsin.sources.projection import whole as completed
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.walk import files

SOURCES = (
    "otrf/compound/LSASS_campaign_07", "otrf/atomic/windows/lateral_movement", "evtx", "sigma-regression",
    "icsnpp", "loghub", "ait-ads/fox_alerts.txt.gz",
)  # fmt: skip


def _needs(folder: Path) -> Needs:
    """What the plans of the rules in `folder` ask for."""
    texts = [RuleText(str(path), path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.yml"))]
    return PlannedEvaluator(load_rules(texts).rules).needs


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _bytes(path: Path) -> int:
    size = 0
    for file in files([str(path)]):
        if isinstance(file, SetAside):
            continue
        for opened in open_file(file.path, file.source):
            if not isinstance(opened, SetAside):
                while block := opened.content.read():
                    size += len(block)
    return size


def _events(path: Path, needs: Needs | None) -> Iterator[Event]:
    for batch in read([str(path)], ReadOptions(ingest=0, needs=needs)):
        yield from batch


def _read(path: Path, needs: Needs | None) -> int:
    return sum(len(batch) for batch in read([str(path)], ReadOptions(ingest=0, needs=needs)))


def _share_in_part(path: Path, needs: Needs) -> float:
    """The share of events that were read in part.

    Raises:
        ValueError: one of them does not say what it says when read whole.
    """
    events = partial = 0
    for whole, part in zip(_events(path, None), _events(path, needs), strict=True):
        events += 1
        partial += part.partial
        same = (whole.id, whole.time, whole.logsources, whole.host, whole.user, whole.kind, whole.raw) == (
            part.id, part.time, part.logsources, part.host, part.user, part.kind, part.raw,
        )  # fmt: skip
        if part.partial and same:
            asked = needs(part.logsources, part.fields) or ()
            same = all(find(whole.fields, name) == find(part.fields, name) for name in asked)
        if not (same and completed(part) == whole):
            raise ValueError(f"{path}: {whole.id} is not the same when only what is needed is read")
    return partial / max(events, 1)


def measured(path: Path, needs: Needs, rounds: int) -> dict[str, Any]:
    """The medians of `rounds` rounds in which the ways take turns."""
    share = _share_in_part(path, needs)
    ways: dict[str, Callable[[], int]] = {
        "bytes": lambda: _bytes(path),
        "whole": lambda: _read(path, None),
        "needed": lambda: _read(path, needs),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    counted = {}
    for _ in range(rounds):
        for name, way in ways.items():
            began = _cpu()
            counted[name] = way()
            spent[name].append(_cpu() - began)
    events = counted["whole"]
    micros = {name: statistics.median(each) / events * 1e6 for name, each in spent.items()}
    return {
        "kind": "reading",
        "path": str(path.relative_to(DATA)) if path.is_relative_to(DATA) else path.name,
        "events": events,
        "bytes_an_event": counted["bytes"] // events,
        "read_in_part": round(share, 3),
        **{f"{name}_us": round(each, 2) for name, each in micros.items()},
        "events_per_cpu_second": {
            name: round(1e6 / each) for name, each in micros.items() if name != "bytes"
        },
        "needed_to_whole": round(micros["needed"] / micros["whole"], 3),
    }


def main() -> None:
    """Prints one JSON line a path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rules", type=Path, default=DATA / "sigma" / "rules")
    chosen = parser.parse_args()
    needs = _needs(chosen.rules)
    for path in chosen.paths or [DATA / name for name in SOURCES]:
        print(json.dumps(measured(path, needs, chosen.rounds)), flush=True)


if __name__ == "__main__":
    main()
