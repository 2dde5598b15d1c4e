"""What a backup held, checked as far as it can be before anybody relies on it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import archive
from tocsin.records.errors import OperatorError
from tocsin.records.received import Received
from tocsin.store.migrations import MIGRATIONS
from tocsin.store.segment import Position
from tocsin.store.write_ahead import decode_frame, list_segments, whole_frames


@dataclass(slots=True)
class Restored:
    """What a backup held.

    Attributes:
        about: What was said of it when it was made.
        store: The restored store's folder; None where it was only checked.
        files: Parquet files.
        events: Events in them.
        findings: Findings.
        incidents: Incidents.
        last: When the last thing in it arrived (instant), None where it holds nothing.
        dropped: Files that retention dropped while it was made.
        damaged: Files that were damaged then already.
    """

    about: dict[str, Any] = field(default_factory=dict)
    store: Path | None = None
    files: int = 0
    events: int = 0
    findings: int = 0
    incidents: int = 0
    last: int | None = None
    dropped: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def check_store(store: Path, done: Restored) -> None:
    """Checks the state, each file that it lists, and the log of the store in `store`; notes in `done` what it found.

    Raises:
        OperatorError: something is missing or damaged.
        OSError: something cannot be read.
    """
    state = store / "state.sqlite"
    if not state.is_file():
        raise foreign("it holds no state")
    try:
        with closing(sqlite3.connect(state, isolation_level=None)) as database:
            judged, sealed = _check_state(database, done)
            _check_files(store, database, done)
    except (sqlite3.Error, ValueError) as error:
        raise foreign(f"its state cannot be used: {error}") from error
    _check_log(store, judged, sealed, done)


def _check_state(database: sqlite3.Connection, done: Restored) -> tuple[Position, int]:
    (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise foreign(f"its state is damaged: {said}")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise OperatorError(
            f"The backup's state was written by a newer Tocsin (schema {version}).",
            "Use that Tocsin, or a newer one.",
        )
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA synchronous = FULL")
    gone = [(path,) for path in (*done.dropped, *done.damaged)]
    database.execute("BEGIN")
    database.executemany("DELETE FROM files WHERE path = ?", gone)
    database.execute("COMMIT")
    segment, offset, sealed = database.execute("SELECT segment, offset, sealed FROM progress").fetchone()
    (done.findings,) = database.execute("SELECT count(*) FROM findings").fetchone()
    (done.incidents,) = database.execute("SELECT count(*) FROM incidents").fetchone()
    return Position(segment, offset), sealed


def _check_files(store: Path, database: sqlite3.Connection, done: Restored) -> None:
    listed = set()
    for path, rows, size in database.execute("SELECT path, rows, bytes FROM files"):
        if not archive.belongs(f"store/{path}"):
            raise foreign(f"its state names a file elsewhere, {path[:200]!a}")
        listed.add(path)
        file = store / path
        try:
            if file.stat().st_size != size:
                raise foreign(f"{path} has another size than its state says")
            with pq.ParquetFile(file) as parquet:
                if parquet.metadata.num_rows != rows:
                    raise foreign(f"{path} has another number of events than its state says")
        except FileNotFoundError as error:
            raise foreign(f"it lacks {path}") from error
        except pa.ArrowException as error:
            raise foreign(f"{path} cannot be read: {error}") from error
        done.files += 1
        done.events += rows
    last = max(listed, default=None, key=lambda path: path.split("/")[1])
    if last is not None:
        hour = last.split("/")[1]
        newest = [store / path for path in listed if path.split("/")[1] == hour]
        done.last = max(_last_arrival(path) for path in newest)


def _last_arrival(file: Path) -> int:
    with pq.ParquetFile(file) as parquet:
        return max(
            (_micros(block["t_ingest"]) for block in parquet.iter_batches(columns=["t_ingest"])), default=0
        )


def _micros(column: Any) -> int:
    return max(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist(), default=0)


def _check_log(store: Path, judged: Position, sealed: int, done: Restored) -> None:
    segments = list_segments(store / "wal")
    numbers = [one.number for one in segments]
    until = max([judged.segment, sealed, *numbers])
    if numbers != list(range(sealed + 1, until + 1)):
        raise foreign("its log has a gap")
    for segment in segments:
        for whole in whole_frames(segment, 0):
            entry = decode_frame(segment, whole)
            if isinstance(entry, Received):
                done.last = max(done.last or 0, entry.arrived)
    if segments and judged > Position(segments[-1].number, segments[-1].path.stat().st_size):
        raise foreign("its log ends before what was judged")


def foreign(why: str) -> OperatorError:
    """What to say of a backup that cannot be restored."""
    return OperatorError(f"The backup cannot be restored: {why}.", "Take another one.")
