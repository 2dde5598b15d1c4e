"""Hayabusa (AGPL, a separate program): https://github.com/Yamato-Security/hayabusa, `hayabusa help json-timeline`.

Its own rules have logsources written out as channels; Sigma's rules as they are have none for it, so what it reports
outside a rule's logsource is not counted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.peers.peer import Run
from benchmarks.peers.processes import Done, run
from benchmarks.peers.standalone import fresh, judged, write_rules
from benchmarks.peers.workload import Flat, Workload


class Hayabusa:
    """The released binary, 2.16 or newer, in its folder (it needs the `config` and `rules/config` beside it).

    Args:
        path: Of the binary, None to look for `hayabusa` on PATH.
    """

    name = "hayabusa"

    def __init__(self, path: str | None) -> None:
        self._path = path or shutil.which("hayabusa")

    def unavailable(self) -> str | None:
        """No package index has it."""
        return None if self._path else "not installed: skipped (--hayabusa PATH)"

    def version(self) -> str:
        """From the first line of its help, `Hayabusa v2.19.0 - …`."""
        words = run([str(self._binary()), "help"], self._binary().parent).output.split()
        return next((word for word in words if word[:1] == "v" and word[1:2].isdigit()), "unknown")

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """It names no rule that it could not parse unless asked to log; such a rule shows as a difference."""
        del workload
        return {}

    def run(self, workload: Workload) -> Run:
        """Judges: flat JSON lines, one thread, no channel filters, the profile that names the rule's file."""
        folder = fresh(workload.folder / "hayabusa")
        rules = fresh(folder / "rules")
        ids = write_rules(rules, workload)

        def judge(lines: Path) -> tuple[Done, Iterator[tuple[str, int]]]:
            output = folder / "found.jsonl"
            done = run(
                [
                    str(self._binary()), "json-timeline", "--file", str(lines), "--JSON-input", "--rules", str(rules),
                    "--output", str(output), "--JSONL-output", "--clobber", "--no-wizard", "--quiet", "--quiet-errors",
                    "--enable-all-rules", "--scan-all-evtx-files", "--profile", "super-verbose", "--threads", "1",
                ],
                self._binary().parent,
            )  # fmt: skip
            return done, _hits(output, ids)

        return judged(workload, folder, _numbered, judge)

    def _binary(self) -> Path:
        assert self._path is not None
        return Path(self._path).resolve()


def _numbered(fields: Flat, row: int) -> Flat:
    """The record number is the only field that every line of its report carries over."""
    return {**fields, "EventRecordID": row}


def _hits(output: Path, ids: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    if not output.exists():
        return
    for line in output.read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        if str(found["RecordID"]).isdigit() and found["RuleFile"] in ids:
            yield ids[found["RuleFile"]], int(found["RecordID"])
