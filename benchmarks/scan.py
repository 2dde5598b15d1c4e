"""Scans of real recordings as a whole process: time, CPU and peak memory, as JSON lines.

`python -m benchmarks.scan [--rules FOLDER] PATH…` scans each path by itself with the starter rules and those of FOLDER.
Without a path: every folder of recordings that is a scan's input.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.data import DATA

FOLDERS = ("sigma-regression", "evtx", "otrf", "loghub")


def scanned(path: Path, rules: list[str]) -> dict[str, Any]:
    """One scan: its own summary, and what it cost."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "tocsin", "scan", str(path), "--json", *rules]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    summary = b""
    for line in process.stdout:
        summary = line
    _pid, status, usage = os.wait4(process.pid, 0)
    return {
        "kind": "scan",
        "path": path.name,
        "exit_code": os.waitstatus_to_exitcode(status),
        **{
            key: json.loads(summary)[key]
            for key in ("sources", "events", "set_aside", "findings", "incidents")
        },
        "wall_seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mib": usage.ru_maxrss // 1024,
    }


def main() -> None:
    """Prints one line a path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument(
        "--rules", action="append", default=[], help="A folder of rules beside the starter set."
    )
    chosen = parser.parse_args()
    rules = [part for folder in chosen.rules for part in ("--rules", folder)]
    for path in chosen.paths or [DATA / name for name in FOLDERS]:
        print(json.dumps(scanned(path, rules)), flush=True)


if __name__ == "__main__":
    main()
