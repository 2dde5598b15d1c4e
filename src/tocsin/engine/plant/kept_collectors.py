"""The process that reads plants' sources, kept running: started where there are sources, and anew where it died."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tocsin.config import bounds
from tocsin.engine.plant.collect_process import CollectChild
from tocsin.engine.plant.collectors.settings import Collected, CollectSettings, Counted, Told
from tocsin.records.instants import SECOND


@dataclass(slots=True)
class KeptCollectors:
    """Keeps such a process running. None of its functions waits for a source.

    Args:
        settings: What to read; without sources there is no process.
        now: The present instant; a function that another process finds by its name.
        tell: Told what an operator should know.

    Attributes:
        standing: How each source stands, by its name.
    """

    settings: CollectSettings
    now: Callable[[], int]
    tell: Callable[[str], None]
    standing: dict[str, Collected] = field(default_factory=dict)
    _child: CollectChild | None = None
    _pause: float = 0.0
    _again: int | None = None
    _started: int = 0

    def begin(self) -> None:
        """Starts it, where there is a source."""
        self.standing = {one.name: Collected(one.plant, one.kind) for one in self.settings.sources}
        if self.settings.sources:
            self._child = CollectChild(self.settings, self.now)
            self._started = self.now()

    def attend(self) -> None:
        """Hears what it has to say, and starts it anew where it died, later each time; comes back at once."""
        if self._child is None:
            return
        self._hear()
        died, now = self._child.died, self.now()
        if died is None:
            if self._pause and abs(now - self._started) > bounds.PLANT_PAUSE_SECONDS * SECOND:
                self._pause = 0.0
            return
        if self._again is None:
            self._pause = min(max(2 * self._pause, 1.0), bounds.PLANT_PAUSE_SECONDS)
            self._again = now + round(self._pause * SECOND)
            self.tell(
                f"The process that reads plants' sources ended (exit code {died}); it is started again in "
                f"{self._pause:.0f} s, and goes on where it was."
            )
        elif not 0 < self._again - now <= self._pause * SECOND:  # or the clock was set back
            self._again = None
            self._child.kill()
            self.begin()

    def take_up(self, settings: CollectSettings) -> None:
        """Reads what `settings` say from now on; nothing happens where they say what they said, and no source was stopped."""
        if settings != self.settings or any(one.state == "stopped" for one in self.standing.values()):
            self.stop()
            self.settings, self._again, self._pause = settings, None, 0.0
            self.begin()

    def stop(self) -> None:
        """Ends it; what was read and not stored is read again at the next start."""
        if self._child is not None:
            for said in self._child.stop():
                self._heard(said)
            self._child = None

    def _hear(self) -> None:
        assert self._child is not None
        for said in self._child.heard():
            self._heard(said)

    def _heard(self, said: Told | Counted) -> None:
        if isinstance(said, Told):
            self.tell(said.text)
        else:
            self.standing = said.sources
