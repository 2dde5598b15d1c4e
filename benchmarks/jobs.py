"""One large file of JSON lines, by one process and by several: wall and CPU time of the whole command, as JSON lines.

`python -m benchmarks.jobs [--rules FOLDER] [--jobs N] [--mib SIZE] [--rounds N] [FILE]`: without FILE, the recordings of
OTRF one behind the other, SIZE MiB of them. The sides take turns, and what they print is compared before any figure is told.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median

from benchmarks.data import DATA


def one_file(folder: Path, size: int, path: Path) -> None:
    """Writes whole lines of the JSON recordings in `folder`, `size` bytes of them or a line more, to `path`."""
    with path.open("wb") as file:
        while file.tell() < size:
            start = file.tell()
            for archive in sorted(folder.rglob("*.zip")):
                with zipfile.ZipFile(archive) as opened:
                    for name in sorted(name for name in opened.namelist() if name.endswith(".json")):
                        with opened.open(name) as recording:
                            for line in recording:
                                file.write(line.rstrip(b"\r\n") + b"\n")
                                if file.tell() >= size:
                                    return
            if file.tell() == start:
                sys.exit(f"There are no recordings in {folder}.")


def scanned(path: Path, rules: list[str], jobs: int) -> tuple[str, float, float]:
    """One scan: what it prints without the time it took; wall and CPU seconds."""
    command = [sys.executable, "-m", "tocsin", "scan", str(path), "--json", "--jobs", str(jobs), *rules]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    printed = process.stdout.read().decode()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not printed.rstrip().endswith("}"):
        sys.exit(f"The scan of {path} failed: exit code {process.returncode}.")
    seconds = time.perf_counter() - began
    return re.sub(r'"seconds":\s*[\d.]+', "", printed), seconds, usage.ru_utime + usage.ru_stime


def main() -> int:
    """Prints one line; the exit code says whether the output was the same."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument(
        "--rules", action="append", default=[], help="A folder of rules beside the starter set."
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    rules = [part for folder in chosen.rules for part in ("--rules", folder)]
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.file
        if path is None:
            path = Path(folder, "recordings.json")
            one_file(DATA / "otrf", chosen.mib << 20, path)
        return compared(path, rules, chosen.jobs, chosen.rounds)


def compared(path: Path, rules: list[str], jobs: int, rounds: int) -> int:
    """Prints the medians of both sides; the first scan of all, which may have to compile the rules, is left out."""
    told = {scanned(path, rules, 1)[0]}
    spent: dict[int, list[tuple[float, float]]] = {1: [], jobs: []}
    for _ in range(rounds):
        for count, times in spent.items():
            printed, wall, cpu = scanned(path, rules, count)
            told.add(printed)
            times.append((wall, cpu))
    (one_wall, one_cpu), (wall, cpu) = (
        (median(time[0] for time in times), median(time[1] for time in times)) for times in spent.values()
    )
    summary = json.loads(next(iter(told)).splitlines()[-1].replace(",}", "}"))
    row = {
        "kind": "one file", "mib": path.stat().st_size >> 20, "events": summary["events"], "findings": summary["findings"],
        "rules": summary["rules"]["active"], "jobs": jobs, "equal": len(told) == 1,
        "wall_seconds": {"1": round(one_wall, 2), str(jobs): round(wall, 2)},
        "cpu_seconds": {"1": round(one_cpu, 2), str(jobs): round(cpu, 2)},
        "wall_ratio": round(one_wall / wall, 2), "cpu_ratio": round(cpu / one_cpu, 2),
    }  # fmt: skip
    print(json.dumps(row), flush=True)
    return len(told) > 1


if __name__ == "__main__":
    sys.exit(main())
