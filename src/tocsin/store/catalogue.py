"""What the store holds: the streams that were read, and the Parquet files that count.

A Parquet file that is not listed here does not count: listing a segment's files, in one transaction, is the moment in
which they take the segment's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tocsin.config import bounds
from tocsin.records.file_mark import FileMark
from tocsin.store.database import Database

SHORT_HEAD = 1024
"""A head below this many bytes was the whole content when it was remembered."""


_FILE = "file:"
"""Before the fingerprint of a file that a tail follows: no head that a scan meets has the same."""


_ANY = ("", 0, 2**62)
"""In place of a file's streams: it may hold events of any."""

_UNIT = "substr(path, 8, instr(substr(path, 8), '/') - 1)"
"""The hour or day in `events/<hour or day>/<kind>/<name>.parquet`."""


@dataclass(slots=True)
class StreamMark:
    """What is remembered of a stream; the rules are in `streams.py`."""

    stream: str
    fingerprint: str
    head: int
    size: int
    digest: str
    records: int = 0
    tail: str | None = None


def followed(mark: FileMark, grew: int) -> StreamMark:
    """The row of a file that a tail follows and that grew at the instant `grew`; that stands in place of a digest."""
    return StreamMark(
        mark.stream, _FILE + mark.fingerprint, mark.head, mark.end, f"{grew:020d}", mark.records, mark.check
    )


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One Parquet file of the catalogue. `path` is relative to the store; `first` and `last` are event instants.

    `streams` are those of its events with their lowest and highest ordinal; none where they are more than
    `bounds.STREAMS_LISTED`: such a file may hold events of any stream.
    """

    path: str
    slug: str
    segment: int
    rows: int
    bytes: int
    first: int
    last: int
    streams: Sequence[tuple[str, int, int]] = field(default=())


class Hour(NamedTuple):
    """What was taken in within one hour, such as `2026-11-23T09`, or a day, `2026-11-23`: Parquet files, and their bytes."""

    hour: str
    files: int
    bytes: int

    @property
    def last(self) -> str:
        """The last hour of it."""
        return self.hour if "T" in self.hour else f"{self.hour}T23"


class SmallFile(NamedTuple):
    """A Parquet file that may be merged: the hour or day that it is in, its kind's folder, its path and bytes."""

    unit: str
    slug: str
    path: str
    bytes: int


class Catalogue:
    """Streams and files in `database`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- streams ------------------------------------------------------------------------------------------

    def stream(self, stream: str) -> StreamMark | None:
        """What is remembered of `stream`."""
        row = self._db.maybe(
            "SELECT stream, fingerprint, head, size, digest, records, tail FROM streams WHERE stream = ?",
            stream,
        )
        return StreamMark(*row) if row else None

    def streams_with(self, fingerprint: str) -> list[StreamMark]:
        """The streams whose head has this fingerprint."""
        rows = self._db.all(
            "SELECT stream, fingerprint, head, size, digest, records, tail FROM streams WHERE fingerprint = ?",
            fingerprint,
        )
        return [StreamMark(*row) for row in rows]

    def file_marks(self) -> list[FileMark]:
        """How far files were read that a tail follows, at most `TAIL_REMEMBERED`, those that grew last before others."""
        rows = self._db.all(
            "SELECT stream, head, fingerprint, size, records, tail FROM streams "
            "WHERE fingerprint >= 'file:' AND fingerprint < 'file;' ORDER BY digest DESC LIMIT ?",
            bounds.TAIL_REMEMBERED,
        )
        return [FileMark(row[0], row[1], row[2].removeprefix(_FILE), *row[3:]) for row in rows]

    def short_heads(self) -> list[int]:
        """The lengths below 1024 that remembered heads have."""
        return [
            row[0]
            for row in self._db.all("SELECT DISTINCT head FROM streams WHERE head < 1024 ORDER BY head")
        ]

    # --- the catalogue ------------------------------------------------------------------------------------

    def add_sealed(
        self, segment: int, files: Iterable[SealedFile], columns: Iterable[tuple[str, Sequence[str]]]
    ) -> None:
        """Lists `files` in place of `segment`, and the columns that their kinds have by now."""
        with self._db.transaction():
            for file in files:
                self._db.put(
                    "INSERT INTO files (path, slug, segment, rows, bytes, first, last) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    file.path, file.slug, file.segment, file.rows, file.bytes, file.first, file.last,
                )  # fmt: skip
                ((number,),) = self._db.all("SELECT last_insert_rowid()")
                rows = [(stream, number, low, high) for stream, low, high in file.streams or [_ANY]]
                self._db.put_all("INSERT INTO file_streams VALUES (?, ?, ?, ?)", rows)
            for slug, names in columns:
                named = [(slug, ordinal, name) for ordinal, name in enumerate(names)]
                self._db.put_all("INSERT OR IGNORE INTO columns VALUES (?, ?, ?)", named)
            self._db.put("UPDATE progress SET sealed = ?", segment)

    def columns(self, slug: str) -> list[str]:
        """The native columns of the kind, in their order."""
        return [
            row[0] for row in self._db.all("SELECT name FROM columns WHERE slug = ? ORDER BY ordinal", slug)
        ]

    def kinds(self, since: str) -> dict[str, list[str]]:
        """Of each kind (slug) that came in since an ingest hour, such as `2026-11-23T09`, its columns."""
        rows = self._db.all("SELECT DISTINCT slug FROM files WHERE path >= ?", f"events/{since}")
        return {slug: self.columns(slug) for (slug,) in rows}

    def sealed(self) -> int:
        """Number of the last segment whose place the files here have taken, 0 at first."""
        return int(self._db.all("SELECT sealed FROM progress")[0][0])

    def hours(self) -> list[Hour]:
        """What is stored, by ingest hour, the oldest first."""
        sql = f"SELECT {_UNIT} AS unit, count(*), sum(bytes) FROM files GROUP BY unit"  # noqa: S608  a constant
        return sorted((Hour(*row) for row in self._db.all(sql)), key=lambda hour: (hour.last, hour.hour))

    def newest_hour(self) -> str | None:
        """The last ingest hour of which something is sealed."""
        row = self._db.maybe("SELECT max(substr(path, 8, 13)) FROM files WHERE substr(path, 18, 1) = 'T'")
        return row[0] if row else None

    def paths(self) -> set[str]:
        """Of all files that count."""
        return {row[0] for row in self._db.all("SELECT path FROM files")}

    def small_files(self, most: int) -> list[SmallFile]:
        """The files below `most` bytes that share their day and kind with another one, the oldest first."""
        sql = (
            "WITH small AS (SELECT *, substr(path, 8, 10) AS day FROM files WHERE bytes < ?1) "  # noqa: S608  constants
            f"SELECT {_UNIT}, slug, path, bytes FROM small JOIN (SELECT slug, day FROM small GROUP BY slug, day "
            "HAVING count(*) > 1) USING (slug, day) ORDER BY day, segment, id"
        )
        return [SmallFile(*row) for row in self._db.all(sql, most)]

    def replace(self, path: str, size: int, rows: int, parts: Sequence[str]) -> bool:
        """Lists the merged file `path` of `size` bytes in place of `parts`.

        False, and nothing is changed, where one of them is no longer listed, or they do not hold `rows` events any more.

        Raises:
            OperatorError: SQLite could not write; nothing was changed.
        """
        slug = path.split("/")[2]
        marks = ", ".join("?" * len(parts))
        with self._db.transaction():
            known = self._db.all(f"SELECT count(*), sum(rows) FROM files WHERE path IN ({marks})", *parts)[0]  # noqa: S608
            if known != (len(parts), rows):
                return False
            self._db.put(
                "INSERT INTO files (path, slug, segment, rows, bytes, first, last) "  # noqa: S608  marks are ours
                "SELECT ?, ?, max(segment), sum(rows), ?, min(first), max(last) FROM files "
                f"WHERE path IN ({marks})", path, slug, size, *parts,
            )  # fmt: skip
            ((number,),) = self._db.all("SELECT last_insert_rowid()")
            streams = self._db.all(
                "SELECT stream, min(low), max(high) FROM file_streams JOIN files ON file = id "  # noqa: S608
                f"WHERE path IN ({marks}) GROUP BY stream", *parts,
            )  # fmt: skip
            if len(streams) > bounds.STREAMS_LISTED or any(not stream[0] for stream in streams):
                streams = [(_ANY[0], *_ANY[1:])]
            listed = [(stream, number, low, high) for stream, low, high in streams]
            self._db.put_all("INSERT INTO file_streams VALUES (?, ?, ?, ?)", listed)
            self._db.put(f"DELETE FROM files WHERE path IN ({marks})", *parts)  # noqa: S608
        return True

    def forget(self, hour: str) -> int:
        """Lists the files of that ingest hour no more; gives how many they were.

        Raises:
            OperatorError: SQLite could not write; nothing is forgotten.
        """
        begin = f"events/{hour}/"
        with self._db.transaction():
            return self._db.put("DELETE FROM files WHERE path >= ? AND path < ?", begin, f"{begin[:-1]}0")

    def rows(self, path: str) -> int | None:
        """How many events the file `path` holds as far as is listed; None where it is not listed."""
        row = self._db.maybe("SELECT rows FROM files WHERE path = ?", path)
        return None if row is None else int(row[0])

    def relist(self, path: str, file: SealedFile | None) -> None:
        """Lists what is in the file `path` now; None: it is listed no more."""
        with self._db.transaction():
            if file is None:
                self._db.put("DELETE FROM files WHERE path = ?", path)
                return
            self._db.put(
                "UPDATE files SET rows = ?, bytes = ?, first = ?, last = ? WHERE path = ?",
                file.rows, file.bytes, file.first, file.last, path,
            )  # fmt: skip
            for row in self._db.all("SELECT id FROM files WHERE path = ?", path):
                self._db.put("DELETE FROM file_streams WHERE file = ?", row[0])
                streams = [(stream, row[0], low, high) for stream, low, high in file.streams]
                self._db.put_all("INSERT INTO file_streams VALUES (?, ?, ?, ?)", streams)

    def files_between(self, start: int, end: int) -> list[tuple[str, str]]:
        """(slug, path) of the files that may hold events with start ≤ time < end."""
        return self._db.all(
            "SELECT slug, path FROM files WHERE first < ? AND last >= ? ORDER BY id", end, start
        )

    def files_of(self, stream: str, seq: int) -> list[tuple[str, str]]:
        """(slug, path) of the files that may hold the event (stream, seq)."""
        return self._db.all(
            "SELECT slug, path FROM files JOIN file_streams ON file = id WHERE stream IN (?, '') AND low <= ? AND high >= ?",
            stream, seq, seq,
        )  # fmt: skip


def put_marks(database: Database, marks: Iterable[StreamMark]) -> None:
    """Stores `marks`, inside a transaction."""
    rows = [(m.stream, m.fingerprint, m.head, m.size, m.digest, m.records, m.tail) for m in marks]
    database.put_all("INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
