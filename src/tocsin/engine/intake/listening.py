"""Sockets: opened as the settings say, changed while they are used, closed so that what is being served is finished."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from email.utils import formatdate
from functools import partial
from weakref import WeakSet

from uvicorn.config import Config
from uvicorn.server import ServerState

from tocsin.config import bounds
from tocsin.config.tls import server_context
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.door import Crowd, door
from tocsin.engine.intake.handshakes import Gate
from tocsin.engine.intake.http import App
from tocsin.engine.intake.settings import Listening
from tocsin.engine.intake.syslog import Syslog
from tocsin.engine.intake.syslog_sockets import Connection, Datagrams
from tocsin.records.errors import OperatorError

_BACKLOG = 1_024


_Answers = asyncio.Server | asyncio.DatagramTransport | Gate


class _Listener:
    """One listener: its socket, what answers on it, and who is connected."""

    def __init__(self, wanted: Listening, bound: socket.socket) -> None:
        self.wanted, self.bound = wanted, bound
        self.answers: _Answers | None = None
        self.state = ServerState()
        self.syslog: WeakSet[Connection] = WeakSet()
        self.shaking: set[asyncio.Task[None]] = set()

    @property
    def place(self) -> tuple[str, str, int]:
        """What the settings call it."""
        return self.wanted.kind, self.wanted.host, self.wanted.port

    def rests(self) -> None:
        """Takes no new connection."""
        if self.answers is not None:
            self.answers.close()
        self.bound.close()


class Listeners:
    """All listeners of the process."""

    def __init__(self, app: App, syslog: Syslog, counters: Counters) -> None:
        self._syslog, self._tell = syslog, app.tell
        self._door = door(counters)
        self._config = Config(
            app, http=self._door, ws="none", lifespan="off", interface="asgi3", log_config=None,
            log_level="critical", access_log=False, proxy_headers=False, timeout_keep_alive=bounds.IDLE_SECONDS,
        )  # fmt: skip
        self._config.load()
        self._handshakes = Crowd(counters, bounds.TLS_HANDSHAKES, bounds.TLS_PEER_HANDSHAKES)
        self._open: list[_Listener] = []
        self._left: list[_Listener] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._date: list[tuple[bytes, bytes]] = []

    async def change(self, wanted: tuple[Listening, ...]) -> tuple[int, ...]:
        """Listens on `wanted` from now on and on nothing else; gives the port of each. Certificates are read anew.

        A socket that is wanted still stays open, so that nobody is turned away. So do connections, unless their listener
        goes, or TLS comes to it, leaves it or has other files: those end once what they sent is answered.

        Raises:
            OperatorError: an address cannot be listened on, or a certificate cannot be used; nothing changed.
        """
        contexts = {one.tls: server_context(one.tls) for one in wanted if one.tls is not None}
        before = list(self._open)
        kept = [_taken(before, one) for one in wanted]
        fresh: dict[int, _Listener] = {}
        answers: dict[int, _Answers] = {}
        with _making_room([one.bound for one in before]) as shared:
            try:
                for at, one in enumerate(wanted):
                    old = kept[at]
                    if old is not None and old.wanted == one and one.tls is None:
                        continue
                    listener = old or _Listener(one, _bind(one, shared))
                    if old is None:
                        fresh[at] = listener
                    context = contexts[one.tls] if one.tls is not None else None
                    answers[at] = await self._answering(listener, one, context)
            except OSError as error:
                for begun in (*answers.values(), *(one.bound for one in fresh.values())):
                    begun.close()
                raise OperatorError(
                    f"Nothing can listen on {one.host} port {one.port}: {error.strerror or error}.",
                    "Free the port, or name another address in the settings.",
                ) from error
        self._open = [old or fresh[at] for at, old in enumerate(kept)]
        for at, listener in enumerate(self._open):
            self._swap(listener, wanted[at], answers.get(at))
        for listener in before:
            listener.rests()
            self._leave(listener)
        return tuple(one.bound.getsockname()[1] for one in self._open)

    def tick(self, seconds: int) -> None:
        """Sets the answers' `Date`."""
        self._date[:] = [(b"date", formatdate(seconds, usegmt=True).encode())]
        self._left = [one for one in self._left if one.state.connections or one.state.tasks]

    async def close(self) -> None:
        """Listens no more, lets what is being served finish within `STOP_SECONDS`, then cuts off."""
        for listener in self._open:
            listener.rests()
            for task in listener.shaking:
                task.cancel()
        await end_connections([one.state for one in (*self._open, *self._left)])

    def serving(self, state: ServerState, *, local: bool = False) -> Callable[[], asyncio.Protocol]:
        """What makes the protocol of an HTTP connection that is kept in `state`; see `Request.local`."""
        state.default_headers = self._date
        loop = asyncio.get_running_loop()
        return partial(
            self._door, config=self._config, server_state=state, app_state={"local": local}, _loop=loop
        )

    async def _answering(
        self, listener: _Listener, one: Listening, context: ssl.SSLContext | None
    ) -> _Answers:
        """What answers on a copy of the listener's socket, so that the one before can go without the socket."""
        loop = asyncio.get_running_loop()
        copy = listener.bound.dup()
        if one.kind == "syslog-udp":
            transport, _ = await loop.create_datagram_endpoint(lambda: Datagrams(self._syslog), sock=copy)
            return transport
        served = self._served(listener, one, context)
        if context is None:
            return await loop.create_server(served, sock=copy, backlog=_BACKLOG)
        return Gate(copy, context, served, self._handshakes, listener.shaking, self._tell)

    def _swap(self, listener: _Listener, one: Listening, answers: _Answers | None) -> None:
        if answers is not None:
            if listener.answers is not None:
                listener.answers.close()
            listener.answers = answers
        if listener.wanted != one:
            self._leave(listener)
            listener.wanted = one

    def _leave(self, listener: _Listener) -> None:
        """Ends its connections once what they sent is answered; those that did not send anything yet at once."""
        for task in listener.shaking:
            task.cancel()
        for connection in list(listener.state.connections):
            connection.shutdown()
        self._left.append(listener)
        task = asyncio.get_running_loop().create_task(self._syslog.leave(listener.syslog))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _served(
        self, listener: _Listener, one: Listening, context: ssl.SSLContext | None
    ) -> Callable[[], asyncio.Protocol]:
        if one.kind == "http":
            return self.serving(listener.state)
        verified = context is not None and context.verify_mode == ssl.CERT_REQUIRED

        def connection() -> Connection:
            made = Connection(self._syslog, "tls" if context else "tcp", verified=verified)
            listener.syslog.add(made)
            return made

        return connection


async def end_connections(states: Sequence[ServerState]) -> None:
    """Lets what is being served on their connections finish within `STOP_SECONDS`, then cuts off."""
    for connection in [one for state in states for one in state.connections]:
        connection.shutdown()
    if tasks := {task for state in states for task in state.tasks}:
        await asyncio.wait(tasks, timeout=bounds.STOP_SECONDS)
    for connection in [one for state in states for one in state.connections]:
        connection.transport.abort()


def _taken(listeners: list[_Listener], wanted: Listening) -> _Listener | None:
    """The one of `listeners` that listens where `wanted` is to; it is taken out."""
    place = (wanted.kind, wanted.host, wanted.port)
    for one in listeners:
        if one.place == place:
            listeners.remove(one)
            return one
    return None


@contextmanager
def _making_room(going: list[socket.socket]) -> Iterator[list[socket.socket]]:
    """Lets another socket have the port of those that are `going` before they go: 127.0.0.1:8088 becomes 0.0.0.0:8088.

    Linux allows that where both sides say so (socket(7), SO_REUSEPORT); none says so for longer than it takes.
    """
    shared = list(going)
    for one in shared:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        yield shared
    finally:
        for one in shared:
            with suppress(OSError):  # it was closed
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)


def _bind(one: Listening, shared: list[socket.socket]) -> socket.socket:
    """A socket bound to the listener's address, beside those that are `shared`, where it is put too."""
    kind = socket.SOCK_DGRAM if one.kind == "syslog-udp" else socket.SOCK_STREAM
    family, _, _, _, address = socket.getaddrinfo(one.host, one.port, type=kind, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, bounds.SYSLOG_UDP_BUFFER_BYTES)
        if any(other.getsockname()[1] == one.port for other in shared):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            shared.append(bound)
        if (
            family == socket.AF_INET6
        ):  # else [::] would be every IPv4 address too, and leave no room for 0.0.0.0
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.setblocking(False)  # noqa: FBT003  the call's own form
    except OSError:
        bound.close()
        raise
    return bound
