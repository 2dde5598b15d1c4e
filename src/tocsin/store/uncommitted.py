"""What the log says beside events, and no commit holds yet: which rules judge, settings, watermarks, set-aside records."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from tocsin.records.event import EventBatch, SetAside
from tocsin.store.entries import Entry, Events, RuleSet, Settings, Watermark
from tocsin.store.segment import Position
from tocsin.store.state import Notes


class Uncommitted:
    """Keeps it for the next commit."""

    def __init__(self) -> None:
        self._entries: deque[tuple[Position, Entry]] = deque()

    def add(self, position: Position, entries: Iterable[Entry]) -> None:
        """Takes note of `entries`, which end at `position`: of all but events and stream marks."""
        for entry in entries:
            if isinstance(entry, RuleSet | Settings | Watermark):
                self._entries.append((position, entry))
            elif isinstance(entry, Events) and entry.batch.set_aside:
                self._entries.append((position, Events(EventBatch((), entry.batch.set_aside))))

    def rules(self) -> list[str]:
        """The versions of the rules that were logged, oldest first."""
        return [entry.version for _, entry in self._entries if isinstance(entry, RuleSet)]

    def notes(self, until: Position, beside: Notes) -> Notes:
        """What the entries up to `until` say, and after it what `beside` does."""
        logged = self._notes(until)
        return replace(
            logged,
            set_aside=(*logged.set_aside, *beside.set_aside),
            rule_sets=(*logged.rule_sets, *beside.rule_sets),
            watermark=logged.watermark if beside.watermark is None else beside.watermark,
            told=beside.told,
            settings=(*logged.settings, *beside.settings),
            watched=beside.watched,
        )

    def forget(self, until: Position) -> None:
        """Drops what was committed with the position `until`."""
        while self._entries and self._entries[0][0] <= until:
            self._entries.popleft()

    def _notes(self, until: Position) -> Notes:
        aside: list[SetAside] = []
        rule_sets: list[tuple[Position, str, int]] = []
        settings: dict[str, str] = {}
        watermark = None
        for position, entry in self._entries:
            if position > until:
                break
            if isinstance(entry, Events):
                aside += entry.batch.set_aside
            elif isinstance(entry, RuleSet):
                rule_sets.append((position, entry.version, entry.rules))
            elif isinstance(entry, Settings):
                settings |= entry.values
            elif isinstance(entry, Watermark):
                watermark = entry.instant
        return Notes(aside, rule_sets, tuple(settings.items()), watermark)
