"""Syslog over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425): messages of one peer that come together go together.

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
from typing import Any, Literal, cast

from tocsin.config import bounds
from tocsin.engine.intake.commit import Busy, GroupCommit, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.records.event import Auth
from tocsin.records.received import Received
from tocsin.sources.listened.syslog_frames import Framed, Framer, datagram, pack

Transport = Literal["udp", "tcp", "tls"]

_LOOK_SECONDS = 0.02

OVERHEAD = 64
"""Bytes that a gathered message costs beside its own."""


@dataclass(slots=True)
class _Stream:
    """The ordinals of one peer over one transport."""

    name: str
    next: int = 0


@dataclass(slots=True)
class Syslog:
    """What all syslog listeners of this process share.

    Attributes:
        start: What tells this start of the process from every other; part of every stream's name.
        now: The present instant.
    """

    commit: GroupCommit
    counters: Counters
    start: bytes
    now: Callable[[], int]
    waiting: int = 0
    connections: Counter[str] = field(default_factory=Counter)
    connected: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    gathering: set[Gathering] = field(default_factory=set)
    open: set[Connection] = field(default_factory=set)
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

    async def leave(self, connections: Iterable[Connection]) -> None:
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
            else:
                return

    def _count(self, name: str, count: int) -> None:
        if name == "udp_dropped":
            self._syslog.counters.udp_dropped += count
        else:
            self._syslog.counters.refuse(name, count)


class Datagrams(asyncio.DatagramProtocol):
    """A UDP listener: each datagram is one message."""

    def __init__(self, syslog: Syslog) -> None:
        self._syslog = syslog
        self._peers: dict[str, Gathering] = {}

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """One message."""
        found = datagram(data)
        if not found:
            return
        peer = str(addr[0])
        gathering = self._peers.get(peer)
        if not self._room(gathering, len(data) + OVERHEAD):
            self._syslog.counters.udp_dropped += 1
            return
        if gathering is None:
            gathering = self._peers[peer] = Gathering(
                self._syslog, peer, "udp", "none", patient=False, done=lambda: self._forget(peer)
            )
        gathering.add(found)

    def _room(self, gathering: Gathering | None, size: int) -> bool:
        waiting = gathering.waiting if gathering else 0
        return (
            waiting + size <= bounds.SYSLOG_PEER_WAITING_BYTES
            and self._syslog.waiting + size <= bounds.SYSLOG_WAITING_BYTES
            and not self._syslog.commit.refusing
        )

    def _forget(self, peer: str) -> None:
        gathering = self._peers.get(peer)
        if gathering is not None and not gathering.waiting:
            del self._peers[peer]


class Connection(asyncio.Protocol):
    """One TCP or TLS connection.

    Args:
        transport: Which of the two.
        verified: Whether the listener asks for client certificates and verifies them.
    """

    def __init__(self, syslog: Syslog, transport: Transport, *, verified: bool) -> None:
        self._syslog = syslog
        self._kind: Transport = transport
        self._verified = verified
        self._framer = Framer()
        self._paused = False
        self._heard = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer came."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio's
        self._loop = asyncio.get_running_loop()
        self._peer = str((self._transport.get_extra_info("peername") or ("",))[0])
        certificate = self._transport.get_extra_info("peercert") if self._verified else None
        self._gathering = Gathering(
            self._syslog, self._peer, self._kind, "mtls" if certificate else "none", patient=True, done=self._resume
        )  # fmt: skip
        self._idle = self._loop.call_later(bounds.SYSLOG_IDLE_SECONDS, self._look)
        self._syslog.open.add(self)
        self._syslog.connected += 1
        self._syslog.connections[self._peer] += 1
        if (
            self._syslog.connected > bounds.SYSLOG_CONNECTIONS
            or self._syslog.connections[self._peer] > bounds.SYSLOG_PEER_CONNECTIONS
        ):
            self._syslog.counters.refuse("syslog_connections")
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Some bytes, cut anywhere."""
        self._take(self._framer.feed(data))
        if self._crowded() and not self._paused:
            self._paused = True
            self._transport.pause_reading()
            if not self._gathering.waiting:
                self._wait_for_room()

    def hang_up(self) -> bool:
        """Closes our half, so that the peer sees it; False where that cannot be done (TLS)."""
        if self._transport.is_closing() or not self._transport.can_write_eof():
            return False
        self._transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer went; what it sent is kept, a last message without its end too."""
        del exc
        self._idle.cancel()
        self._take(self._framer.end())
        self._gathering.flush()
        self._syslog.open.discard(self)
        self._syslog.connected -= 1
        self._syslog.connections[self._peer] -= 1
        if self._syslog.connections[self._peer] <= 0:
            del self._syslog.connections[self._peer]

    def shut(self) -> None:
        """Reads no more."""
        self._transport.close()

    def _take(self, messages: list[Framed]) -> None:
        if messages:
            self._heard = True
            self._gathering.add(messages)

    def _crowded(self) -> bool:
        waiting = self._gathering.waiting
        return waiting > bounds.SYSLOG_PEER_WAITING_BYTES or self._syslog.commit.crowded

    def _resume(self) -> None:
        if not self._paused or self._gathering.waiting > bounds.SYSLOG_PEER_WAITING_BYTES // 2:
            return
        if self._syslog.commit.crowded:
            self._wait_for_room()
            return
        self._paused = False
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _wait_for_room(self) -> None:
        task = self._loop.create_task(self._syslog.commit.room())
        self._syslog.tasks.add(task)
        task.add_done_callback(self._syslog.tasks.discard)
        task.add_done_callback(lambda _: self._resume())

    def _look(self) -> None:
        if self._paused or self._heard:
            self._heard = False
            self._idle = self._loop.call_later(bounds.SYSLOG_IDLE_SECONDS, self._look)
        else:
            self._syslog.counters.refuse("syslog_idle")
            self._transport.close()
