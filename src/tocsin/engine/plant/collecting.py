"""All sources of all plants read side by side: each is a task, tried again where it is lost, and none waits for another.

Rules:

1. Readings count as read once intake answered; then the mark is written. After a crash a source is read from its mark on:
   what was stored since is read and stored again, nothing is left out.
2. A source that is lost is tried again, later each time, at most every `bounds.PLANT_PAUSE_SECONDS`; that is told once.
3. Where a mark cannot be written, its source is read no further until one can: what is stored again each time it is tried would fill
   the log.
4. A source that must not be read, or whose settings are wrong, is stopped and told; the others go on.
5. What intake would not take is told, and kept beside the mark.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from tocsin.config import bounds
from tocsin.config.plant_source import PlantSource
from tocsin.config.private_files import NotOurs
from tocsin.engine.plant.collectors.delivery import Delivery, full
from tocsin.engine.plant.collectors.interface import Reading, SourceLost
from tocsin.engine.plant.collectors.kinds import collector_of
from tocsin.engine.plant.collectors.marks import Marks
from tocsin.engine.plant.collectors.settings import (
    SOCKET,
    Around,
    Collected,
    CollectSettings,
    Counted,
    Report,
    Told,
)
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert, shortened
from tocsin.sources.line_writing import lines


async def collect(
    settings: CollectSettings, report: Callable[[Report], None], now: Callable[[], int], stop: asyncio.Event
) -> None:
    """Reads all sources until `stop` is set.

    Args:
        settings: What to read.
        report: Told `Told`, and `Counted` each second.
        now: The present instant.
        stop: Ends it.
    """
    marks = Marks(settings.store)
    kept = [KeptSource(one, settings, marks, report, now) for one in settings.sources]
    tasks = [asyncio.create_task(one.run(), name=one.name) for one in kept]
    try:
        while not stop.is_set():
            report(Counted({one.name: one.standing for one in kept}))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        report(Counted({one.name: one.standing for one in kept}))


class KeptSource:
    """One source, read for good.

    Attributes:
        name: What it is called.
        standing: How it stands.
    """

    def __init__(
        self,
        source: PlantSource,
        settings: CollectSettings,
        marks: Marks,
        report: Callable[[Report], None],
        now: Callable[[], int],
    ) -> None:
        self.name = source.name
        self.standing = Collected(source.plant, source.kind)
        self._source, self._marks, self._report, self._now = source, marks, report, now
        self._around = Around(self._tell, now, settings.models.get(source.plant))
        self._delivery = Delivery(settings.store / SOCKET, source.plant, self._tell, self._keep_aside)
        self._pause = 0.0
        self._unmarked: str | None = None

    async def run(self) -> None:
        """Reads until it is cancelled, or the source must not be read."""
        try:
            collector = collector_of(self._source, self._around)
            while True:
                try:
                    if self._unmarked is not None:
                        await self._mark(self._unmarked)
                    await collector.read(self._deliver, self._marks.read(self.name))
                    self._lost("it ended")
                except SourceLost as error:
                    self._lost(str(error))
                except OperatorError:
                    raise
                except Exception as error:  # noqa: BLE001  a defect of ours, or of a library, ends no other source
                    self._lost(f"reading it failed ({shortened(inert(repr(error)), 300)})")
                await asyncio.sleep(self._pause)
        except OperatorError as error:
            self.standing.state = "stopped"
            self.standing.said = shortened(inert(str(error)), bounds.PLANT_TOLD_CHARS)
            self._tell(f"It is not read any more. {error} Once that is mended, reload Tocsin (SIGHUP).")

    def _lost(self, why: str) -> None:
        self._pause = min(max(2 * self._pause, 1.0), bounds.PLANT_PAUSE_SECONDS)
        if self.standing.state != "lost":
            self._tell(f"It is lost: {why}. It is tried again and again.")
        self.standing.state = "lost"
        self.standing.said = shortened(inert(f"{why[:1].upper()}{why[1:]}."), bounds.PLANT_TOLD_CHARS)

    def _tell(self, text: str) -> None:
        said = shortened(inert(text), bounds.PLANT_TOLD_CHARS)
        self._report(Told(f"Source {self.name} of the plant {self._source.plant}: {said}"))

    async def _deliver(self, readings: Sequence[Reading], mark: str = "") -> None:
        """As `interface.Deliver`; without readings or a mark it says that the source answers."""
        if readings:
            await self._delivery.hand_over(lines(readings, bounds.PLANT_LINE_BYTES))
            self.standing.readings += len(readings)
            self.standing.last = self._now()
        if mark:
            await self._mark(mark)
        if self.standing.state == "lost":
            self._tell("It is read again.")
        self.standing.state, self.standing.said, self._pause = "reads", "", 0.0

    async def _mark(self, mark: str) -> None:
        """Writes down how far it was read; one that could not be written is tried again before anything else is read."""
        self._unmarked = mark
        try:
            await asyncio.to_thread(self._marks.write, self.name, mark)
        except (OSError, NotOurs) as error:
            raise SourceLost(f"how far it was read cannot be written down ({error})") from error
        self._unmarked = None

    def _keep_aside(self, refused: list[bytes], why: str) -> None:
        try:
            path = self._marks.refused(self.name, refused)
        except (OSError, NotOurs) as error:
            raise full(self.name, error) from error
        self.standing.refused += len(refused)
        self._tell(f"{len(refused):,} lines of readings were refused ({why}), and are kept in {path}.")
