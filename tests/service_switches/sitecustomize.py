"""Loaded by each process of a service under test: bounds, a clock and slowness that the test chooses (`tests/switches.py`)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

_FOLDER = Path(os.environ["TOCSIN_TEST_SWITCHES"])


def now() -> int:
    """The present instant, moved on or back by what stands in the file `clock` (microseconds)."""
    try:
        moved = int((_FOLDER / "clock").read_text() or 0)
    except FileNotFoundError:
        moved = 0
    return time.time_ns() // 1_000 + moved


def _set() -> None:
    from tocsin.cli import clock
    from tocsin.config import bounds

    clock.now = now
    for name, value in json.loads((_FOLDER / "bounds.json").read_text()).items():
        assert hasattr(bounds, name), name
        setattr(bounds, name, value)


_set()
