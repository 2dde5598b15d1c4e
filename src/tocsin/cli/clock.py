"""The one place that reads the clock; everything below gets instants passed in."""

from __future__ import annotations

import time


def now() -> int:
    """The present instant (microseconds since the epoch, UTC)."""
    return time.time_ns() // 1_000


def stopwatch() -> float:
    """Seconds on a clock that never goes back, for durations."""
    return time.perf_counter()


def processor() -> float:
    """Seconds of processor time of this thread, for what computing costs whatever else the machine does."""
    return time.thread_time()
