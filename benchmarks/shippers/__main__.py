"""Numbered records through restarts of the real service, by each real sender that is at hand: JSON lines, then a table.

`python -m benchmarks.shippers [--records N] [--restarts K] [--rate R] [--only TEXT]`. A daemon that is not on this system
is looked for in the folder that TOCSIN_SHIPPERS names, where its packages were unpacked (`dpkg -x PACKAGE.deb FOLDER`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.shippers import daemons, packages, windows_script
from benchmarks.shippers.drill import Result, drilled


def main() -> None:
    """Prints one line for each way, and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--rate", type=float, default=5_000, help="records a second")
    parser.add_argument("--only", default="", help="ways whose name holds this text")
    chosen = parser.parse_args()
    results = []
    for way in (*packages.ways(), *windows_script.ways(), *daemons.ways()):
        if chosen.only.casefold() not in way.name.casefold():
            continue
        if way.missing:
            print(json.dumps({"kind": "skipped", "name": way.name, "why": way.missing}), flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            result = drilled(way, Path(folder), chosen.records, chosen.restarts, chosen.rate)
        print(json.dumps(result.line()), flush=True)
        results.append(result)
    print(f"\n{table(results)}")


def table(results: list[Result]) -> str:
    """For the documentation."""
    rows = [f"| {one.name} | {one.records:,} | {one.lost:,} | {one.repeated:,} |" for one in results]
    return "\n".join(["| way | records | lost | repeated |", "| --- | ---: | ---: | ---: |", *rows])


if __name__ == "__main__":
    main()
