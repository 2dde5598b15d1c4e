"""Keeps the figures of a running service up to date: counts what is judged, by source and day, and writes it down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime, tzinfo

from tocsin.config import bounds
from tocsin.engine.figures import Figures, PlantFigures, Source, read_figures, write_figures
from tocsin.engine.flow import Listener, Tally
from tocsin.engine.intake.counters import Counters
from tocsin.engine.live_rules import LiveDetector
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.records.forgetting import Subject
from tocsin.records.instants import DAY, HOUR, SECOND, parse_rfc3339
from tocsin.store.catalogue import Hour
from tocsin.store.store import Store


class Figuring:
    """A listener that passes on what it is told, and counts.

    Args:
        store: What is told of.
        listener: Who is told.
        detector: Whose rules are counted.
        zone: Whose days are meant.
        now: The present instant.

    Attributes:
        plants: Tells how the plants are that are watched.
        figures: What it counted; how often each source came goes on over restarts.
    """

    def __init__(
        self,
        store: Store,
        listener: Listener,
        detector: LiveDetector,
        zone: tzinfo,
        now: Callable[[], int],
    ) -> None:
        self._store, self._listener, self._detector = store, listener, detector
        self._zone, self._now = zone, now
        self.figures = Figures(os.getpid(), now())
        before = read_figures(store.root)
        if before is not None:
            self.figures.day, self.figures.others = before.day, before.others
            self.figures.sources, self.figures.plants = before.sources, before.plants
        plants = self.figures.plants
        self.plants: Callable[[], dict[str, PlantFigures]] = lambda: plants
        self._written = self._summed = 0

    def on_finding(self, finding: Finding) -> None:
        """Passes it on."""
        self._listener.on_finding(finding)

    def on_set_aside(self, record: SetAside) -> None:
        """Counts it, and passes it on."""
        source = self._source(record.source, self._now())
        if source is not None:
            source.set_aside += 1
        self._listener.on_set_aside(record)

    def on_batch(self, batch: EventBatch) -> None:
        """Counts its events by source, and passes it on."""
        for event in batch:
            source = self._source(event.source, event.ingest)
            if source is None:
                self.figures.others += 1
                continue
            source.today += 1
            if not event.time_known:
                source.untimed += 1
            else:
                delay = (event.ingest - event.time) / SECOND
                source.delay = delay if source.delay is None else min(delay, source.delay)
        self._listener.on_batch(batch)

    def forget(self, subject: Subject) -> None:
        """Counts events of sources that name `subject` among those of no name, and writes the figures down.

        Raises:
            OSError: the disk refused.
        """
        figures = self.figures
        for name in [name for name in figures.sources if subject.in_text(name)]:
            figures.others += figures.sources.pop(name).today
        write_figures(self._store.root, figures)

    def _source(self, name: str, arrived: int) -> Source | None:
        """The source of that name; None where there are too many."""
        sources = self.figures.sources
        source = sources.get(name)
        if source is None:
            if len(sources) >= bounds.SOURCES_SHOWN:
                return None
            source = sources[name] = Source(arrived)
        source.last = max(source.last, arrived)
        return source

    def tick(self, tally: Tally, intake: Counters, *, stopped: bool = False) -> None:
        """Writes the figures down where it is time to, or where `stopped`; a full disk is told by others."""
        now = self._now()
        if not stopped and 0 <= now - self._written < bounds.FIGURES_SECONDS * SECOND:
            return
        self._written = now
        self._turn_day(now)
        figures = self.figures
        figures.written, figures.stopped, figures.intake = now, stopped, intake
        figures.events, figures.findings, figures.set_aside = tally.events, tally.findings, tally.set_aside
        figures.rules = self._detector.rules
        figures.plants = self.plants()
        figures.suspended = {one.rule or "": one.title for one in self._detector.current.suspended}
        backlog = self._store.backlog(self._store.end)
        figures.backlog_bytes = backlog.bytes
        figures.backlog_seconds = 0.0 if backlog.since is None else max(0.0, (now - backlog.since) / SECOND)
        self._sum_up(now)
        try:
            room = shutil.disk_usage(self._store.root)
            figures.free, figures.size = room.free, room.total
            write_figures(self._store.root, figures)
        except OSError:
            return

    def _turn_day(self, now: int) -> None:
        """Counts anew where a day began; forgets sources that were not heard for as long as events are kept by default."""
        day = datetime.fromtimestamp(now / SECOND, self._zone).date().isoformat()
        if day == self.figures.day:
            return
        self.figures.day, self.figures.others = day, 0
        kept = {
            name: one for name, one in self.figures.sources.items() if one.last > now - bounds.KEEP_DAYS * DAY
        }
        self.figures.sources = {name: Source(one.last) for name, one in kept.items()}

    def _sum_up(self, now: int) -> None:
        if 0 <= now - self._summed < bounds.ROOM_SECONDS * SECOND:
            return
        self._summed = now
        hours = self._store.hours()
        self.figures.sealed = self._store.sealed
        self.figures.stored = sum(hour.bytes for hour in hours)
        self.figures.pace = pace(hours, now)


def pace(hours: list[Hour], now: int) -> float:
    """Bytes a day that the last day brought, or the time since the first event where that is shorter (an hour at least)."""
    recent = [(begun, hour.bytes) for hour in hours if (begun := _instant(hour)) > now - DAY]
    if not recent:
        return 0.0
    span = max(HOUR, min(DAY, now - recent[0][0]))
    return sum(size for _, size in recent) * DAY / span


def _instant(hour: Hour) -> int:
    return parse_rfc3339(f"{hour.hour}:00:00Z") or 0
