"""The intake process and its like: one at a time writes the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from intake_running import Running, event


def test_an_intake_waits_until_the_one_before_it_left_the_log(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    first = start()
    second = Running(tmp_path / "wal")
    try:
        time.sleep(0.5)
        assert not second.of("ready"), "two would write one log"
        assert first.post("/services/collector/event", event(1))[0] == 200
        first.stop()
        second.wait_ready()
        assert second.post("/services/collector/event", event(2))[0] == 200
        second.stop()
        assert [received.count for received in second.stored()] == [1, 1]
    finally:
        second.kill()
