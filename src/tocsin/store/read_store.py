"""A store to ask: events, findings, incidents, and how far everything came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch, EventId, SetAside
from tocsin.records.finding import Finding
from tocsin.records.incident import Incident
from tocsin.records.received import Received
from tocsin.store.backlog import Backlog, backlog
from tocsin.store.catalogue import Catalogue, Hour
from tocsin.store.database import Database
from tocsin.store.decisions import Decisions
from tocsin.store.disk import Disk
from tocsin.store.entries import Entry, Events
from tocsin.store.outbox import Outbox
from tocsin.store.query import Counted, Query
from tocsin.store.sealing import Sealed
from tocsin.store.sealing import seal as seal_segment
from tocsin.store.segment import Position, Segment
from tocsin.store.state import State
from tocsin.store.write_ahead import decode_frame, whole_frames

Reads = Callable[[Received], EventBatch]
"""Makes events of what a listener took in; the same ones whenever it is asked."""


class ReadStore:
    """A store to ask; many processes may, while one writes. Use `Store.read_only`."""

    def __init__(self, root: Path, database: Database, read: Reads | None = None) -> None:
        self.root = root
        self._database = database
        self._read = read
        self.state = State(database)
        self.outbox = Outbox(database)
        self.decisions = Decisions(database)
        self._catalogue = Catalogue(database)
        self._query = Query(root, self._catalogue, self.batch)

    def events(self, ids: Iterable[EventId]) -> dict[EventId, Event]:
        """The events with these ids; one that is not stored has no entry."""
        return self._query.events(ids)

    def events_between(self, start: int, end: int, kind: str | None = None) -> list[Event]:
        """The events with start ≤ time < end (instants), of one kind or of all, in order of time."""
        return self._query.events_between(start, end, kind)

    def counts_between(
        self, start: int, end: int, by: Counted, containing: str | None = None, kind: str | None = None
    ) -> dict[str, int]:
        """How many events there are with start ≤ time < end (instants), by `by`; see `Query.counts_between`."""
        return self._query.counts_between(start, end, by, containing, kind)

    def incidents(self) -> tuple[Incident, ...]:
        """All incidents with their findings, the most urgent first."""
        return self.state.incidents()

    def incident(self, text: str) -> Incident:
        """The incident with this id, alias, or unique beginning of either. OperatorError where there is none or several."""
        return self.state.incident(text)

    def findings(self, incident: str | None = None) -> tuple[Finding, ...]:
        """The findings of the incident with this id, or all, in order of time."""
        return self.state.findings(incident)

    def set_aside(self) -> tuple[SetAside, ...]:
        """The records that could not be read, as kept."""
        return self.state.set_aside()

    def hours(self) -> list[Hour]:
        """What is stored, by ingest hour, the oldest first; without the log."""
        return self._catalogue.hours()

    def kinds(self, since: str) -> dict[str, list[str]]:
        """Of each kind (`sealing.slug_of`) that came in since an ingest hour its columns; without the log."""
        return self._catalogue.kinds(since)

    def backlog(self, end: Position | None = None) -> Backlog:
        """What the log holds that was not judged, up to `end` or to its present end."""
        return backlog(self.root / "wal", self.state.position(), end)

    @property
    def database(self) -> Database:
        """Its state."""
        return self._database

    def logged(self) -> Iterator[Event]:
        """The events that the log holds and that are not sealed."""
        return self._query.logged()

    def batch(self, entry: Entry) -> EventBatch | None:
        """The events that `entry` carries, None where it carries none.

        Raises:
            OperatorError: it is what a listener took in, and this store was opened for scans.
        """
        if isinstance(entry, Received):
            if self._read is None:
                raise OperatorError(
                    f"The store {self.root} holds what `tocsin run` took in and has not stored as events yet.",
                    "Ask with a Tocsin that reads what listeners take in, or let `tocsin run` go on with this store.",
                )
            return self._read(entry)
        return entry.batch if isinstance(entry, Events) else None

    def written(self, segment: Segment, disk: Disk) -> Sealed:
        """The events of a closed, judged `segment` as Parquet files, which `Store.replaced` puts in its place.

        Raises:
            OSError: the disk refused.
            OperatorError: the segment is damaged.
        """
        entries = (decode_frame(segment, whole) for whole in whole_frames(segment, 0))
        batches = (batch for entry in entries if (batch := self.batch(entry)) is not None)
        return seal_segment(segment.number, batches, self.root, self._catalogue, disk)

    def close(self) -> None:
        """Closes the store."""
        self._query.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
