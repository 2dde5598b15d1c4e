"""The detectors' state in SQLite, row by row: a commit writes the rows that changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tocsin.records.state_changes import StateChanges
from tocsin.store.database import Database


class DetectorState(NamedTuple):
    """What changed in a detector's state, and the version that wrote it."""

    detector: str
    version: str
    changes: StateChanges


class KeptState(NamedTuple):
    """What the changes that were committed of a detector came to, and the version that wrote the last of them."""

    version: str
    rows: Mapping[str, bytes]


def put_state(database: Database, state: DetectorState) -> None:
    """Brings the kept rows of a detector up to date, inside a transaction."""
    name, version, changes = state
    database.put(
        "INSERT INTO detectors VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET version = ?2 WHERE version != ?2",
        name,
        version,
    )
    if changes.reset:
        database.put("DELETE FROM detector_rows WHERE detector = ?", name)
    database.put_all(
        "DELETE FROM detector_rows WHERE detector = ? AND name = ?", [(name, one) for one in changes.gone]
    )
    database.put_all(
        "INSERT INTO detector_rows VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
        [(name, one, body) for one, body in changes.put.items()],
    )


def kept_state(database: Database, name: str) -> KeptState | None:
    """The state of the detector `name`, None where none was committed."""
    row = database.maybe("SELECT version FROM detectors WHERE name = ?", name)
    if row is None:
        return None
    rows = database.all("SELECT name, body FROM detector_rows WHERE detector = ?", name)
    return KeptState(row[0], dict(rows))
