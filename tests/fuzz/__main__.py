"""`python -m tests.fuzz --seconds N [--only NAME]`: N seconds for each target; exit code 1 where a defect was found.

Works in `fuzz-work/`, where each target's corpus grows from run to run. A defect's input lies in
`fuzz-work/<target>/found`, made small, with its trace beside it: mend it, and move the input to `tests/fuzz/seeds/<target>/`.
"""

# ruff: noqa: T201  a command of ours: what it prints is its result
from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.targets import SEEDS, TARGETS, Target

WORK = Path("fuzz-work")
HANG_SECONDS = 60
"""Wall-clock time after which libFuzzer ends a run of one input; the invariants judge CPU time, and sooner."""

MEMORY_MIB = 2048
_DICTIONARY = Path(__file__).parent / "tokens.dict"


def main() -> int:
    """Fuzzes every target that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--only", action="append", help="a target's name, or how it starts; may be repeated")
    parser.add_argument("--seed", type=int, default=0, help="0: from the clock")
    parser.add_argument("--list", action="store_true", help="print the targets")
    options = parser.parse_args()
    names = ["evtx", *(one.name for one in TARGETS)]
    if options.only:
        names = [name for name in names if name.startswith(tuple(options.only))]
    if options.list or not names:
        print("\n".join(names))
        return 0 if names else 2
    seed = options.seed or time.time_ns() % 2**31
    found = [path for name in names for path in _fuzz(name, options.seconds, seed)]
    for path in found:
        print(
            f"\n{path}\n{path.with_suffix('.trace').read_text(encoding='utf-8') if path.suffix != '.hang' else ''}"
        )
    return 1 if found else 0


def _fuzz(name: str, seconds: float, seed: int) -> list[Path]:
    """Fuzzes one target for `seconds`; the inputs that showed a defect in this run."""
    work = WORK / name
    found = work / "found"
    work.mkdir(parents=True, exist_ok=True)
    before = set(found.glob("*")) if found.is_dir() else set()
    command = _evtx(found, seconds, seed) if name == "evtx" else _atheris(name, work, seconds, seed)
    began = time.monotonic()
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False, timeout=seconds + 600)
    talk = done.stderr.decode("utf-8", "replace")
    new = [
        path
        for path in (sorted(found.glob("*")) if found.is_dir() else [])
        if path not in before and path.suffix != ".trace"
    ]
    runs = int((re.findall(r"number_of_executed_units:\s*(\d+)", talk) or ["0"])[-1])
    killed = re.findall(r"worker killed: (\d+)", talk)
    cover = re.findall(r"cov: (\d+)", talk)
    extra = f", parser killed {killed[-1]} times" if killed else f", {cover[-1] if cover else 0} edges"
    print(
        f"{name}: {runs:,} executions in {time.monotonic() - began:.0f} s{extra}, {len(new)} defects",
        flush=True,
    )
    if done.returncode:
        log = work / "log.hang"
        log.write_text(talk, encoding="utf-8")
        print(f"  ended with {done.returncode}: see {log}", flush=True)
        new.append(log)
    return new


def _atheris(name: str, work: Path, seconds: float, seed: int) -> list[str]:
    one = next(target for target in TARGETS if target.name == name)
    corpus = _corpus(one, work)
    return [
        sys.executable, "-m", "tests.fuzz.worker", name, str(work / "found"), str(corpus),
        *([str(SEEDS / name)] if (SEEDS / name).is_dir() else []),
        f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", f"-max_len={one.most_bytes}",
        f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={work}/", f"-dict={_DICTIONARY}",
        "-print_final_stats=1", "-use_value_profile=1",
    ]  # fmt: skip


def _corpus(one: Target, work: Path) -> Path:
    corpus = work / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(one.starts()):
        (corpus / f"start-{number:04d}").write_bytes(data)
    return corpus


def _evtx(found: Path, seconds: float, seed: int) -> list[str]:
    return [sys.executable, "-m", "tests.fuzz.evtx_target", str(found), f"{seconds}", f"{seed}"]


if __name__ == "__main__":
    sys.exit(main())
