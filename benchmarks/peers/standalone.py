"""What the programs have in common that read files, judge them and write a report: nothing inside can be timed apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from benchmarks.peers.peer import Hits, Run
from benchmarks.peers.processes import Done
from benchmarks.peers.workload import Flat, Workload, flat

Shape = Callable[[Flat, int], Mapping[str, Any]]
"""An event and its row → what the program is to read."""


def fresh(folder: Path) -> Path:
    """`folder`, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def write_rules(folder: Path, workload: Workload) -> dict[str, str]:
    """The rules, a file each; file name → rule id."""
    names = {}
    for number, rule in enumerate(workload.rules):
        name = f"{number}.yml"
        (folder / name).write_text(workload.texts[rule.id])
        names[name] = rule.id
    return names


def judged(
    workload: Workload,
    folder: Path,
    shape: Shape,
    judge: Callable[[Path], tuple[Done, Iterator[tuple[str, int]]]],
) -> Run:
    """Runs `judge` on a file of one event, for the cost of starting, and on one of all.

    Args:
        workload: What to judge.
        folder: Where the files go.
        shape: How the program wants an event.
        judge: JSON lines → what it cost, and (rule id, row) of each hit.
    """
    first = _written(folder / "one.jsonl", workload, shape, 1)
    every = _written(folder / "every.jsonl", workload, shape, len(workload.events))
    start = judge(first)[0].seconds
    done, found = judge(every)
    return Run(_within_logsources(workload, found), None, done.seconds - start, start)


def _written(target: Path, workload: Workload, shape: Shape, count: int) -> Path:
    with target.open("wb") as file:
        for row, event in enumerate(workload.events[:count]):
            file.write(orjson.dumps(shape(flat(event.fields), row)) + b"\n")
    return target


def _within_logsources(workload: Workload, found: Iterator[tuple[str, int]]) -> Hits:
    """Programs that know no logsources report more; that is no hit of the rule's."""
    satisfied = {rule.id: frozenset(part.rows) for part in workload.parts() for rule in part.rules}
    hits: dict[str, set[int]] = {}
    for rule, row in found:
        if row in satisfied.get(rule, frozenset()):
            hits.setdefault(rule, set()).add(row)
    return {rule: frozenset(rows) for rule, rows in hits.items()}


def as_event(fields: Flat, row: int) -> Mapping[str, Any]:
    """`{"Event": {"System": …, "EventData": …}}` with no attributes left in System, and the row for its record number."""
    rest = dict(fields)
    system: dict[str, Any] = {
        name: rest.pop(name) for name in ("EventID", "Channel", "Computer") if name in rest
    }
    system["Provider"] = rest.pop("Provider_Name", "")
    system["TimeCreated"] = rest.get("@timestamp", "2020-01-01T00:00:00.000Z")
    system["EventRecordID"] = row
    return {"Event": {"System": system, "EventData": rest}}


def report(path: Path) -> Any:
    """A report that is one JSON document; nothing where the program wrote none because nothing matched."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return json.loads(text) if text.strip() else []
