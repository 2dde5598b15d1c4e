"""The common input: flat events as JSON lines, the Windows rules, and which rules concern which events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.engine.rule_files import rule_texts
from tocsin.records.event import Event, Logsource
from tocsin.records.instants import HOUR
from tocsin.sources.reading import ReadOptions, read

INGEST = 490_000 * HOUR
ROW = "BenchmarkRow"
"""The field that numbers the events, so that every engine can say which one it means."""

Flat = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Part:
    """The rules of one logsource, and the rows of the events that satisfy it."""

    logsource: Logsource
    rules: tuple[CompiledRule, ...]
    rows: tuple[int, ...]

    @property
    def name(self) -> str:
        """A name that a file can have."""
        return "-".join(part or "any" for part in self.logsource)


@dataclass(frozen=True, slots=True)
class Workload:
    """What every engine gets.

    Attributes:
        folder: For what engines need on disk.
        lines: The events as a file of JSON lines.
        events: The same as Tocsin's reader gives them; an event's place is its row.
        rules: To be judged by.
        texts: Rule id → the rule as YAML.
    """

    folder: Path
    lines: Path
    events: tuple[Event, ...]
    rules: tuple[CompiledRule, ...]
    texts: Mapping[str, str]

    def only(self, rules: Collection[str]) -> Workload:
        """The same events with those of the rules whose ids are in `rules`."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.id in rules))

    def parts(self) -> Iterator[Part]:
        """By the rules' logsource; those that no event satisfies are left out."""
        by_logsource: dict[Logsource, list[CompiledRule]] = {}
        for rule in self.rules:
            by_logsource.setdefault(rule.logsource, []).append(rule)
        for logsource, rules in by_logsource.items():
            rows = tuple(row for row, event in enumerate(self.events) if concerns(event, logsource))
            if rows:
                yield Part(logsource, tuple(rules), rows)

    def pairs(self) -> int:
        """How many (rule, event) there are where the event satisfies the rule's logsource."""
        return sum(len(part.rules) * len(part.rows) for part in self.parts())


def concerns(event: Event, wanted: Logsource) -> bool:
    """Whether `event` satisfies `wanted`."""
    return any(have.satisfies(wanted) for have in event.logsources)


def flat(fields: Mapping[str, Any]) -> Flat:
    """`fields` in the form that engines of columns know: scalars only, a null no different from a missing field.

    Lists become lines of one text and objects JSON text; spaces leave the names, as rules leave them out.
    """
    made: Flat = {}
    for name, value in fields.items():
        if value is not None and (scalar := _scalar(value)) is not None:
            made.setdefault(name.replace(" ", ""), scalar)
    return made


def _scalar(value: Any) -> str | int | float | bool | None:
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return "\n".join(str(_scalar(item)) for item in value if item is not None) or None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def windows_events(paths: Sequence[Path], each: int) -> Iterator[Event]:
    """The first `each` Windows events of every recording below `paths`: neighbours, since real logs repeat themselves."""
    taken: Counter[str] = Counter()
    for batch in read([str(path) for path in paths], ReadOptions(INGEST)):
        for event in batch:
            if taken[event.stream] < each and any(have.product == "windows" for have in event.logsources):
                taken[event.stream] += 1
                yield event


def read_back(lines: Path) -> tuple[Event, ...]:
    """The events of a file of JSON lines, by Tocsin's reader."""
    return tuple(event for batch in read([str(lines)], ReadOptions(INGEST)) for event in batch)


def write_lines(target: Path, events: Sequence[Event], rows: Sequence[int]) -> Path:
    """The events of `rows`, flat, as JSON lines."""
    with target.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(flat(events[row].fields)) + b"\n")
    return target


def prepare(folder: Path, recordings: Sequence[Path], rules: Path, each: int) -> Workload:
    """The input, written below `folder`."""
    lines = folder / "events.jsonl"
    with lines.open("wb") as file:
        for row, event in enumerate(windows_events(recordings, each)):
            file.write(orjson.dumps(flat(event.fields) | {ROW: row}) + b"\n")
    events = read_back(lines)
    assert all(event.fields[ROW] == row for row, event in enumerate(events)), "an event was lost"
    write_lines(lines, events, range(len(events)))  # the readers' last word on every field, for the peers too
    texts = {text.path: text.text for text in rule_texts([rules]).texts}
    loaded = [
        rule for rule in load_rules(rule_texts([rules]).texts).rules if rule.logsource.product == "windows"
    ]
    alone = {path for path, text in texts.items() if "\n---" not in text}
    chosen = tuple(rule for rule in loaded if rule.meta.path in alone and not rule.filters)
    return Workload(folder, lines, events, chosen, {rule.id: texts[rule.meta.path] for rule in chosen})
