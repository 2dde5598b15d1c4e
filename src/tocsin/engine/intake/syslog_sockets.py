"""Syslog over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425): what comes becomes messages, gathered by `syslog.py`."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from tocsin.config import bounds
from tocsin.engine.intake.syslog import BODY_OVERHEAD, OVERHEAD, Gathering, Syslog, Transport
from tocsin.sources.listened.syslog_frames import Framed, Framer, datagram

_MUCH_HELD: Final = 16 * 1024


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
        if not self._room(gathering, len(data) + OVERHEAD + (0 if gathering else BODY_OVERHEAD)):
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
        self._held = 0

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
        self._note_held()
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
        self._note_held()
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

    def _note_held(self) -> None:
        """Counts what is held of a message; one that holds much goes where all together hold too much."""
        self._syslog.held += self._framer.held - self._held
        self._held = self._framer.held
        if self._syslog.held > bounds.SYSLOG_HELD_BYTES and self._held > _MUCH_HELD:
            self._syslog.counters.refuse("syslog_held")
            self._transport.abort()

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
