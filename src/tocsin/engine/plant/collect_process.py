"""The process that reads plants' sources, as it runs and as the main process sees it.

It holds nothing that others wait for: it may be killed at any moment, and goes on from its marks when it is started anew.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Lock

import msgspec

from tocsin.config import bounds
from tocsin.engine.plant.collectors.settings import CollectSettings, Report, Told
from tocsin.engine.starter import NETWORKED, exit_code, last_words, start


class CollectChild:
    """One such process, running.

    Args:
        settings: What to read.
        now: Its clock (instants): a function that another process finds by its name.
    """

    def __init__(self, settings: CollectSettings, now: Callable[[], int]) -> None:
        self._reports, reports = NETWORKED.Pipe(duplex=False)
        life, self._life = NETWORKED.Pipe(duplex=False)
        self._process = NETWORKED.Process(
            target=_main, args=(settings, now, reports, life), name="tocsin-collect", daemon=True
        )
        start(self._process)
        reports.close()
        life.close()

    @property
    def died(self) -> int | None:
        """The exit code of a process that is gone; None while it runs.

        Raises:
            OperatorError: no other could be started.
        """
        return exit_code(self._process)

    @property
    def pid(self) -> int | None:
        """Its number."""
        return self._process.pid

    def heard(self) -> Iterator[Report]:
        """What it has to say by now; waits for nothing."""
        while True:
            try:
                if not self._reports.poll():
                    return
                said = self._reports.recv_bytes(bounds.PLANT_REPORT_BYTES)
            except (EOFError, OSError):
                return
            try:
                yield msgspec.json.decode(said, type=Report)
            except msgspec.DecodeError:  # it reads strangers' bytes, and is believed nothing but reports
                self._process.kill()
                return

    def stop(self) -> Iterator[Report]:
        """Asks it to end, and ends it where it does not; what it says until then."""
        with suppress(OSError):
            self._life.close()
        yield from last_words(self._reports, self._process, self.heard, bounds.STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.join()
        self._reports.close()
        self._life.close()


def _main(settings: CollectSettings, now: Callable[[], int], reports: Connection, life: Connection) -> None:
    """What the process does: reads until the other end of `life` is closed, as it is when the main process is gone."""
    from tocsin.engine.plant.collecting import collect  # noqa: PLC0415  the main process needs none of it

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lock = Lock()

    def report(said: Report) -> None:
        with lock, suppress(OSError):  # the main process is gone, and this one is about to follow
            reports.send_bytes(msgspec.json.encode(said))

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(life.fileno())
            stop.set()

        loop.add_reader(life.fileno(), ended)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await collect(settings, report, now, stop)
        os._exit(0)  # a thread may wait for a database or a disk for long; nothing of it is needed

    try:
        asyncio.run(run())
    except Exception as error:  # noqa: BLE001  whatever it was, it is told and this process started anew
        report(Told(f"The process that reads plants' sources failed: {error!r}"))
        os._exit(1)
