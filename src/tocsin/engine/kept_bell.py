"""The process that rings, kept running: it alone reads the bell's secrets and speaks with the world, and parses nothing.

Rules:

1. It ends when the main process does, however that came; what is being handed over is ended first, and no sign of life
   leaves any more.
2. How the service is stands in memory that both share, so that judging never waits for a bell that hangs.
3. A bell that dies is started anew, later each time, and that is told. A message whose hand-over it did not see the end of is handed
   over again, with the same id.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

from tocsin.config import bounds
from tocsin.engine.bell import BellRinger, Signs
from tocsin.engine.confined import hide_memory
from tocsin.engine.starter import NETWORKED, exit_code
from tocsin.notify.changes import Ringing
from tocsin.records.instants import SECOND

_LONGEST_PAUSE: Final = 60.0


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
        self._child: _Child | None = None
        self._pause, self._started = 0.0, 0
        self._again: int | None = None

    def begin(self) -> None:
        """Starts it."""
        self._child = _Child(self._root, self._ringing, (self._listens, self._judged), self._now)
        self._started = self._now()

    def attend(self) -> None:
        """Hears what it has to say, and starts it anew where it died."""
        if self._child is None:
            return
        for text in self._child.heard():
            self._tell(text)
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
        if self._child is not None:
            self._child.order(ringing)

    def settings(self, refused: str) -> None:
        """Settings were read anew: why they do not hold, which people are told; empty where they do."""
        if self._child is not None:
            self._child.order(refused)

    def stop(self) -> None:
        """Lets what is being handed over end, for a while."""
        if self._child is not None:
            for text in self._child.stop():
                self._tell(text)
            self._child = None


class _Child:
    """One such process, running."""

    def __init__(self, root: Path, ringing: Ringing, signs: tuple[Any, Any], now: Callable[[], int]) -> None:
        orders, self._orders = NETWORKED.Pipe(duplex=False)
        self._told, told = NETWORKED.Pipe(duplex=False)
        self._process = NETWORKED.Process(
            target=_main, args=(root, ringing, signs, now, orders, told), name="tocsin-bell", daemon=True
        )
        self._process.start()
        orders.close()
        told.close()

    @property
    def died(self) -> int | None:
        """The exit code of a process that is gone; None while it runs."""
        return exit_code(self._process)

    def heard(self) -> Iterator[str]:
        """What it has to say by now."""
        with suppress(EOFError, OSError):
            while self._told.poll():
                yield str(self._told.recv())

    def order(self, order: Ringing | str) -> None:
        """Tells it for whom to ring, or why settings were refused; nothing happens where it is gone, as `died` says."""
        with suppress(OSError):
            self._orders.send(order)

    def stop(self) -> Iterator[str]:
        """Asks it to end, and ends it where it does not; what it says until then."""
        self._orders.close()
        while wait([self._told, self._process.sentinel], bounds.OUTBOUND_SECONDS):
            said = list(self.heard())
            yield from said
            if not said:
                break
        self.kill()

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.join()
        self._told.close()
        self._orders.close()


class _Around:
    """What the process knows of the service."""

    def __init__(self, ringing: Ringing, signs: tuple[Any, Any], orders: Connection) -> None:
        self.ringing = ringing
        self._listens, self._judged = signs
        self._orders = orders
        self._refused: deque[str] = deque(maxlen=1)

    @property
    def signs(self) -> Signs:
        """As `bell.Around`."""
        return Signs(bool(self._listens.value), int(self._judged.value))

    def wait(self, seconds: float) -> bool:
        """As `bell.Around`."""
        try:
            while self._orders.poll(seconds):
                order = self._orders.recv()
                if isinstance(order, Ringing):
                    self.ringing = order
                else:
                    self._refused.append(order)
                seconds = 0.0
        except (EOFError, OSError):  # the main process is gone, or wants no more
            return False
        return True

    def refused(self) -> str | None:
        """As `bell.Around`."""
        return self._refused.popleft() if self._refused else None


def _main(  # noqa: PLR0913, PLR0917  what it is wired to
    root: Path,
    ringing: Ringing,
    signs: tuple[Any, Any],
    now: Callable[[], int],
    orders: Connection,
    told: Connection,
) -> None:
    """What the process does."""
    os.setpgid(0, 0)  # Ctrl-C is for the main process, which ends this one in its turn
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    hide_memory()

    def tell(text: str) -> None:
        with suppress(OSError):  # the main process is gone, and this one is about to follow
            told.send(text)

    BellRinger(root, _Around(ringing, signs, orders), now, tell).run()
