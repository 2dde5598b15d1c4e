"""The intake process as the main one sees it.

Two things come back. How far the log is acknowledged is one number in shared memory, written after each sync; a byte in a
pipe says that it moved, so that nobody has to look again and again. Everything else is told over a second pipe.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from threading import Lock
from typing import Any, Final

from tocsin.config import bounds
from tocsin.engine.intake.settings import Change, Failed, IntakeSettings, Report, Rotate
from tocsin.engine.starter import NETWORKED, exit_code, start
from tocsin.records.errors import OperatorError
from tocsin.store.segment import Position

_OFFSET_BITS: Final = 32  # a segment ends within one frame of its bound, far below 4 GiB


class Child:
    """One intake process, running.

    Args:
        settings: What it is to do.
        now: Its clock (instants): a function that another process finds by its name.
    """

    def __init__(self, settings: IntakeSettings, now: Callable[[], int]) -> None:
        self._end: Any = NETWORKED.Value("Q", 0, lock=False)
        self._reports, reports = NETWORKED.Pipe(duplex=False)
        self._moved, moved = NETWORKED.Pipe(duplex=False)
        orders, self._orders = NETWORKED.Pipe(duplex=False)
        self._open = [self._moved, self._reports]
        self._process = NETWORKED.Process(
            target=_main,
            args=(settings, now, self._end, moved, reports, orders),
            name="tocsin-intake",
            daemon=True,
        )
        start(self._process)
        for theirs in (reports, moved, orders):
            theirs.close()

    @property
    def end(self) -> Position:
        """Where the acknowledged log ends; before the first position whatever there was before it was started."""
        return Position(*divmod(self._end.value, 1 << _OFFSET_BITS))

    @property
    def died(self) -> int | None:
        """The exit code of a process that is gone; None while it runs.

        Raises:
            OperatorError: no other could be started.
        """
        return exit_code(self._process)

    def wait(self, seconds: float) -> Iterator[Report]:
        """What it has to say, once it has; comes back early where the log moved, and after `seconds` at the latest."""
        ready = wait(self._open, seconds)
        if self._moved in ready and not os.read(self._moved.fileno(), 1 << 16):
            self._open.remove(self._moved)  # it is gone, as `died` says
        if self._reports in ready:
            yield from self._heard()

    def order(self, order: Change | Rotate) -> None:
        """Tells it what is to hold, which it answers by `Changed` or `Refused`, or to leave the present segment.

        Nothing happens where it is gone, as `died` says.
        """
        with suppress(OSError):
            self._orders.send(order)

    def stop(self) -> Iterator[Report]:
        """Lets it finish what is in flight; what it says until it is gone."""
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGTERM)
        while wait([self._reports, self._process.sentinel], bounds.STOP_SECONDS * 2):
            said = list(self._heard())
            yield from said
            if not said and not self._process.is_alive():
                break
        self.kill()

    def kill(self) -> None:
        """Ends it at once; what it acknowledged is in the log."""
        self._process.kill()
        self._process.join()
        for connection in (self._reports, self._moved, self._orders):
            connection.close()

    def _heard(self) -> Iterator[Report]:
        while True:
            try:
                if not self._reports.poll():
                    return
                yield self._reports.recv()
            except (EOFError, OSError):
                self._process.join(bounds.STOP_SECONDS)
                if self._reports in self._open:
                    self._open.remove(self._reports)
                return


def _main(  # noqa: PLR0913, PLR0917  what it is wired to
    settings: IntakeSettings,
    now: Callable[[], int],
    end: Any,
    moved: Connection,
    reports: Connection,
    orders: Connection,
) -> None:
    """What the process does."""
    from tocsin.engine.intake.process import run_intake  # noqa: PLC0415  the main process needs none of it

    os.set_blocking(moved.fileno(), False)
    lock = Lock()

    def publish(position: Position) -> None:
        end.value = position.segment << _OFFSET_BITS | position.offset
        try:
            os.write(moved.fileno(), b"\0")
        except BlockingIOError:
            return  # so many wait there that it will be seen

    def report(said: Report) -> None:
        with lock, suppress(BrokenPipeError):  # the main process is gone, and this one is about to follow
            reports.send(said)

    try:
        run_intake(settings, publish, report, now, orders=orders)
    except OperatorError as error:
        report(Failed(error.what, error.next_step))
