"""Makes `intake_running.py` importable for this room's tests, and starts intake processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from intake_running import Running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts an intake on the log in `tmp_path/wal`; `bounds` may be overridden by name."""
    running: list[Running] = []

    def begin(**options: Any) -> Running:
        folder = tmp_path / "wal"
        folder.mkdir(exist_ok=True)
        one = Running(folder, **options)
        running.append(one)
        one.wait_ready()
        return one

    yield begin
    for one in running:
        one.kill()
