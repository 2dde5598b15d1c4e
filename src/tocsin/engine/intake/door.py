"""The HTTP connection: uvicorn's protocol on httptools, with the bounds that it leaves to a proxy in front.

How many connections there are, in all and of one address; how large a request's head may be, and how long it may take
to come; how many requests may wait behind one another; how long an answer may lie unread. What breaks a bound is closed,
counted by reason, and answered where that costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tocsin.config import bounds
from tocsin.engine.intake.counters import Counters


def _said(status: bytes) -> bytes:
    return b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


_BAD = _said(b"400 Bad Request")
_SLOW = _said(b"408 Request Timeout")
_LARGE = _said(b"431 Request Header Fields Too Large")
_VERSION = _said(b"505 HTTP Version Not Supported")
_VERSIONS = frozenset({"1.0", "1.1"})
_FRAMES_BODY = frozenset({b"content-length", b"transfer-encoding"})
_MANY = _said(b"429 Too Many Requests")


class _Stop(Exception):  # noqa: N818  ends the parsing of a request that goes over a bound
    """Raised out of a callback of the parser, which then reads no further."""


class Crowd:
    """The open connections, in all and by address.

    Args:
        counters: Where refused ones are counted.
        most: Of all.
        most_of_peer: Of one address.
    """

    def __init__(self, counters: Counters, most: int, most_of_peer: int) -> None:
        self.counters = counters
        self.by_peer: Counter[str] = Counter()
        self.total = 0
        self._most, self._most_of_peer = most, most_of_peer

    def enter(self, peer: str) -> bool:
        """Whether one more may come in; it is counted either way, until `leave`."""
        self.total += 1
        self.by_peer[peer] += 1
        return self.total <= self._most and self.by_peer[peer] <= self._most_of_peer

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
        self._in_head = True
        self._head = 0  # bytes of the head that were parsed
        self._fed = 0  # bytes in which nothing but a head or trailers came
        self._went_on = False
        self._gone = False  # the client; that we close behind an answer, as it asked, is another thing
        self._broken = ("http", _BAD)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        if self.crowd.enter(self.peer):
            self._await_head()
        else:
            self.crowd.counters.refuse("connections")
            transport.abort()

    def eof_received(self) -> None:
        self._gone = True
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self.crowd.leave(self.peer)
        self._stop_clock()
        self._read_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        between = self._is_between()
        if between:
            self._await_head()  # line ends alone begin no request, and would keep it open for ever
        self._went_on = False
        super().data_received(data)
        behind = self._went_on and not (
            between and self._in_head
        )  # of what it went on to, at most a piece came
        self._fed = 0 if behind else self._fed + len(data)
        if self._fed > bounds.HEAD_BYTES:
            self._close("head", _LARGE)

    # --- callbacks of the parser ---------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["gone"] = self._is_gone
        self._in_head = self._went_on = True
        self._head = 0
        self._await_head()

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: it must not pass for a header (RFC 9110, section 6.5.1)
        self._count_head(len(name) + len(value))
        if len(self.headers) >= bounds.HEADERS:
            self._stop("head", _LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._went_on = True
        self._stop_clock()
        if len(self.pipeline) >= bounds.PIPELINED:
            self._stop("pipelined", _MANY)
        if self.parser.get_http_version() not in _VERSIONS:
            self._stop("http", _VERSION)
        upgrade = self.parser.should_upgrade()
        if upgrade and any(name in _FRAMES_BODY for name, _ in self.headers):
            self._stop("upgrade", _BAD)  # httptools would skip the body, and take it for what follows
        super().on_headers_complete()
        if upgrade:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._went_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._went_on = True
        self._stop_clock()
        super().on_message_complete()

    # --- what ends it --------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._linger()
        elif self.cycle.response_complete and self.cycle.more_body and self._deadline is None:
            self._deadline = self.loop.call_later(bounds.UNREAD_SECONDS, self._close, "unread", b"")

    def send_400_response(self, msg: str) -> None:
        del msg
        self._close(*self._broken)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._linger()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(bounds.ANSWER_SECONDS, self._cut_off)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_on()

    def _is_gone(self) -> bool:
        return self._gone

    def _is_between(self) -> bool:
        """Whether no request is being read or served."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or (cycle.response_complete and not cycle.more_body)

    def _may_answer(self) -> bool:
        """Whether an answer of ours is one to what broke: not to a request before it, which may be stored."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            return True
        return cycle.more_body and not cycle.response_started and not self.pipeline

    def _count_head(self, size: int) -> None:
        self._head += size
        if self._head > bounds.HEAD_BYTES:
            self._stop("head", _LARGE)

    def _stop(self, reason: str, answer: bytes) -> None:
        self._broken = (reason, answer)
        raise _Stop

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(bounds.HEAD_SECONDS, self._close, "slow", _SLOW)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _close(self, reason: str, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.crowd.counters.refuse(reason)
            self._gone = True
            if self._may_answer():
                self.transport.write(answer)
            self.transport.close()
            self._linger()

    def _linger(self) -> None:
        """A closed connection lives until its peer read the answer: not for ever."""
        if self._unread is None:
            self._unread = self.loop.call_later(bounds.ANSWER_SECONDS, self._cut_off)

    def _cut_off(self) -> None:
        self._unread = None
        self.crowd.counters.refuse("answer")
        self.transport.abort()


def door(counters: Counters) -> type[HttpToolsProtocol]:
    """The protocol for all HTTP listeners of this process."""

    class Door(_Door):
        crowd = Crowd(counters, bounds.CONNECTIONS, bounds.PEER_CONNECTIONS)

    return Door
