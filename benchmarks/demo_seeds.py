"""How the demo's day fares over many seeds: `python -m benchmarks.demo_seeds --seeds 1000..1019`.

For each seed one JSON line: what was read and found, the rank of the first incident that tells of the intrusion, and
the false incidents (those that rest on no record of it). Then a summary. Every seed takes the very path of
`tocsin scan`: files on disk, readers, starter rules, incident desk, words.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.engine.rule_files import starter_texts
from tocsin.engine.rule_sets import LoadedRules, load
from tocsin.engine.scan import ScanRequest, ScanResult, scan
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.records.incident import Told
from tocsin.rehearse.townhall.on_disk import lay_out, read_at
from tocsin.rehearse.townhall.town import GeneratedDay, generate
from tocsin.sources.reading import ReadOptions

Record = tuple[str, int]


@dataclass(slots=True)
class Heard:
    """Listens to a scan and keeps every finding."""

    findings: list[Finding]

    def on_finding(self, finding: Finding) -> None:
        """Keeps it."""
        self.findings.append(finding)

    def on_set_aside(self, record: SetAside) -> None:
        """The scan counts these."""

    def on_batch(self, batch: EventBatch) -> None:
        """The scan counts these."""


def play(seed: int, rules: LoadedRules) -> dict[str, Any]:
    """One seed, generated, scanned and compared with its labels."""
    began = time.perf_counter()
    day = generate(seed)
    made = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as folder:
        lay_out(day, Path(folder))
        heard = Heard([])
        result = scan(
            ScanRequest((folder,), rules, ReadOptions(read_at(day)), origin=f"simulated:demo-{seed}"), heard
        )
        line = _compare(day, result, heard.findings, Path(folder))
    return line | {
        "generate_seconds": round(made - began, 2),
        "seconds": round(time.perf_counter() - began, 2),
    }


def _compare(day: GeneratedDay, result: ScanResult, findings: list[Finding], folder: Path) -> dict[str, Any]:
    stage_of = {(str(folder / label.source), label.record): label.stage for label in day.labels}
    stages = [stage.name for stage in day.intrusion.stages]
    true = [told for told in result.told if _records(told) & stage_of.keys()]
    false = [told for told in result.told if told not in true]
    told = {stage_of[record] for one in true for record in _records(one) if record in stage_of}
    first = {stage_of[record] for one in true[:1] for record in _records(one) if record in stage_of}
    strange = [finding for finding in findings if not _cited([finding]) & stage_of.keys()]
    return {
        "kind": "seed",
        "seed": day.seed,
        "entry": day.intrusion.entry,
        "goal": day.intrusion.goal,
        "events": result.tally.events,
        "set_aside": result.tally.set_aside,
        "findings": len(findings),
        "findings_on_noise": sorted({f"{finding.level}: {finding.rule_title}" for finding in strange}),
        "incidents": len(result.told),
        "quiet": result.quiet,
        "rank": true[0].incident.rank if true else None,
        "parts": len(true),
        "false_incidents": len(false),
        "false_titles": [one.title for one in false],
        "stages_told": round(len(told) / len(stages), 2),
        "stages_in_first": round(len(first) / len(stages), 2),
        "stages_missed": [stage for stage in stages if stage not in told],
    }


def _records(told: Told) -> set[Record]:
    return _cited(told.incident.findings)


def _cited(findings: tuple[Finding, ...] | list[Finding]) -> set[Record]:
    return {(piece.source, piece.record) for finding in findings for piece in finding.evidence}


def _summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    count = len(lines)
    return {
        "kind": "summary",
        "seeds": count,
        "ranked_first": sum(line["rank"] == 1 for line in lines),
        "most_false_incidents": max(line["false_incidents"] for line in lines),
        "seeds_with_false_incidents": sum(line["false_incidents"] > 0 for line in lines),
        "mean_incidents": round(sum(line["incidents"] for line in lines) / count, 2),
        "mean_stages_told": round(sum(line["stages_told"] for line in lines) / count, 2),
        "mean_stages_in_first": round(sum(line["stages_in_first"] for line in lines) / count, 2),
        "events": [min(line["events"] for line in lines), max(line["events"] for line in lines)],
        "set_aside": sum(line["set_aside"] for line in lines),
        "slowest_generate_seconds": max(line["generate_seconds"] for line in lines),
    }


def _seeds(text: str) -> Iterator[int]:
    first, _, last = text.partition("..")
    yield from range(int(first), int(last or first) + 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="1000..1019", help="FROM..TO, both included")
    seeds = list(_seeds(parser.parse_args().seeds))
    rules, _ = load(starter_texts(), {})
    lines = []
    for seed in seeds:
        lines.append(play(seed, rules))
        print(json.dumps(lines[-1]), flush=True)
    print(json.dumps(_summary(lines)))


if __name__ == "__main__":
    main()
