"""Syslog, whatever it came over (`syslog_sockets.py`): messages of one peer that come together go together.

Syslog has no acknowledgement. Over TCP a peer is not read from while too much waits, so that its own queue fills and
nothing is lost as long as it holds; over UDP what comes too fast is dropped and counted. A message's origin is proven
only where a client certificate was verified (`mtls`).
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, Protocol

from tocsin.config import bounds
from tocsin.engine.intake.commit import Busy, GroupCommit, Unencodable, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.records.event import Auth
from tocsin.records.received import Received
from tocsin.sources.listened.syslog_frames import Framed, pack

Transport = Literal["udp", "tcp", "tls"]

_LOOK_SECONDS = 0.02

OVERHEAD = 64
"""Bytes that a gathered message costs beside its own."""

BODY_OVERHEAD = 4_096
"""The same of those that are written together: a flood of forged addresses is one of bodies."""


@dataclass(slots=True)
class _Stream:
    """The ordinals of one peer over one transport."""

    name: str
    next: int = 0


class Hearing(Protocol):
    """An open connection."""

    def hang_up(self) -> bool:
        """Closes our half, so that the peer sees it; False where that cannot be done."""

    def shut(self) -> None:
        """Reads no more."""


@dataclass(slots=True)
class Syslog:
    """What all syslog listeners of this process share.

    Attributes:
        start: What tells this start of the process from every other; part of every stream's name.
        now: The present instant.
        waiting: Bytes of messages that are gathered or wait for the disk.
        held: Bytes of messages over TCP that are not whole yet.
    """

    commit: GroupCommit
    counters: Counters
    start: bytes
    now: Callable[[], int]
    waiting: int = 0
    held: int = 0
    connections: Counter[str] = field(default_factory=Counter)
    connected: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    gathering: set[Gathering] = field(default_factory=set)
    open: set[Hearing] = field(default_factory=set)
    _streams: OrderedDict[tuple[str, Transport], _Stream] = field(default_factory=OrderedDict)
    _made: int = 0

    def stream(self, peer: str, transport: Transport) -> _Stream:
        """The stream of a peer; a new one where it was quiet for so long that it was forgotten."""
        found = self._streams.get((peer, transport))
        if found is None:
            self._made += 1
            text = f"{peer}\0{transport}\0{self._made}".encode()
            found = self._streams[peer, transport] = _Stream(sha256(self.start + text).hexdigest())
            if len(self._streams) > bounds.PEERS_REMEMBERED:
                self._streams.popitem(last=False)
        self._streams.move_to_end((peer, transport))
        return found

    async def leave(self, connections: Iterable[Hearing]) -> None:
        """Lets peers see that nobody listens any more, and ends their connections.

        A peer that watches its connection (rsyslog, syslog-ng) turns away; what it sent until then is still read.
        """
        leaving = list(connections)
        told = [one for one in leaving if one in self.open and one.hang_up()]
        ended = asyncio.get_running_loop().time() + bounds.SYSLOG_LEAVE_SECONDS
        while not self.open.isdisjoint(told) and asyncio.get_running_loop().time() < ended:  # noqa: ASYNC110  at the end only
            await asyncio.sleep(_LOOK_SECONDS)
        for connection in self.open.intersection(leaving):
            connection.shut()

    async def close(self) -> None:
        """Leaves all peers, then hands what was gathered to the log and waits for it."""
        await self.leave(self.open)
        await asyncio.sleep(_LOOK_SECONDS)  # each has handed over its last message by then
        for gathering in list(self.gathering):
            gathering.flush()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=bounds.STOP_SECONDS)


class Gathering:
    """The messages of one peer that came within a moment.

    Args:
        patient: Whether a message waits for room (TCP) or is dropped (UDP).
        done: Called after each write.
    """

    def __init__(  # noqa: PLR0913  what it is wired to
        self, syslog: Syslog, peer: str, transport: Transport, auth: Auth, *, patient: bool, done: Callable[[], None]
    ) -> None:  # fmt: skip
        self._syslog = syslog
        self._peer = peer
        self._transport: Transport = transport
        self._auth: Auth = auth
        self._patient = patient
        self._done = done
        self._messages: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = 0

    def add(self, framed: list[Framed]) -> None:
        """Takes messages; they are written within `SYSLOG_GATHER_SECONDS`."""
        messages = [one.message for one in framed]
        size = sum(len(message) + OVERHEAD for message in messages)
        size += 0 if self._messages else BODY_OVERHEAD
        self._syslog.counters.cut += sum(one.cut for one in framed)
        self._messages += messages
        self._size += size
        self.waiting += size
        self._syslog.waiting += size
        self._syslog.gathering.add(self)
        if self._size >= bounds.SYSLOG_GATHER_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(bounds.SYSLOG_GATHER_SECONDS, self.flush)

    def flush(self) -> None:
        """Hands what was gathered to the log."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._messages:
            return
        messages, size = self._messages, self._size
        self._messages, self._size = [], 0
        stream = self._syslog.stream(self._peer, self._transport)
        first, stream.next = stream.next, stream.next + len(messages)
        received = Received(
            stream.name, first, len(messages), self._syslog.now(), "syslog", "", self._peer, self._auth,
            pack(messages), {"transport": self._transport},
        )  # fmt: skip
        task = asyncio.get_running_loop().create_task(self._write(received, size))
        self._syslog.tasks.add(task)
        task.add_done_callback(self._syslog.tasks.discard)

    async def _write(self, received: Received, size: int) -> None:
        try:
            await self._acknowledged(received)
        finally:
            self.waiting -= size
            self._syslog.waiting -= size
            if not self.waiting:
                self._syslog.gathering.discard(self)
            self._done()

    async def _acknowledged(self, received: Received) -> None:
        commit = self._syslog.commit
        while True:
            try:
                await commit.acknowledge(received)
            except (Busy, Unwritable):
                if not self._patient or commit.closing:
                    name = "udp_dropped" if self._transport == "udp" else "syslog_lost"
                    self._count(name, received.count)
                    return
                await commit.room()
            except Unencodable:
                self._count("unencodable", received.count)
                return
            else:
                return

    def _count(self, name: str, count: int) -> None:
        if name == "udp_dropped":
            self._syslog.counters.udp_dropped += count
        else:
            self._syslog.counters.refuse(name, count)
