"""Chainsaw (GPL-3.0, a separate program): https://github.com/WithSecureLabs/chainsaw/wiki/Usage

Its mapping file says which events a logsource means. The one that it brings is for EVTX files; it is used on JSON lines
of that shape, with the provider and the time where its own reader of EVTX puts them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.peers.peer import Run
from benchmarks.peers.processes import Done, run
from benchmarks.peers.standalone import as_event, fresh, judged, report, write_rules
from benchmarks.peers.workload import Workload


class Chainsaw:
    """The released binary, 2 or newer.

    Args:
        path: Of the binary, None to look for `chainsaw` on PATH.
        mapping: Its `sigma-event-logs-all.yml`; None to look below `mappings` beside the binary.
    """

    name = "chainsaw"

    def __init__(self, path: str | None, mapping: str | None) -> None:
        self._path = path or shutil.which("chainsaw")
        beside = Path(self._path or "").resolve().parent / "mappings" / "sigma-event-logs-all.yml"
        self._mapping = Path(mapping).resolve() if mapping else beside

    def unavailable(self) -> str | None:
        """No package index has it."""
        if not self._path:
            return "not installed: skipped (--chainsaw PATH)"
        return None if self._mapping.is_file() else "no mapping: skipped (--chainsaw-mapping PATH)"

    def version(self) -> str:
        """What `--version` says, `chainsaw 2.13.1`."""
        return run([str(self._path), "--version"], Path()).output.split()[-1]

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """It counts the rules that it does not load and names none; such a rule shows as a difference."""
        del workload
        return {}

    def run(self, workload: Workload) -> Run:
        """Judges, on one of rayon's threads."""
        folder = fresh(workload.folder / "chainsaw")
        rules = fresh(folder / "rules")
        write_rules(rules, workload)
        mapping = folder / "mapping.yml"
        mapping.write_text(self._mapping.read_text(encoding="utf-8").replace("kind: evtx", "kind: jsonl"))
        titles = {rule.meta.title: rule.id for rule in workload.rules}

        def judge(lines: Path) -> tuple[Done, Iterator[tuple[str, int]]]:
            output = folder / "found.json"
            output.unlink(missing_ok=True)
            command = [
                str(Path(self._path or "").resolve()), "hunt", str(lines), "--sigma", str(rules), "--mapping", str(mapping),
                "--json", "--output", str(output), "--extension", "jsonl", "--skip-errors", "-q",
            ]  # fmt: skip
            done = run(command, folder, {"RAYON_NUM_THREADS": "1"})
            return done, _hits(output, titles)

        return judged(workload, folder, as_event, judge)


def _hits(output: Path, titles: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for found in report(output):
        documents = found["documents"] if "documents" in found else [found["document"]]
        for document in documents:
            row = document["data"]["Event"]["System"]["EventRecordID"]
            yield found.get("id") or titles.get(found["name"], found["name"]), int(row)
