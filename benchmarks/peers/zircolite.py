"""Zircolite (LGPL, a separate program): https://github.com/wagga40/Zircolite/blob/master/docs/Usage.md

It makes SQL of Sigma rules by pySigma, with the pipelines that say what a logsource is, and asks SQLite.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.peers.peer import Run
from benchmarks.peers.processes import Done, run
from benchmarks.peers.standalone import fresh, judged, report, write_rules
from benchmarks.peers.workload import ROW, Flat, Workload


class Zircolite:
    """`zircolite.py`, or a released binary.

    Args:
        path: Of either, None to look for `zircolite` on PATH. A `.py` runs by the `python` of a `.venv` or `venv` beside
            it, else by this one.
    """

    name = "zircolite"

    def __init__(self, path: str | None) -> None:
        self._path = path or shutil.which("zircolite")

    def unavailable(self) -> str | None:
        """No package index has it."""
        return None if self._path else "not installed: skipped (--zircolite PATH of zircolite.py)"

    def version(self) -> str:
        """What `--version` says, at its end."""
        return run([*self._command(), "--version"], self._home()).output.split()[-1]

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """It does not say; a rule that it left out shows as a difference where it should hit."""
        del workload
        return {}

    def run(self, workload: Workload) -> Run:
        """Judges: rules as YAML, events as flat JSON lines, one process."""
        folder = fresh(workload.folder / "zircolite")
        rules = fresh(folder / "rules")
        write_rules(rules, workload)
        ids = {rule.meta.title: rule.id for rule in workload.rules}

        def judge(lines: Path) -> tuple[Done, Iterator[tuple[str, int]]]:
            output = folder / "found.json"
            output.unlink(missing_ok=True)
            pipelines = ["-p", "sysmon", "-p", "windows-logsources"]
            done = run(
                [
                    *self._command(), "--events", str(lines), "--ruleset", str(rules), *pipelines, "--json-input",
                    "--no-parallel", "--no-auto-detect", "--nolog", "--quiet", "--outfile", str(output),
                ],
                self._home(),
            )  # fmt: skip
            return done, _hits(output, ids)

        return judged(workload, folder, _numbered, judge)

    def _home(self) -> Path:
        """It finds its settings from its own folder."""
        return Path(self._path or "").resolve().parent

    def _command(self) -> list[str]:
        assert self._path is not None
        path = Path(self._path).resolve()
        if path.suffix != ".py":
            return [str(path)]
        own = (path.parent / name / "bin" / "python" for name in (".venv", "venv"))
        return [str(next((python for python in own if python.exists()), Path(sys.executable))), str(path)]


def _numbered(fields: Flat, row: int) -> Flat:
    return {**fields, ROW: row}


def _hits(output: Path, ids: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for rule in report(output):
        for match in rule["matches"]:
            row = next(value for name, value in match.items() if name.lower() == ROW.lower())
            yield rule.get("id") or ids.get(rule["title"], rule["title"]), int(row)
