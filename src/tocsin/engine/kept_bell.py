"""The process that rings, kept running: it alone reads the bell's secrets and speaks with the world, and parses nothing.

Rules:

1. It ends when the main process does, however that came; what is being handed over is ended first, and no sign of life
   leaves any more.
2. How the service is stands in memory that both share, so that judging never waits for a bell that hangs.
3. It is told one thing at a time, and the next once it says that it did that: a bell that hangs fills no pipe, and one that
   starts anew is told again.
4. A bell that dies is started anew, later each time, and that is told. A message whose hand-over it did not see the end of is handed
   over again, with the same id.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tocsin.config import bounds
from tocsin.engine.bell import BellRinger, Signs
from tocsin.engine.starter import NETWORKED, exit_code, last_words, start
from tocsin.notify.changes import Ringing
from tocsin.records.instants import SECOND

_LONGEST_PAUSE: Final = 60.0
_STEP_SECONDS: Final = 1.0
"""How long it waits at most before it looks whether a signal ended it."""


class KeptBell:
    """Keeps the bell ringing. None of its functions but `stop` waits for anything.

    Args:
        root: The store.
        ringing: Whom to tell.
        now: The present instant; a function that another process finds by its name.
        tell: Told what an operator should know.
    """

    def __init__(
        self, root: Path, ringing: Ringing, now: Callable[[], int], tell: Callable[[str], None]
    ) -> None:
        self._root, self._ringing, self._now, self._tell = root, ringing, now, tell
        self._listens, self._judged = (
            NETWORKED.Value("b", 1, lock=False),
            NETWORKED.Value("q", now(), lock=False),
        )
        self._newest = NETWORKED.Value("q", 0, lock=False)  # how often somebody else was to be told
        self._child: _Child | None = None
        self._pause, self._started = 0.0, 0
        self._again: int | None = None
        self._order = _NOTHING
        self._asked = _NOTHING

    def begin(self) -> None:
        """Starts it."""
        shared = (self._listens, self._judged, self._newest)
        self._child = _Child(self._root, self._ringing, shared, self._now)
        self._started = self._now()
        newer = self._order.refused is not None
        self._order = _Order(refused=self._order.refused if newer else self._asked.refused)
        self._asked = _NOTHING
        self._tell_it()

    def attend(self) -> None:
        """Hears what it has to say, and starts it anew where it died."""
        if self._child is None:
            return
        for said in self._child.heard():
            self._hear(said)
        self._tell_it()
        died, now = self._child.died, self._now()
        if died is None:
            if self._pause and abs(now - self._started) > _LONGEST_PAUSE * SECOND:
                self._pause = 0.0
        elif self._again is None:
            self._pause = min(max(2 * self._pause, 1.0), _LONGEST_PAUSE)
            self._again = now + round(self._pause * SECOND)
            self._tell(
                f"The process that rings ended (exit code {died}); it is started again in {self._pause:.0f} s."
            )
        elif not 0 < self._again - now <= self._pause * SECOND:  # or the clock was set back
            self._again = None
            self._child.kill()
            self.begin()

    def works(self, *, listens: bool, judged: int | None = None) -> None:
        """How the service is: whether the process that takes events in is ready, and when judging last made progress."""
        self._listens.value = listens
        if judged is not None:
            self._judged.value = judged

    def ring_for(self, ringing: Ringing) -> None:
        """Whom to tell from now on."""
        self._ringing = ringing
        self._newest.value += 1
        self._order = replace(self._order, ringing=ringing, number=self._newest.value)
        self._tell_it()

    def settings(self, refused: str) -> None:
        """Settings were read anew: why they do not hold, which people are told; empty where they do."""
        self._order = replace(self._order, refused=refused)
        self._tell_it()

    def stop(self) -> None:
        """Lets what is being handed over end, for a while."""
        if self._child is not None:
            for said in self._child.stop():
                self._hear(said)
            self._child = None

    def _hear(self, said: str | None) -> None:
        if said is None:
            self._asked = _NOTHING
        else:
            self._tell(said)

    def _tell_it(self) -> None:
        if self._child is not None and self._asked == _NOTHING != self._order:
            self._child.order(self._order)
            self._asked, self._order = self._order, _NOTHING


@dataclass(frozen=True, slots=True)
class _Order:
    """What the process is told: for whom to ring, and why settings were refused (empty: they hold); None: as before.

    `number` counts for how many it was to ring.
    """

    ringing: Ringing | None = None
    refused: str | None = None
    number: int = 0


_NOTHING: Final = _Order()


class _Child:
    """One such process, running."""

    def __init__(
        self, root: Path, ringing: Ringing, shared: tuple[Any, Any, Any], now: Callable[[], int]
    ) -> None:
        orders, self._orders = NETWORKED.Pipe(duplex=False)
        self._told, told = NETWORKED.Pipe(duplex=False)
        self._process = NETWORKED.Process(
            target=_main,
            args=(root, ringing, shared[2].value, shared, now, orders, told),
            name="tocsin-bell",
            daemon=True,
        )
        start(self._process)
        orders.close()
        told.close()

    @property
    def died(self) -> int | None:
        """The exit code of a process that is gone; None while it runs."""
        return exit_code(self._process)

    def heard(self) -> Iterator[str | None]:
        """What it has to say by now; None: that it did what it was told."""
        with suppress(EOFError, OSError):
            while self._told.poll():
                yield self._told.recv()

    def order(self, order: _Order) -> None:
        """Tells it that; nothing happens where it is gone, as `died` says."""
        with suppress(OSError):
            self._orders.send(order)

    def stop(self) -> Iterator[str | None]:
        """Asks it to end, and ends it where it does not; what it says until then."""
        self._orders.close()
        yield from last_words(self._told, self._process, self.heard, bounds.OUTBOUND_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.join()
        self._told.close()
        self._orders.close()


class _Around:
    """What the process knows of the service."""

    def __init__(
        self,
        ringing: Ringing,
        number: int,
        shared: tuple[Any, Any, Any],
        orders: Connection,
        tell: Callable[[str | None], None],
    ) -> None:
        self.ringing = ringing
        self._listens, self._judged, self._newest = shared
        self._number = number
        self._orders, self._tell = orders, tell
        self._refused: str | None = None
        self._ends = False

    def end(self, number: int, frame: FrameType | None) -> None:
        """What a signal does: what is being handed over is ended first."""
        del number, frame
        self._ends = True

    @property
    def signs(self) -> Signs:
        """As `bell.Around`."""
        return Signs(bool(self._listens.value), int(self._judged.value))

    def wait(self, seconds: float) -> bool:
        """As `bell.Around`."""
        try:
            while not (self._ends or self._obey(min(seconds, _STEP_SECONDS))) and seconds > _STEP_SECONDS:
                seconds -= _STEP_SECONDS
        except (EOFError, OSError):  # the main process is gone, or wants no more
            return False
        return not self._ends

    def settle(self) -> bool:
        """As `bell.Around`."""
        goes_on = self.wait(0.0)
        while goes_on and not self.settled():
            goes_on = self.wait(_STEP_SECONDS)
        return goes_on

    def settled(self) -> bool:
        """As `bell.Around`."""
        return self._number == int(self._newest.value)

    def refused(self) -> str | None:
        """As `bell.Around`."""
        return self._refused

    def refused_said(self) -> None:
        """As `bell.Around`."""
        self._refused = None
        self._tell(None)

    def _obey(self, seconds: float) -> bool:
        """Whether it was told something within so long."""
        if not self._orders.poll(seconds):
            return False
        order: _Order = self._orders.recv()
        if order.ringing is not None:
            self.ringing, self._number = order.ringing, order.number
        if order.refused is None:
            self._tell(None)
        else:
            self._refused = order.refused
        return True


def _main(  # noqa: PLR0913, PLR0917  what it is wired to
    root: Path,
    ringing: Ringing,
    number: int,
    shared: tuple[Any, Any, Any],
    now: Callable[[], int],
    orders: Connection,
    told: Connection,
) -> None:
    """What the process does."""

    def tell(said: str | None) -> None:
        with suppress(OSError):  # the main process is gone, and this one is about to follow
            told.send(said)

    around = _Around(ringing, number, shared, orders, tell)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, around.end)
    BellRinger(root, around, now, tell).run()
