"""The HTTP connection: uvicorn's protocol on httptools, with the bounds that it leaves to a proxy in front.

How many connections there are, in all and of one address; how large a request's head may be; how long it may take to
come. What breaks a bound is closed, counted by reason, and answered where that costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tocsin.config import bounds
from tocsin.engine.intake.counters import Counters

_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Crowd:
    """The open connections, in all and by address."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.by_peer: Counter[str] = Counter()
        self.total = 0

    def enter(self, peer: str) -> bool:
        """Whether one more may come in; it is counted either way, until `leave`."""
        self.total += 1
        self.by_peer[peer] += 1
        return self.total <= bounds.CONNECTIONS and self.by_peer[peer] <= bounds.PEER_CONNECTIONS

    def leave(self, peer: str) -> None:
        """One went."""
        self.total -= 1
        self.by_peer[peer] -= 1
        if self.by_peer[peer] <= 0:
            del self.by_peer[peer]


class _Door(HttpToolsProtocol):
    """One connection. `scope["state"]["gone"]()` tells the app whether the client is."""

    crowd: Crowd

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._head = 0
        self._in_head = True
        self._deadline: asyncio.TimerHandle | None = None
        if self.crowd.enter(self.peer):
            self._await_head()
        else:
            self.crowd.counters.refuse("connections")
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self.peer)
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > bounds.HEAD_BYTES:
            self._close("head", _LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["gone"] = self.transport.is_closing
        self._in_head = True
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) < bounds.HEADERS:
            super().on_header(name, value)
        else:
            self._close("head", _LARGE)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head = 0
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_clock()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body and self._deadline is None:
            self._deadline = self.loop.call_later(bounds.UNREAD_SECONDS, self._close, "unread", b"")

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(bounds.HEAD_SECONDS, self._close, "slow", _SLOW)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self, reason: str, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.crowd.counters.refuse(reason)
            cycle: RequestResponseCycle | None = self.cycle
            if cycle is None or cycle.response_complete:
                self.transport.write(answer)
            self.transport.close()


def door(counters: Counters) -> type[HttpToolsProtocol]:
    """The protocol for all HTTP listeners of this process."""

    class Door(_Door):
        crowd = Crowd(counters)

    return Door
