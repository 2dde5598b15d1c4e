"""Loaded by each process of a service under test: bounds, a clock and points that the test chooses (`tests/switches.py`)."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ["TOCSIN_TEST_SWITCHES"])
_POINTS = _FOLDER / "points"


def now() -> int:
    """The present instant, moved on or back by what stands in the file `clock` (microseconds)."""
    try:
        moved = int((_FOLDER / "clock").read_text() or 0)
    except FileNotFoundError:
        moved = 0
    return time.time_ns() // 1_000 + moved


def at_point(name: str, seconds: float, work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, and a file in `points` while it is done, which takes that much longer before and after."""

    @functools.wraps(work)
    def noted(*arguments: Any, **named: Any) -> Any:
        mark = _POINTS / f"{name}-{os.getpid()}"
        mark.touch()
        time.sleep(seconds)
        try:
            return work(*arguments, **named)
        finally:
            time.sleep(seconds)
            mark.unlink(missing_ok=True)

    return noted


def _note_points(seconds: dict[str, float]) -> None:
    from tocsin.engine import books, reloading
    from tocsin.outbound import gate
    from tocsin.store import database, read_store, upkeep

    places = {
        "batch": (books.Books, "write"),
        "seal": (read_store.ReadStore, "written"),
        "retention": (upkeep, "drop"),
        "reload": (reloading.Reloading, "_read"),
        "delivery": (gate.Gate, "send"),
    }
    for name, (place, function) in places.items():
        setattr(place, function, at_point(name, seconds[name], getattr(place, function)))
    bring = database._bring_up_to_date
    migrate = at_point("migration", seconds["migration"], bring)
    further = tuple(
        f"CREATE TABLE further_{number} (x)" for number in range(int((_FOLDER / "schema").read_text()))
    )

    def migrated(connection: Any, path: Path, migrations: Any, *, write: bool) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        wanted = (*migrations, *further)
        (migrate if 0 < version < len(wanted) else bring)(connection, path, wanted, write=write)

    database._bring_up_to_date = migrated


def _set() -> None:
    from tocsin.cli import clock
    from tocsin.config import bounds

    clock.now = now
    for name, value in json.loads((_FOLDER / "bounds.json").read_text()).items():
        assert hasattr(bounds, name), name
        setattr(bounds, name, value)
    if (_FOLDER / "short-minutes").exists():
        from tocsin.notify import heartbeat

        heartbeat.MINUTE = 1_000_000
    if _POINTS.is_dir():
        _note_points(json.loads((_FOLDER / "points.json").read_text()))


_set()
