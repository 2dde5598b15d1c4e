"""What loading rules costs at a start, as JSON lines: `python -m benchmarks.rules_start [--runs N] [RULES_FOLDER]`.

Alternates, each in a process of its own: without a cache, the first start with an empty one, a start from it, a start
after one rule was added. Before any figure, the rules of all four are compared, their conditions included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.data import DATA

ADDED = """
title: Added by the benchmark
id: {number:08x}-0000-4000-8000-000000000000
logsource: {{product: windows, category: process_creation}}
detection: {{selection: {{Image|endswith: '\\added-{number}.exe'}}, condition: selection}}
"""

SIDES = ("no cache", "first", "kept", "one more")


class Laps:
    """CPU seconds of this process since the last lap, by name."""

    def __init__(self) -> None:
        self.last = 0.0  # of process time, so the first lap holds the interpreter's own start
        self.taken: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Ends the lap `name`."""
        now = time.process_time()
        self.taken[name], self.last = round(now - self.last, 4), now


def start(rules: list[str], cache: str) -> dict[str, Any]:
    """One start in this process: what it cost, part by part; the digest of what it loaded is taken after the clock."""
    laps = Laps()
    laps.lap("interpreter")
    from tocsin.engine.rule_cache import RuleCache
    from tocsin.engine.rule_files import rule_texts
    from tocsin.engine.rule_sets import load

    laps.lap("imports")
    texts = rule_texts(rules)
    laps.lap("reading")
    kept = RuleCache(Path(cache, "cache"), Path(cache, "state", "key")) if cache else None
    parsed = 0

    def count(_done: int, _all: int) -> None:
        nonlocal parsed
        parsed += 1

    loaded, account = load(texts, {}, cache=kept, progress=count)
    laps.lap("loading")
    counts = account.counts()
    laps.lap("counting")
    cpu, peak, ended = time.process_time(), _peak_kib(), time.monotonic()
    return {
        "parsed": parsed, "cpu": cpu, "peak_kib": peak, "ended": ended, "laps": laps.taken, "counts": counts,
        "notices": account.notices, "digest": _digest(loaded.ruleset),
    }  # fmt: skip


def _digest(ruleset: Any) -> str:
    """Of every rule but the added ones, in order: what it says, what it asks."""
    import hashlib

    found = hashlib.sha256()
    for rule in ruleset.rules:
        if not rule.meta.title.startswith("Added by"):
            asked = (rule.meta, rule.logsource, rule.condition, sorted(rule.fields), rule.keywords)
            found.update(repr(asked).encode())
    found.update(repr((ruleset.correlations, ruleset.filters, ruleset.problems)).encode())
    return found.hexdigest()


def _peak_kib() -> int:
    """Of this program alone: `getrusage` counts what the process was before it became this program."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def run(rules: list[str], cache: str) -> dict[str, Any]:
    """One start in a process of its own; `wall` ends when its rules are ready (the clock is the machine's)."""
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.rules_start", "--child", json.dumps([rules, cache])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    return {**told, "wall": told["ended"] - began}


def measured(runs: int, rules: str) -> dict[str, list[dict[str, Any]]]:
    """Each side `runs` times, in turn."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for number in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            added = Path(folder, "added.yml")
            found["no cache"].append(run([rules], ""))
            found["first"].append(run([rules], folder))
            found["kept"].append(run([rules], folder))
            added.write_text(ADDED.format(number=number), encoding="utf-8")
            found["one more"].append(run([rules, str(added)], folder))
    return found


def main() -> int:
    """Prints one line a side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", nargs="?", default=str(DATA / "sigma"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(start(*json.loads(chosen.child))))
        return 0
    found = measured(chosen.runs, chosen.rules)
    digests = {one["digest"] for side in SIDES for one in found[side]}
    if len(digests) != 1:
        print("The sides loaded different rules: no figure is worth anything.", file=sys.stderr)
        return 1
    for side in SIDES:
        some = found[side]
        middle = {key: statistics.median(one[key] for one in some) for key in ("cpu", "wall", "peak_kib")}
        laps = {name: statistics.median(one["laps"][name] for one in some) for name in some[0]["laps"]}
        print(json.dumps({
            "kind": "rules-start", "side": side, "runs": len(some), "parsed": some[0]["parsed"], **some[0]["counts"],
            "cpu_seconds": round(middle["cpu"], 3), "wall_seconds": round(middle["wall"], 3),
            "peak_mib": round(middle["peak_kib"] / 1024), "cpu_by_part": laps, "notices": some[0]["notices"],
        }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
