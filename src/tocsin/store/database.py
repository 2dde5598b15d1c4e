"""Opening `state.sqlite`: write-ahead mode, every commit synced, foreign keys on, the schema brought up to date."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tocsin.records.errors import OperatorError, TryAgain
from tocsin.store.migrations import MIGRATIONS

_BUSY_SECONDS = 10.0
_PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR})
"""Primary result codes of what may pass by itself (https://www.sqlite.org/rescode.html): a full disk fails as IOERR too."""


class Database:
    """A connection to the database at `path`, made or migrated where `write`.

    Raises:
        OperatorError: it is of a version that this Tocsin does not read, is damaged, or cannot be opened.
    """

    def __init__(self, path: Path, *, write: bool, migrations: Sequence[str] = MIGRATIONS) -> None:
        self.path = path
        with self._told():
            self._connection = _connect(path, write=write)
            try:
                _bring_up_to_date(self._connection, path, migrations, write=write)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows that `sql` gives."""
        with self._told():
            return self._connection.execute(sql, values).fetchall()

    def maybe(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """The first row that `sql` gives."""
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def put(self, sql: str, *values: object) -> int:
        """Changes something, inside a `transaction`; gives how many rows changed."""
        return self._connection.execute(sql, values).rowcount

    def put_all(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Changes something for each of `rows`, inside a `transaction`."""
        self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is put inside is on the disk when this returns, or none of it.

        Raises:
            TryAgain: the disk is full, or another process holds the file; nothing was changed.
            OperatorError: SQLite could not write for another reason; nothing was changed.
        """
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def compact(self) -> bool:
        """Writes the file anew without free pages, and empties the log beside it; False where a reader was in the way.

        Raises:
            OperatorError: there is no room for a second copy.
        """
        with self._told():
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute("VACUUM")
            busy, left, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy and not left

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as the operator needs them; a broken constraint is our own mistake and stays one."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            passes = getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING
            raise (TryAgain if passes else OperatorError)(
                f"The store's state {self.path} cannot be used: {error}.",
                "See that the disk has room and the folder is writable; if the file is damaged, restore the store "
                "from a backup.",
            ) from error


def _connect(path: Path, *, write: bool) -> sqlite3.Connection:
    if write and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o600))
    mode = "rw" if write else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
    )
    connection.execute("PRAGMA foreign_keys = ON")
    if write:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _bring_up_to_date(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[str], *, write: bool
) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise OperatorError(
            f"The store's state {path} was written by a newer Tocsin (schema {version}).",
            "Use that Tocsin, or a newer one.",
        )
    if version == len(migrations):
        return
    if not write:
        raise OperatorError(
            f"The store's state {path} is of an older schema ({version}).",
            "Open it once for writing (any scan with --store) to migrate it.",
        )
    if version:
        _back_up(connection, path.with_name(f"{path.name}.v{version}"))
    for number, script in enumerate(migrations[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy:
        copy.execute("PRAGMA synchronous = FULL")
        connection.backup(copy)
    target.chmod(0o600)
