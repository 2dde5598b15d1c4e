"""Group commit: what waits is written together and acknowledged by one sync, while the next group gathers.

One thread writes. It lives outside the event loop because a sync blocks for as long as the disk likes. A failed write
is told to everyone in its group. After a full disk the log is opened anew (`reopening.py`); after any other failure
nothing more is taken (rule 4 of the write-ahead log).
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tocsin.config import bounds
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.reopening import cut_failed
from tocsin.records.errors import OperatorError
from tocsin.records.instants import HOUR
from tocsin.records.received import Received
from tocsin.store.disk import Disk
from tocsin.store.entries import Passed, encode
from tocsin.store.segment import Position
from tocsin.store.write_ahead import WriteAhead

_PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})

OVERHEAD: Final = 512
"""Bytes that a waiting body costs beside itself."""


class Busy(Exception):  # noqa: N818  an answer, not a failure
    """Too much waits already; the sender shall come back."""


class Unwritable(Exception):  # noqa: N818  an answer, not a failure
    """The disk refused; nothing of the body is stored."""


class Unencodable(Exception):  # noqa: N818  an answer, not a failure
    """The body has no form in the log; it is refused alone, and would be again."""


@dataclass(slots=True)
class _Waiting:
    entry: Received | Passed
    size: int
    done: asyncio.Future[Position]
    frames: Sequence[tuple[int, bytes]] = ()


class GroupCommit:
    """Acknowledges what listeners took in.

    Args:
        log: The open log; from now on only this object's thread touches it.
        disk: What cuts off the rest of a failed write.
        now: The present instant.
        publish: Told the acknowledged end of the log after each group; called in the writer's thread.
        tell: Told in words what an operator should know.
        counters: Where acknowledged bodies are counted.

    Must be made in the running event loop.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self,
        log: WriteAhead,
        disk: Disk,
        now: Callable[[], int],
        publish: Callable[[Position], None],
        tell: Callable[[str], None],
        counters: Counters,
    ) -> None:
        self._log = log
        self._disk = disk
        self._now = now
        self._publish = publish
        self._tell = tell
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._roomy: list[asyncio.Future[None]] = []
        self._wake = threading.Condition()
        self._closing = False
        self._refusing = ""
        self._passing = False
        self._hour = now() // HOUR
        self._proved = -bounds.HEALTH_SECONDS
        self._proving: asyncio.Task[Position] | None = None
        self._rotates = False
        self._rotating: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._write_all, name="tocsin-log", daemon=True)
        self._thread.start()

    @property
    def end(self) -> Position:
        """Where the acknowledged log ends."""
        return self._log.end

    @property
    def refusing(self) -> str:
        """Why nothing is taken at present; empty while all is well."""
        return self._refusing

    @property
    def closing(self) -> bool:
        """Whether the process stops."""
        return self._closing

    @property
    def crowded(self) -> bool:
        """Whether so much waits that who can slow its sender down should."""
        return bool(self._refusing) or self._waiting_bytes > bounds.BACKLOG_BYTES // 2

    async def acknowledge(self, entry: Received | Passed) -> Position:
        """The end of the log once `entry` is synced.

        Raises:
            Busy: the backlog is full; nothing was written.
            Unwritable: the disk refused; nothing is stored.
            Unencodable: there is no form for it; nothing is stored.
        """
        if self._refusing:
            raise Unwritable(self._refusing)
        size = OVERHEAD + (len(entry.body) if isinstance(entry, Received) else 0)
        if self._closing or self._waiting_bytes + size > bounds.BACKLOG_BYTES:
            raise Busy
        one = _Waiting(entry, size, self._loop.create_future())
        with self._wake:
            self._queue.append(one)
            self._waiting_bytes += size
            self._wake.notify()
        return await one.done

    async def takes_writes(self) -> bool:
        """Whether the log does: it did within `HEALTH_SECONDS`, or does now, which is tried with an entry that says nothing."""
        if self._closing or self.crowded:
            return False
        if self._loop.time() - self._proved < bounds.HEALTH_SECONDS:
            return True
        if self._proving is None or self._proving.done():
            self._proving = self._loop.create_task(self.acknowledge(Passed(0)))
        try:
            async with asyncio.timeout(bounds.HEALTH_WAIT_SECONDS):
                await asyncio.shield(self._proving)
        except (Busy, Unwritable, TimeoutError):
            return False
        return True

    def rotate(self) -> None:
        """Leaves the present segment: an entry that says nothing begins the next one. Nothing where the disk refuses."""
        self._rotates = True
        self._rotating = self._loop.create_task(self._say_nothing())

    async def _say_nothing(self) -> None:
        with suppress(Busy, Unwritable):
            await self.acknowledge(Passed(0))

    async def room(self) -> None:
        """Waits until the log is not `crowded`."""
        while self.crowded and not self._closing:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._roomy.append(waiter)
            await waiter

    async def close(self) -> None:
        """Writes what waits, then closes the log; nothing is taken any more."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._let_in()
        await asyncio.to_thread(self._thread.join)
        self._log.close()

    # --- the writer's thread -------------------------------------------------------------------------------

    def _write_all(self) -> None:
        while group := self._next_group():
            group = [one for one in group if self._encoded(one)]
            if not group:
                continue
            outcome: Position | Unwritable
            try:
                outcome = self._write(group)
            except OperatorError as error:
                outcome = Unwritable(self._note_failure(error))
            except Exception as error:  # noqa: BLE001  whatever it is: the group must be told, and the log is suspect
                self._refusing = f"writing failed: {error!r}"
                outcome = Unwritable(self._refusing)
                self._tell(self._refusing)
            self._tell_loop(self._settle, group, outcome)
            if self._refusing and not self._recovered():
                return

    def _next_group(self) -> list[_Waiting]:
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            group: list[_Waiting] = []
            size = 0
            while self._queue and len(group) < bounds.GROUP_BODIES:
                size += self._queue[0].size
                if group and size > bounds.GROUP_BYTES:
                    break
                group.append(self._queue.popleft())
            return group

    def _encoded(self, one: _Waiting) -> bool:
        """Whether it has a form in the log; who waits is told where it has none."""
        try:
            one.frames = tuple(encode(one.entry))
        except Exception as error:  # noqa: BLE001  whatever it is, it is this body's own
            self._tell_loop(
                self._settle, [one], Unencodable(f"it cannot be written down: {type(error).__name__}")
            )
            return False
        return True

    def _write(self, group: list[_Waiting]) -> Position:
        hour = self._now() // HOUR
        if hour != self._hour or self._rotates:
            self._hour, self._rotates = hour, False
            self._log.rotate()
        end = self._log.append([frame for one in group for frame in one.frames])
        self._publish(end)
        return end

    def _note_failure(self, error: OperatorError) -> str:
        cause = error.__cause__
        self._refusing = error.what
        self._passing = isinstance(cause, OSError) and cause.errno in _PASSING
        self._tell(error.what if self._passing else str(error))
        return error.what

    def _recovered(self) -> bool:
        """Waits until the log could be opened again; False where it shall not, or the process stops."""
        while self._passing:
            with self._wake:
                if self._wake.wait_for(lambda: self._closing, bounds.DISK_RETRY_SECONDS):
                    break
            try:
                self._log = cut_failed(self._log, self._disk)
            except (OperatorError, OSError) as error:
                self._tell(f"The log cannot be opened again yet: {error}")
                continue
            self._refusing = ""
            self._tell("The disk takes writes again.")
            self._tell_loop(self._let_in)
            return True
        self._tell_loop(self._refuse_rest)
        return False

    # --- the event loop ------------------------------------------------------------------------------------

    def _tell_loop(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop was closed: nobody waits any more
            return

    def _settle(self, group: list[_Waiting], outcome: Position | Unwritable | Unencodable) -> None:
        self._waiting_bytes -= sum(one.size for one in group)
        self._counters.groups += not isinstance(outcome, Exception)
        for one in group:
            if isinstance(outcome, Exception):
                if not one.done.done():
                    one.done.set_exception(type(outcome)(*outcome.args))  # each raises its own
                continue
            self._proved = self._loop.time()
            self._count(one.entry)
            if not one.done.done():
                one.done.set_result(outcome)
        if self._refusing:
            self._refuse_rest()
        self._let_in()

    def _count(self, entry: Received | Passed) -> None:
        if isinstance(entry, Received):
            self._counters.bodies += 1
            self._counters.records += entry.count
            self._counters.bytes += len(entry.body)

    def _refuse_rest(self) -> None:
        with self._wake:
            rest = list(self._queue)
            self._queue.clear()
        self._waiting_bytes -= sum(one.size for one in rest)
        for one in rest:
            if not one.done.done():
                one.done.set_exception(Unwritable(self._refusing))

    def _let_in(self) -> None:
        if self._closing or not self.crowded:
            waiters, self._roomy = self._roomy, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
