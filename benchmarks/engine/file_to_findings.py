"""From file to findings: reading, judging and telling, in the ways in which parts can be left out or put in."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.engine.calibration import calibration
from benchmarks.engine.inputs import INGEST
from benchmarks.engine.judging import Answers
from benchmarks.telling import tell
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.planned import PlannedEvaluator
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.ruleset import RuleSet
from tocsin.engine.flow import Wiring, flow
from tocsin.engine.rule_sets import LoadedRules
from tocsin.engine.scan import ScanRequest, scan
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.sources.projection import whole
from tocsin.sources.reading import ReadOptions, read
from tocsin.store.entries import RuleSet as RuleSetNote

TARGET = 50_000


class _Heard:
    """Counts findings and digests them."""

    def __init__(self) -> None:
        self.told = Answers()

    def on_finding(self, finding: Finding) -> None:
        self.told.add_text(
            f"{finding.rule_id} {finding.time} {[str(piece.event_id) for piece in finding.evidence]}"
        )

    def on_set_aside(self, record: SetAside) -> None:
        pass

    def on_batch(self, batch: EventBatch) -> None:
        pass


Way = Callable[[Sequence[str], RuleSet], tuple[int, str]]
"""(events, digest of the findings)."""


def _scanned(paths: Sequence[str], ruleset: RuleSet) -> tuple[int, str]:
    """As `tocsin scan` does it: with the incidents in words."""
    heard = _Heard()
    result = scan(ScanRequest(paths, LoadedRules(ruleset, RuleSetNote("", 0)), ReadOptions(INGEST)), heard)
    return result.tally.events, heard.told.digest


def _wired(paths: Sequence[str], ruleset: RuleSet, tuning: Tuning, *, projected: bool) -> tuple[int, str]:
    """The flow of a scan without the words."""
    heard = _Heard()
    evaluator = PlannedEvaluator(ruleset.rules, tuning, whole=whole)
    detector = SigmaDetector(ruleset, evaluator, whole if projected else None)
    options = ReadOptions(ingest=INGEST, needs=evaluator.needs if projected else None)
    tally = flow(read(paths, options), Wiring([detector], IncidentDesk(), heard))
    return tally.events, heard.told.digest


WAYS: dict[str, Way] = {
    "scan": _scanned,
    "flow, whole events": lambda paths, rules: _wired(paths, rules, Tuning(), projected=False),
    "flow, needed fields": lambda paths, rules: _wired(paths, rules, Tuning(), projected=True),
    "flow, needed fields, no hyperscan": lambda paths, rules: _wired(
        paths, rules, Tuning(hyperscan=False), projected=True
    ),
}


def file_to_findings(paths: Sequence[str], ruleset: RuleSet, options: argparse.Namespace) -> int:
    """Reading, judging and telling, starts and rules' loading aside; then the command as a process, with both."""
    before = calibration()
    spent: dict[str, list[float]] = {name: [] for name in WAYS}
    found: dict[str, tuple[int, str]] = {}
    for _ in range(max(1, options.rounds // 2)):
        for name, way in WAYS.items():
            began = _cpu()
            found[name] = way(paths, ruleset)
            spent[name].append(_cpu() - began)
    equal = len(set(found.values())) == 1
    for name, seconds in spent.items():
        events = found[name][0]
        tell(kind="file to findings", way=name, events=events, rules=len(ruleset.rules), findings_equal=equal,
             per_cpu_second={"best": round(events / min(seconds)), "median": round(events / median(seconds))},
             target=TARGET, calibration_ms=[before, calibration()])  # fmt: skip
    tell(kind="file to findings", **_command(paths, options.rules))
    return 0 if equal else 1


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _command(paths: Sequence[str], rules: Path) -> dict[str, Any]:
    """`tocsin scan` twice, from an empty cache folder: what the second costs, its start in it."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "XDG_CACHE_HOME": home, "XDG_STATE_HOME": home, "XDG_DATA_HOME": home}
        command = [
            sys.executable,
            "-m",
            "tocsin",
            "scan",
            "--json",
            "--no-starter",
            "--rules",
            str(rules),
            *paths,
        ]
        for _ in range(2):
            began = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
            assert process.stdout is not None
            findings = sum(b'"finding"' in line[:40] for line in process.stdout)
            _pid, _status, usage = os.wait4(process.pid, 0)
            cpu = usage.ru_utime + usage.ru_stime
        wall = time.perf_counter() - began
    return {
        "way": "tocsin scan, rules from the cache, start in it", "findings": findings, "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(wall, 1), "peak_mib": usage.ru_maxrss // 1024,
    }  # fmt: skip
