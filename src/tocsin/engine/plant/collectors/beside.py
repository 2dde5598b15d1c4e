"""A thread of its own for each source: a disk or database that hangs holds up its source alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tocsin.engine.plant.collectors.interface import SourceLost

T = TypeVar("T")


class Beside:
    """One thread.

    Args:
        seconds: How long it may work before its source counts as lost.
        what: What does not answer then: `the database`.
    """

    def __init__(self, seconds: float, what: str) -> None:
        self._seconds, self._what = seconds, what
        self._thread = ThreadPoolExecutor(1, "tocsin-source")

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, done in that thread.

        Raises:
            SourceLost: it takes too long; whatever comes next waits for it.
        """
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        done, _ = await asyncio.wait({future}, timeout=self._seconds)
        if done:
            return future.result()
        future.add_done_callback(
            lambda late: late.cancelled() or late.exception()
        )  # nobody asks for it any more
        raise SourceLost(f"{self._what} did not answer within {self._seconds:.0f} s")
