"""How many events came, by hour of arrival and source: what the daily message counts. It comes with each commit, so that a
restart neither loses nor doubles any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tocsin.config import bounds
from tocsin.records.instants import HOUR
from tocsin.store.database import Database


class Heard(NamedTuple):
    """How many events came, of how many sources."""

    events: int
    sources: int


def put_heard(database: Database, heard: Mapping[tuple[int, str], int]) -> None:
    """Adds events by (hour since the epoch, source), inside a transaction."""
    for hour in sorted({hour for hour, _ in heard}):
        _put_hour(database, hour, {source: count for (at, source), count in heard.items() if at == hour})


def _put_hour(database: Database, hour: int, heard: Mapping[str, int]) -> None:
    """Adds to the counts of `hour`; sources beyond the bound count together, as one without a name."""
    known = {row[0] for row in database.all("SELECT source FROM heard WHERE hour = ?", hour)}
    if not known:  # hours far ahead are those of a clock that was wrong
        database.put("DELETE FROM heard WHERE abs(hour - ?) > ?", hour, bounds.HEARD_HOURS)
    counts: dict[str, int] = {}
    for source, events in heard.items():
        name = source.encode("utf-8", "replace").decode()  # SQLite takes no lone surrogate
        if name not in known:
            name = name if len(known) < bounds.HEARD_SOURCES else ""
            known.add(name)
        counts[name] = counts.get(name, 0) + events
    database.put_all(
        "INSERT INTO heard VALUES (?, ?, ?) ON CONFLICT (hour, source) DO UPDATE SET events = events + excluded.events",
        [(hour, name, events) for name, events in counts.items()],
    )


def heard_between(database: Database, since: int, until: int) -> Heard:
    """What came from the hour of `since` to that of `until` (instants), both whole."""
    rows = database.all(
        "SELECT coalesce(sum(events), 0), count(DISTINCT source) FROM heard WHERE hour BETWEEN ? AND ?",
        since // HOUR,
        until // HOUR,
    )
    return Heard(*rows[0])
