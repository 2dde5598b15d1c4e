"""What is known of who speaks and what is expected (detect/absence), a row each, so that a commit writes only what changed."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.store.database import Database


def put_watched(database: Database, rows: Mapping[str, bytes | None]) -> None:
    """Stores `rows` by name, inside a transaction; one that is None is forgotten."""
    database.put_all(
        "INSERT OR REPLACE INTO watched VALUES (?, ?)",
        [(name, body) for name, body in rows.items() if body is not None],
    )
    database.put_all(
        "DELETE FROM watched WHERE name = ?", [(name,) for name, body in rows.items() if body is None]
    )


def watched(database: Database) -> dict[str, bytes]:
    """All of them."""
    return dict(database.all("SELECT name, body FROM watched"))
