"""The one page that tells the whole story.

source → write-ahead log (acknowledged) → batch → detectors → findings → incidents

1. A batch is acknowledged before it is judged: what was read is never lost to a crash half way.
2. One transaction commits what judging brought: findings, the incidents' state, the detectors' state, the position.
3. What an earlier run acknowledged and did not commit is judged first, exactly as if that run had gone on.
4. When no more events will come, the detectors are told so, and windows that were still open are judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tocsin.detect.interface import END_OF_TIME, Detector
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.store.segment import Position


class Desk(Protocol):
    """Where findings become incidents (`incidents/desk.py`)."""

    def add(self, findings: Sequence[Finding]) -> None:
        """Takes in findings."""


class Journal(Protocol):
    """What keeps a run safe from a crash (`engine/journal.py`)."""

    def pending(self) -> Iterator[tuple[Position, EventBatch]]:
        """Batches that were acknowledged and never committed, with their positions."""

    def acknowledge(self, batch: EventBatch) -> tuple[Position, EventBatch]:
        """Makes what is new in `batch` durable: the position after it, and what was new."""

    def commit(self, position: Position, batch: EventBatch, findings: Sequence[Finding]) -> None:
        """Keeps what judging `batch` brought; at the latest with the last commit it is stored."""

    def close_books(self, findings: Sequence[Finding]) -> None:
        """The last commit of a run, when no more events will come."""


class Listener(Protocol):
    """Who is told what happens as it happens: the terminal, the JSON lines."""

    def on_finding(self, finding: Finding) -> None:
        """A finding was made. Where there is a journal it may be committed a little later, and after a crash told again."""

    def on_set_aside(self, record: SetAside) -> None:
        """A record could not be read."""

    def on_batch(self, batch: EventBatch) -> None:
        """A batch was judged."""


@dataclass(slots=True)
class Tally:
    """What went through the flow."""

    events: int = 0
    set_aside: int = 0
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Wiring:
    """Who takes part in a flow.

    Attributes:
        detectors: Who judges, asked in order.
        desk: Who groups.
        listener: Who is told.
        journal: What makes it durable; None: nothing is kept.
    """

    detectors: Sequence[Detector]
    desk: Desk
    listener: Listener
    journal: Journal | None = None


def flow(batches: Iterable[EventBatch], wiring: Wiring, origin: str = "live") -> Tally:
    """Judges `batches` to the end; the same input gives the same output.

    Args:
        batches: What `sources` read.
        wiring: Who takes part.
        origin: `live`, or `simulated:<drill>`; set here because no source may say it of itself.
    """
    detectors, journal = wiring.detectors, wiring.journal
    tally = Tally()
    for position, fresh in _acknowledged(batches, journal, origin):
        findings = [finding for detector in detectors for finding in detector.process(fresh)]
        wiring.desk.add(findings)
        if journal is not None and position is not None:
            journal.commit(position, fresh, findings)
        _tell(fresh, findings, wiring.listener, tally)
    last = [finding for detector in detectors for finding in detector.advance(END_OF_TIME)]
    wiring.desk.add(last)
    if journal is not None:
        journal.close_books(last)
    _tell(EventBatch(()), last, wiring.listener, tally)
    return tally


def _acknowledged(
    batches: Iterable[EventBatch], journal: Journal | None, origin: str
) -> Iterator[tuple[Position | None, EventBatch]]:
    if journal is not None:
        yield from journal.pending()
    for batch in batches:
        marked = batch if origin == "live" else _mark(batch, origin)
        yield journal.acknowledge(marked) if journal is not None else (None, marked)


def _mark(batch: EventBatch, origin: str) -> EventBatch:
    return replace(batch, events=tuple(replace(event, origin=origin) for event in batch))


def _tell(batch: EventBatch, findings: Sequence[Finding], listener: Listener, tally: Tally) -> None:
    for record in batch.set_aside:
        listener.on_set_aside(record)
    for finding in findings:
        listener.on_finding(finding)
    listener.on_batch(batch)
    tally.events += len(batch) + batch.passed
    tally.set_aside += len(batch.set_aside)
    tally.findings += len(findings)
