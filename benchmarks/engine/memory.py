"""What a process with every rule takes: at its start, with the rules loaded, and after all recordings were judged."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.data import DATA
from benchmarks.engine.inputs import batches
from benchmarks.telling import tell

LIMIT_MB = 300
STARTS = ("first start, rules parsed", "later start, rules from the cache")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rules", type=Path, default=DATA / "sigma", help="Folder of Sigma rules.")
    parser.add_argument("--recordings", type=Path, default=DATA / "otrf", help="Folder of recordings.")


def run(options: argparse.Namespace) -> int:
    """Prints a JSON line for each start, each in a process of its own; 1 where a peak is over the limit."""
    over = 0
    with tempfile.TemporaryDirectory() as folder:
        for start in STARTS:
            code = "import sys; from benchmarks.engine.memory import measure; measure(*sys.argv[1:])"
            command = [sys.executable, "-c", code, str(options.rules), str(options.recordings), folder]
            told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            figures = json.loads(told)
            tell(kind="memory", start=start, **figures, limit_mb=LIMIT_MB)
            over += figures["peak_mb"] > LIMIT_MB
    return over


def measure(rules: str, recordings: str, folder: str) -> None:
    """Loads and judges in this process; prints megabytes (10^6 bytes), resident and at most."""
    from tocsin.detect.sigma.planned import PlannedEvaluator
    from tocsin.engine.rule_cache import RuleCache
    from tocsin.engine.rule_files import rule_texts
    from tocsin.engine.rule_sets import load

    started = resident()
    cache = RuleCache(Path(folder, "cache"), Path(folder, "state", "key"))
    loaded, _account = load(rule_texts([rules]), {}, cache=cache)
    evaluator = PlannedEvaluator(loaded.ruleset.rules)
    ready = resident()
    events = matches = 0
    for batch in batches([recordings]):
        matches += sum(map(len, evaluator.match(batch.events)))
        events += len(batch)
    figures = {
        "rules": len(loaded.ruleset.rules), "events": events, "matches": matches, "started_mb": started,
        "rules_loaded_mb": ready, "judged_mb": resident(), "peak_mb": resident("VmHWM"),
    }  # fmt: skip
    print(json.dumps(figures))


def resident(name: str = "VmRSS") -> int:
    """Megabytes of this process (`VmRSS`), or the most they have been (`VmHWM`)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1_024 // 1_000_000
