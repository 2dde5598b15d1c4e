"""`python -m benchmarks [--full]`: every figure of RESULTS.md in turn; `--full` takes what `make soak` takes."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DATA = Path(os.environ.get("TOCSIN_TEST_DATA", HERE.parents[1] / "shared" / "data"))

QUICK = (
    ("help.py",),
    ("demo_seeds.py", "--seeds", "1000..1004"),
    ("rules_check.py", str(DATA / "sigma")),
    ("scan.py", str(DATA / "evtx"), str(DATA / "loghub")),
)
FULL = (
    ("help.py", "--runs", "31"),
    ("fresh_clone.py",),
    ("demo_seeds.py", "--seeds", "1000..1019"),
    ("rules_check.py", str(DATA / "sigma")),
    ("scan.py", "--rules", str(DATA / "sigma")),
    ("correlations.py",),
    ("store.py",),
)


def main() -> int:
    """Runs them; the exit code says how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    chosen = FULL if parser.parse_args().full else QUICK
    print(f"# Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores", flush=True)
    failed = 0
    for script, *arguments in chosen:
        print(f"# benchmarks/{script}", flush=True)
        failed += (
            subprocess.run([sys.executable, str(HERE / script), *arguments], check=False).returncode != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
