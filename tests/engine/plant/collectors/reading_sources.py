"""A collector run by itself, for tests: what it delivered, and its mark; a clock that the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from tocsin.engine.plant.collectors.interface import Collector, Reading
from tocsin.engine.plant.collectors.settings import Around

NOW = 1_772_600_000_000_000  # 2026-03-04


class Reads:
    """Runs a collector again and again; `instant` is its clock.

    Args:
        make: Makes it anew, as a process does that is started anew.
    """

    def __init__(self, make: Callable[[Around], Collector]) -> None:
        self._make = make
        self.instant = NOW
        self.mark = ""
        self.got: list[Reading] = []
        self.told: list[str] = []
        self.fails = 0
        self.model: Path | None = None

    def around(self) -> Around:
        return Around(self.told.append, lambda: self.instant, self.model)

    def until(self, done: Callable[[], bool]) -> None:
        """Reads until `done`."""
        asyncio.run(asyncio.wait_for(self._until(done), 30))

    def looks(self, times: int = 2) -> list[Reading]:
        """Lets it look so often; gives what came new."""
        before, seen = len(self.got), [0]

        def done() -> bool:
            seen[0] += 1
            return seen[0] > times

        self.until(done)
        return self.got[before:]

    async def _until(self, done: Callable[[], bool]) -> None:
        ended = asyncio.Event()

        async def deliver(readings: Sequence[Reading], mark: str = "") -> None:
            if self.fails and readings:
                self.fails -= 1
                raise RuntimeError("killed")
            self.got += readings
            self.mark = mark or self.mark
            if not readings and not mark and done():
                ended.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(self._make(self.around()).read(deliver, self.mark))
        waits = asyncio.create_task(ended.wait())
        await asyncio.wait({task, waits}, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
        if task.done():
            await task
        task.cancel()
