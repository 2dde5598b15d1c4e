"""What is stored, asked for: Parquet through DuckDB, pruned by the catalogue, and the log that is not sealed yet.

A reader may ask while another process writes: a segment that is sealed meanwhile is then asked for as Parquet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import duckdb
import pyarrow as pa

from tocsin.records.columns import to_events
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch, EventId
from tocsin.store.catalogue import Catalogue
from tocsin.store.entries import Entry
from tocsin.store.sealing import OVERFLOW, slug_of
from tocsin.store.segment import HEADER_BYTES, DamagedError, Segment, frames, proves_synced, read_marker
from tocsin.store.write_ahead import decode_frame, list_segments

T = TypeVar("T")

_TRIES = 5
_TIMES = "t_time >= make_timestamptz(?) AND t_time < make_timestamptz(?)"

Counted = Literal["kind", "host", "user", "source"]
"""By what events are counted."""


class Query:
    """Questions to the store in `root`. Nothing here writes."""

    def __init__(self, root: Path, catalogue: Catalogue, batch: Callable[[Entry], EventBatch | None]) -> None:
        self._batch = batch
        self._root = root
        self._catalogue = catalogue
        self._duckdb: duckdb.DuckDBPyConnection | None = None

    def close(self) -> None:
        """Ends DuckDB."""
        if self._duckdb is not None:
            self._duckdb.close()
            self._duckdb = None

    def events(self, ids: Iterable[EventId]) -> dict[EventId, Event]:
        """The events with these ids; one that is not stored has no entry.

        Raises:
            OperatorError: a file of the store is damaged.
        """
        wanted = frozenset(ids)
        return self._settled(lambda: self._by_id(wanted))

    def events_between(self, start: int, end: int, kind: str | None = None) -> list[Event]:
        """The events with start ≤ time < end (instants), of one kind or of all, in order of time.

        Raises:
            OperatorError: a file of the store is damaged.
        """
        return self._settled(lambda: self._by_time(start, end, kind))

    def counts_between(
        self, start: int, end: int, by: Counted, containing: str | None = None, kind: str | None = None
    ) -> dict[str, int]:
        """How many events there are with start ≤ time < end (instants), by their kind, host, user or source.

        Args:
            start: An instant.
            end: An instant.
            by: What is told apart; an event without it counts under the empty text.
            containing: Only those whose raw record holds this text.
            kind: Only those of this kind.

        Raises:
            OperatorError: a file of the store is damaged.
        """
        return self._settled(lambda: self._counts(start, end, by, containing, kind))

    def _counts(
        self, start: int, end: int, by: Counted, containing: str | None, kind: str | None
    ) -> dict[str, int]:
        counts = Counter(
            getattr(event, by) or ""
            for event in self.logged()
            if start <= event.time < end and kind in {None, event.kind} and (containing or "") in event.raw
        )
        values: list[object] = [start, end]
        clause = _TIMES
        if kind is not None:
            clause, values = f"{clause} AND t_kind = ?", [*values, kind]
        if containing:
            clause, values = f"{clause} AND contains(t_raw, ?)", [*values, containing]
        paths = [str(self._root / path) for _, path in self._files(start, end, kind)]
        if paths:
            what = f"coalesce(t_{by}, '') AS name, count(*) AS number"
            # without a union by name: every file has these columns, and reading all schemas would cost more
            sql = f"SELECT {what} FROM read_parquet(?) WHERE {clause} GROUP BY name"  # noqa: S608  clauses are ours
            found = self._read(paths, sql, values)
            counts.update(dict(zip(*found.to_pydict().values(), strict=True)))
        return dict(counts)

    def _files(self, start: int, end: int, kind: str | None) -> list[tuple[str, str]]:
        """(slug, path) of the files that may hold such events."""
        slugs = {OVERFLOW, slug_of(kind)} if kind is not None else None
        return [
            file for file in self._catalogue.files_between(start, end) if slugs is None or file[0] in slugs
        ]

    def _by_id(self, wanted: frozenset[EventId]) -> dict[EventId, Event]:
        logged = [event for event in self.logged() if event.id in wanted]
        files = {file for one in wanted for file in self._catalogue.files_of(one.stream, one.seq)}
        streams, seqs = sorted({one.stream for one in wanted}), sorted({one.seq for one in wanted})
        clause = "list_contains(?, t_stream) AND list_contains(?, t_seq)"
        stored = [
            event for event in self._sealed(sorted(files), clause, [streams, seqs]) if event.id in wanted
        ]
        return {event.id: event for event in sorted((*stored, *logged), key=lambda event: event.ingest)}

    def _by_time(self, start: int, end: int, kind: str | None) -> list[Event]:
        found = [event for event in self.logged() if start <= event.time < end]
        found += self._sealed(self._files(start, end, kind), _TIMES, [start, end])
        return sorted((event for event in found if kind in {None, event.kind}), key=lambda event: event.time)

    def logged(self) -> Iterator[Event]:
        """The events of the segments that are not sealed, oldest first."""
        sealed = self._catalogue.sealed()
        segments = [one for one in list_segments(self._root / "wal") if one.number > sealed]
        for segment in segments:
            yield from self._events_of(segment, last=segment is segments[-1])

    def _events_of(self, segment: Segment, *, last: bool) -> Iterator[Event]:
        """The events of `segment`; of the last one up to where it is being written."""
        marker = read_marker(segment)
        if marker is None:
            return
        try:
            for frame in frames(segment, marker, HEADER_BYTES):
                yield from self._batch(decode_frame(segment, frame)) or ()
        except DamagedError as damage:
            if not last or proves_synced(segment, marker, damage.offset):
                raise segment.corrupt(damage.offset, damage.why) from damage

    def _sealed(self, files: Iterable[tuple[str, str]], clause: str, values: Sequence[object]) -> list[Event]:
        """The events of Parquet `files` (slug, path) for which the SQL `clause` holds; kind by kind, for few columns."""
        by_slug: dict[str, list[str]] = defaultdict(list)
        for slug, path in files:
            by_slug[slug].append(str(self._root / path))
        found: list[Event] = []
        for paths in by_slug.values():
            sql = f"SELECT * FROM read_parquet(?, union_by_name = true) WHERE {clause}"  # noqa: S608  clauses are ours
            found += to_events(self._read(paths, sql, values))
        return found

    def _read(self, paths: list[str], sql: str, values: Sequence[object]) -> pa.Table:
        if self._duckdb is None:
            self._duckdb = _connect()
        try:
            table: pa.Table = self._duckdb.sql(sql, params=[paths, *values]).to_arrow_table()
        except duckdb.Error as error:
            if not all(Path(path).is_file() for path in paths):
                raise FileNotFoundError(", ".join(paths)) from error  # dropped meanwhile, or lost
            raise _damaged(paths, error) from error
        return table

    def _settled(self, ask: Callable[[], T]) -> T:
        """What `ask` gives while nothing is sealed meanwhile."""
        missing: FileNotFoundError | None = None
        for _ in range(_TRIES):
            before = self._catalogue.sealed()
            try:
                answer = ask()
            except (
                FileNotFoundError
            ) as error:  # a segment that was sealed meanwhile, or a file that was dropped
                missing = error
                continue
            if self._catalogue.sealed() == before:
                return answer
        if missing is not None and missing.__cause__ is not None:
            raise _damaged(list(missing.args), missing) from missing
        raise OperatorError(
            f"The store {self._root} changes faster than it can be read.", "Ask again in a moment."
        )


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": "2",
        },
    )
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _damaged(paths: Sequence[str], error: Exception) -> OperatorError:
    return OperatorError(
        f"A file of the store cannot be read, one of {', '.join(paths)}: {error}",
        "Restore the store from a backup, or scan the sources again into a new store.",
    )
