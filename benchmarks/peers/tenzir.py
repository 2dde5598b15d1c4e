"""Tenzir's `sigma` operator (PyPI `tenzir`), a pipeline on one thread: https://docs.tenzir.com/reference/operators/sigma

It compiles rules by itself and knows no logsources: each rule sees each event, and what it reports outside the rule's
logsource is not counted as a hit here, on either side.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from benchmarks.peers.peer import Run
from benchmarks.peers.processes import Done, run
from benchmarks.peers.workload import ROW, Part, Workload, write_lines
from tocsin.detect.sigma.ruleset import CompiledRule

_JUDGE = f"""sigma path="{{rules}}", refresh_interval=1d
select rule=policy.uid, row=evidences[0].data.{ROW}
write_ndjson"""


class Tenzir:
    """The `tenzir` command.

    Args:
        binary: Its path, None to look for it on PATH.
        way: `stream`, all rules on all events as the operator is meant to be used; or `sorted`, one pipeline for each
            logsource, with that logsource's rules and the events that were picked out for it free of charge.
    """

    def __init__(self, binary: str | None, way: Literal["stream", "sorted"]) -> None:
        self.name = f"tenzir, {way}"
        found = binary or shutil.which("tenzir")
        self._binary = str(Path(found).absolute()) if found else None
        self._sorted = way == "sorted"

    def unavailable(self) -> str | None:
        """It is a package of its own, best kept in an environment of its own."""
        return None if self._binary else "not installed: pip install tenzir, then --tenzir PATH"

    def version(self) -> str:
        """What the pipeline `version` answers."""
        answer = self._pipeline("version\nwrite_ndjson", Path())
        return str(json.loads(answer.output)["version"])

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """The rules that it warns of when it loads them."""
        folder = _fresh(workload.folder / "tenzir-load")
        paths = _write_rules(folder, workload.rules, workload)
        empty = write_lines(workload.folder / "none.jsonl", workload.events, ())
        said = self._pipeline(_reading(empty) + f'sigma path="{folder}"\ndiscard', workload.folder).errors
        notes = said.split("warning: sigma operator ignores rule")[1:]
        return {
            rule: note.split("= note:")[-1].strip().splitlines()[0]
            for note in notes
            for path, rule in paths.items()
            if f"'{path}'" in note.splitlines()[0]
        }

    def run(self, workload: Workload) -> Run:
        """Judges; what it costs to start, to load the rules, and to read are measured by pipelines without the rest."""
        parts = list(workload.parts())
        satisfied = {rule.id: frozenset(part.rows) for part in parts for rule in part.rules}
        everything = Part(parts[0].logsource, workload.rules, tuple(range(len(workload.events))))
        folder = _fresh(workload.folder / "tenzir")
        empty = write_lines(folder / "none.jsonl", workload.events, ())
        hits: dict[str, set[int]] = {}
        matching = reading = start = 0.0
        for number, part in enumerate(parts if self._sorted else [everything]):
            rules = folder / f"rules-{number}"
            rules.mkdir()
            _write_rules(rules, part.rules, workload)
            lines = write_lines(folder / f"events-{number}.jsonl", workload.events, part.rows)
            judge = _JUDGE.format(rules=rules)
            bare = self._pipeline(_reading(empty) + "discard", folder).seconds
            read = self._pipeline(_reading(lines) + "discard", folder).seconds - bare
            loaded = self._pipeline(_reading(empty) + judge, folder).seconds
            done = self._pipeline(_reading(lines) + judge, folder)
            matching += done.seconds - loaded - read
            reading += read
            start += loaded
            for line in done.output.splitlines():
                hit = json.loads(line)
                hits.setdefault(hit["rule"], set()).add(hit["row"])
        found = {rule: frozenset(rows) & satisfied.get(rule, frozenset()) for rule, rows in hits.items()}
        return Run({rule: rows for rule, rows in found.items() if rows}, matching, reading, start)

    def _pipeline(self, definition: str, folder: Path) -> Done:
        assert self._binary is not None
        return run([self._binary, "--bare-mode", "--color=never", definition], folder)


def _reading(lines: Path) -> str:
    """With Tenzir's own types: with `raw=true` an address is text, and a rule that asks for a network is never true."""
    return f'from_file "{lines}" {{ read_ndjson }}\n'


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _write_rules(folder: Path, rules: Sequence[CompiledRule], workload: Workload) -> dict[Path, str]:
    paths = {}
    for number, rule in enumerate(rules):
        path = folder / f"{number}.yml"
        path.write_text(workload.texts[rule.id])
        paths[path] = rule.id
    return paths
