"""The intake process: opens the log, listens, and stops so that nothing in flight is lost."""

from __future__ import annotations

import asyncio
import copy
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from multiprocessing.connection import Connection
from typing import Final

import uvloop

from tocsin.config import bounds
from tocsin.engine.figures import read_figures
from tocsin.engine.intake.commit import Busy, GroupCommit, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.following import Following
from tocsin.engine.intake.http import App
from tocsin.engine.intake.listening import Listeners, end_connections
from tocsin.engine.intake.local_socket import LocalSocket
from tocsin.engine.intake.repeats import Repeats
from tocsin.engine.intake.senders import Guessers, Tokens
from tocsin.engine.intake.settings import (
    Change,
    Changed,
    Counted,
    IntakeSettings,
    Ready,
    Refused,
    Report,
    Rotate,
    Stopped,
    Told,
)
from tocsin.engine.intake.syslog import Syslog
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.records.received import Received
from tocsin.store.disk import Disk
from tocsin.store.entries import Passed
from tocsin.store.lock import log_to_itself
from tocsin.store.segment import Position
from tocsin.store.write_ahead import WriteAhead

_SWITCH_SECONDS: Final = 0.001
_FILES: Final = bounds.CONNECTIONS + bounds.SYSLOG_CONNECTIONS + 256


def run_intake(  # noqa: PLR0913, PLR0917  what it is wired to
    settings: IntakeSettings,
    publish: Callable[[Position], None],
    report: Callable[[Report], None],
    now: Callable[[], int],
    disk: Disk | None = None,
    orders: Connection | None = None,
) -> None:
    """Takes events in until SIGTERM or SIGINT; the main function of a process of its own.

    Args:
        settings: What to open and where to listen.
        publish: Told the acknowledged end of the log after each group, from the writer's thread, before any answer.
        report: Told `Ready`, then `Told` and `Counted`, in the end `Stopped`. Called from several threads.
        now: The present instant.
        disk: What writes and syncs.
        orders: Where `Change`, one after the other was answered, and `Rotate` come; None where nobody sends any.

    Raises:
        OperatorError: the log is damaged, a port is taken, a certificate cannot be read.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)  # the writer must not wait 5 ms for its turn after each sync
    _raise_file_limit(report)
    disk = disk or Disk()
    with log_to_itself(settings.folder.parent):
        _run(settings, publish, report, now, disk, orders)


def _run(  # noqa: PLR0913, PLR0917  what it is wired to
    settings: IntakeSettings,
    publish: Callable[[Position], None],
    report: Callable[[Report], None],
    now: Callable[[], int],
    disk: Disk,
    orders: Connection | None,
) -> None:
    log = WriteAhead(settings.folder, settings.committed, settings.sealed, disk)
    for notice in log.notices:
        report(Told(notice))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Intake(settings, publish, report, now, disk).run(log, orders))


class _Intake:
    """The running process."""

    def __init__(
        self,
        settings: IntakeSettings,
        publish: Callable[[Position], None],
        report: Callable[[Report], None],
        now: Callable[[], int],
        disk: Disk,
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._report = report
        self._now = now
        self._disk = disk
        self._counters = Counters()
        self._changing: asyncio.Task[None] | None = None

    async def run(self, log: WriteAhead, orders: Connection | None) -> None:
        """Until a signal comes."""
        loop = asyncio.get_running_loop()
        signal.signal(
            signal.SIGHUP, signal.SIG_IGN
        )  # it is meant for the main process, even where all are sent it
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        repeats = Repeats(loop.time)
        if not self._settings.clean:
            recall(log, repeats)
        commit = GroupCommit(log, self._disk, self._now, self._publish, self._tell, self._counters)
        tokens = Tokens(self._settings.tokens)
        figures = partial(read_figures, self._settings.folder.parent)
        app = App(
            commit, repeats, tokens, Guessers(loop.time), self._counters, self._now, self._tell, figures,
            frozenset(self._settings.plants),
        )  # fmt: skip
        syslog = Syslog(commit, self._counters, os.urandom(16), self._now)
        listeners = Listeners(app, syslog, self._counters)
        local = LocalSocket(
            self._settings.folder.parent, partial(listeners.serving, local=True), self._counters, self._tell, os.geteuid()
        )  # fmt: skip
        following = Following(self._settings, commit, self._counters, self._now, self._tell)
        try:
            if app.plants:
                local.listen()
            ports = await listeners.change(self._settings.listeners)
            self._publish(commit.end)
            self._report(Ready(ports, commit.end))
            following.begin()
            if orders is not None:
                change = partial(self._change, app, listeners, local, following)
                loop.add_reader(orders.fileno(), self._obey, orders, change, stop, commit)
            await self._until(stop, listeners, commit, following)
        finally:
            app.stopping = True
            local.rest()
            await listeners.close()
            await end_connections([local.state])
            await syslog.close()
            await following.close()
            await commit.close()
        self._report(Stopped(self._counters, commit.end))

    async def _until(
        self, stop: asyncio.Event, listeners: Listeners, commit: GroupCommit, following: Following
    ) -> None:
        """Each second: the totals, which are a sign of life too, and whether it has been quiet for long."""
        bodies, since = 0, self._now()
        while not stop.is_set():
            listeners.tick(self._now() // SECOND)
            following.check()
            try:
                await asyncio.wait_for(stop.wait(), 1)
            except TimeoutError:
                self._report(Counted(copy.deepcopy(self._counters)))
            if self._counters.bodies != bodies:
                bodies, since = self._counters.bodies, self._now()
            elif self._now() - since >= bounds.QUIET_SECONDS * SECOND and await self._told_time(commit):
                since = self._now()

    def _obey(
        self, orders: Connection, change: Callable[[Change], Coroutine[None, None, None]], stop: asyncio.Event,
        commit: GroupCommit,
    ) -> None:  # fmt: skip
        try:
            order: Change | Rotate = orders.recv()
        except (
            EOFError,
            OSError,
        ):  # the main process is gone: nobody would judge, and another may want the log
            asyncio.get_running_loop().remove_reader(orders.fileno())
            stop.set()
            return
        if isinstance(order, Rotate):
            commit.rotate()
            return
        self._changing = asyncio.get_running_loop().create_task(change(order))

    async def _change(
        self, app: App, listeners: Listeners, local: LocalSocket, following: Following, order: Change
    ) -> None:
        """First what can fail; what follows cannot."""
        try:
            if order.plants:
                local.listen()
            ports = await listeners.change(order.listeners)
        except OperatorError as error:
            if not app.plants:
                local.rest()
            self._report(Refused(str(error)))
            return
        app.tokens.replace(order.tokens)
        app.plants = frozenset(order.plants)
        if not app.plants:
            local.rest()
        await following.change(order.files, order.committed)
        self._report(Changed(ports))

    async def _told_time(self, commit: GroupCommit) -> bool:
        """Writes into the log that time passes: windows over events end by it, though no event comes to say so."""
        try:
            await commit.acknowledge(Passed(self._now()))
        except (Busy, Unwritable):
            return False  # others have said so: a later second tries again
        return True

    def _tell(self, text: str) -> None:
        self._report(Told(text))


def recall(log: WriteAhead, repeats: Repeats) -> None:
    """Opens for a repeat each body at the log's end whose answer may not have been written before the process died.

    These are the ones that came within `RECALLED_SECONDS` before the last, in the log's last segments.
    """
    end = log.end
    back = max(1, bounds.REPEATS_LOG_BYTES // bounds.WAL_SEGMENT_BYTES)
    found = [
        entry
        for _, entry in log.read(Position(max(0, end.segment - back + 1), 0), end)
        if isinstance(entry, Received)
    ]
    if found:
        since = found[-1].arrived - int(bounds.RECALLED_SECONDS * SECOND)
        for received in found:
            if received.arrived >= since:
                repeats.recall(received)


def _raise_file_limit(report: Callable[[Report], None]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < _FILES:
        report(
            Told(
                f"The system allows {wanted} open files; {_FILES} would let in all connections that may come."
            )
        )
