"""What the benchmarks judge by and what they judge: SigmaHQ's rules, and recordings in three kinds."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.detect.sigma.loading import load_rules
from tocsin.detect.sigma.ruleset import CompiledRule, RuleSet
from tocsin.engine.rule_files import rule_texts
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.records.instants import HOUR
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.walk import files

INGEST = 490_000 * HOUR

POWERSHELL_HEAVY, ORDINARY = 0.2, 0.1
"""The share of PowerShell's channels among a recording's events from which it is heavy, and up to which it is ordinary."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings of a folder by their share of PowerShell; those between the two bounds are of neither kind."""

    ordinary: tuple[str, ...]
    powershell: tuple[str, ...]


def rules_of(folder: Path) -> RuleSet:
    """Every rule of `folder`, with its conditions made: that is part of no figure here."""
    ruleset = load_rules(rule_texts([str(folder)]).texts)
    for rule in ruleset.rules:
        _ = rule.condition
    return ruleset


def windows(rules: Iterable[CompiledRule]) -> tuple[CompiledRule, ...]:
    """The rules for Windows."""
    return tuple(rule for rule in rules if rule.logsource.product == "windows")


def drawn(rules: Sequence[CompiledRule], count: int, seed: int = 3) -> tuple[CompiledRule, ...]:
    """`count` of `rules` by chance, in order of loading; smaller draws of one seed are part of larger ones."""
    places = list(range(len(rules)))
    random.Random(seed).shuffle(places)
    return tuple(rules[place] for place in sorted(places[:count]))


def batches(paths: Sequence[str], options: ReadOptions | None = None) -> Iterator[EventBatch]:
    """The events of `paths` as the product reads them; hold none of them, or reading and judging become slower."""
    yield from read(paths, options or ReadOptions(ingest=INGEST))


def recordings(folder: Path) -> Recordings:
    """The recordings under `folder` by kind."""
    ordinary, powershell = [], []
    for found in files([str(folder)]):
        if isinstance(found, SetAside):
            continue
        share = _share_of_powershell(found.source)
        if share >= POWERSHELL_HEAVY:
            powershell.append(found.source)
        elif share < ORDINARY:
            ordinary.append(found.source)
    return Recordings(tuple(ordinary), tuple(powershell))


def _share_of_powershell(path: str) -> float:
    events = found = 0
    for batch in batches([path]):
        events += len(batch)
        found += sum(map(_is_powershell, batch))
    return found / max(events, 1)


def _is_powershell(event: Event) -> bool:
    channel = event.fields.get("Channel")
    return isinstance(channel, str) and "powershell" in channel.lower()
