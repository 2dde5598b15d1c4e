"""The schema is brought up to date, never down, and never without a backup; commits are synced."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tocsin.records.errors import OperatorError
from tocsin.store.database import Database
from tocsin.store.migrations import MIGRATIONS

NEXT = (*MIGRATIONS, "ALTER TABLE progress ADD COLUMN added TEXT DEFAULT 'x'")


def test_every_commit_is_synced(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.sqlite", write=True)
    assert database.all("PRAGMA synchronous") == [(2,)]
    assert database.all("PRAGMA journal_mode") == [("wal",)]
    assert database.all("PRAGMA foreign_keys") == [(1,)]
    database.close()


def test_an_older_schema_is_backed_up_and_migrated(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    old = Database(path, write=True)
    with old.transaction():
        old.put("INSERT INTO settings VALUES ('a', 'b')")
    old.close()
    with pytest.raises(OperatorError, match="older schema"):
        Database(path, write=False, migrations=NEXT)
    new = Database(path, write=True, migrations=NEXT)
    assert new.all("SELECT added FROM progress") == [("x",)]
    assert new.all("SELECT * FROM settings") == [("a", "b")]
    new.close()
    backup = Database(tmp_path / f"state.sqlite.v{len(MIGRATIONS)}", write=False)
    assert backup.all("SELECT * FROM settings") == [("a", "b")]
    backup.close()
    with pytest.raises(OperatorError, match="newer Tocsin"):
        Database(path, write=True)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    Database(path, write=True).close()
    with pytest.raises(OperatorError):
        Database(path, write=True, migrations=(*MIGRATIONS, "CREATE TABLE half (a); CREATE TABLE half (a)"))
    database = Database(path, write=True)
    assert database.all("SELECT name FROM sqlite_master WHERE name = 'half'") == []
    database.close()


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.sqlite").write_bytes(content)
    with pytest.raises(OperatorError, match=r"state\.sqlite"):
        Database(tmp_path / "state.sqlite", write=True)


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.sqlite", write=True)

    def twice() -> None:
        with database.transaction():
            database.put("INSERT INTO settings VALUES ('a', 'b')")
            database.put("INSERT INTO settings VALUES ('a', 'b')")

    with pytest.raises(sqlite3.IntegrityError):
        twice()
    assert database.all("SELECT * FROM settings") == []
    database.close()
