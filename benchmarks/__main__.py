"""`python -m benchmarks [--full]`: every figure of RESULTS.md in turn; `--full` takes what `make soak` takes."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks.data import DATA

HERE = Path(__file__).parent

QUICK = (
    ("help",),
    ("demo_seeds", "--seeds", "1000..1004"),
    ("rules_check", str(DATA / "sigma")),
    ("rules_start", "--runs", "3"),
    ("scan", str(DATA / "evtx"), str(DATA / "loghub")),
    ("jobs", "--rounds", "1"),
    ("reading", "--rounds", "1", str(DATA / "evtx"), str(DATA / "sigma-regression")),
    ("exactness", "--sample", "100"),
    ("engine", "throughput", "--rounds", "2"),
    ("engine", "single", "--rounds", "1"),
    ("engine", "memory"),
    ("engine", "hostile"),
    ("shippers", "--records", "2000", "--restarts", "1", "--rate", "1000"),
    ("service_load", "--seconds", "5"),
)
FULL = (
    ("help", "--runs", "31"),
    ("fresh_clone",),
    ("demo_seeds", "--seeds", "1000..1019"),
    ("rules_check", str(DATA / "sigma")),
    ("rules_start",),
    ("scan", "--rules", str(DATA / "sigma")),
    ("jobs",),
    ("jobs", "--rules", str(DATA / "sigma")),
    ("reading",),
    ("literals",),
    ("exactness",),
    ("engine", "throughput"),
    ("engine", "single"),
    ("engine", "memory"),
    ("engine", "growth", "--full"),
    ("engine", "hostile"),
    ("peers",),
    ("correlations",),
    ("store", "--events", "1000000", "--an-hour", "1000000"),
    ("store_live",),
    ("shippers",),
    (
        "service_load",
        "--rate",
        "10",
        "--rate",
        "5000",
        "--rate",
        "20000",
        "--seconds",
        "600",
        "--batch",
        "200",
    ),
)


def main() -> int:
    """Runs them; the exit code says how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    chosen = FULL if parser.parse_args().full else QUICK
    print(f"# Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores", flush=True)
    failed = 0
    for name, *arguments in chosen:
        print(f"# python -m benchmarks.{name} {' '.join(arguments)}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
        failed += subprocess.run(command, cwd=HERE.parent, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
