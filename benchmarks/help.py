"""How long `tocsin --help` takes beside a bare click program: medians of alternated runs, as JSON lines."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = '''
import click

@click.group()
def cli():
    """A program."""

@cli.command()
def one():
    """A command."""

cli()
'''


def seconds(*command: str) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *command, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Alternates the two, and prints the medians and the ratio of pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.py")
        bare.write_text(BARE)
        seconds("-m", "tocsin"), seconds(str(bare))
        pairs = [(seconds("-m", "tocsin"), seconds(str(bare))) for _ in range(runs)]
    print(
        json.dumps(
            {
                "kind": "summary",
                "benchmark": "help",
                "runs": runs,
                "tocsin_seconds": round(statistics.median(ours for ours, _ in pairs), 4),
                "bare_click_seconds": round(statistics.median(bare for _, bare in pairs), 4),
                "ratio": round(statistics.median(ours / bare for ours, bare in pairs), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
