"""Sockets: opened as the settings say, closed so that what is being served is finished."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from email.utils import formatdate
from functools import partial

from uvicorn.config import Config
from uvicorn.server import ServerState

from tocsin.config import bounds
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.door import Crowd, door
from tocsin.engine.intake.handshakes import Gate
from tocsin.engine.intake.http import App
from tocsin.engine.intake.settings import Listening, Tls
from tocsin.engine.intake.syslog import Syslog
from tocsin.engine.intake.syslog_sockets import Connection, Datagrams
from tocsin.records.errors import OperatorError

_BACKLOG = 1_024


class Listeners:
    """All listeners of the process."""

    def __init__(self, app: App, syslog: Syslog, counters: Counters) -> None:
        self._syslog, self._tell = syslog, app.tell
        self._door = door(counters)
        self._state = ServerState()
        self._config = Config(
            app, http=self._door, ws="none", lifespan="off", interface="asgi3", log_config=None,
            log_level="critical", access_log=False, proxy_headers=False, timeout_keep_alive=bounds.IDLE_SECONDS,
        )  # fmt: skip
        self._config.load()
        self._servers: list[asyncio.Server] = []
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._gates: list[Gate] = []
        self._handshakes = Crowd(counters, bounds.TLS_HANDSHAKES, bounds.TLS_PEER_HANDSHAKES)
        self._contexts: list[tuple[Tls, ssl.SSLContext]] = []

    async def open(self, wanted: tuple[Listening, ...]) -> tuple[int, ...]:
        """The port of each listener.

        Raises:
            OperatorError: an address cannot be listened on, or a certificate cannot be read.
        """
        return tuple([await self._open(one) for one in wanted])

    def renew(self) -> None:
        """Reads certificates and keys again; connections that are open keep theirs.

        Raises:
            OperatorError: one cannot be used, and all stays as it was.
        """
        for tls, _ in self._contexts:
            _context(tls)  # or a key that does not fit would leave a context half changed
        for tls, context in self._contexts:
            context.load_cert_chain(tls.certificate, tls.key)

    def tick(self, seconds: int) -> None:
        """Sets the answers' `Date`."""
        self._state.default_headers = [(b"date", formatdate(seconds, usegmt=True).encode())]

    async def close(self) -> None:
        """Listens no more, lets what is being served finish within `STOP_SECONDS`, then cuts off."""
        for server in self._servers:
            server.close()
        for gate in self._gates:
            gate.close()
        for transport in self._datagrams:
            transport.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=bounds.STOP_SECONDS)
        for connection in list(self._state.connections):
            connection.transport.abort()

    async def _open(self, one: Listening) -> int:
        context = _context(one.tls) if one.tls else None
        if one.tls and context:
            self._contexts.append((one.tls, context))
        try:
            bound = _bind(one)
        except OSError as error:
            raise OperatorError(
                f"Nothing can listen on {one.host} port {one.port}: {error.strerror or error}.",
                "Free the port, or name another address in the settings.",
            ) from error
        loop = asyncio.get_running_loop()
        if one.kind == "syslog-udp":
            transport, _ = await loop.create_datagram_endpoint(lambda: Datagrams(self._syslog), sock=bound)
            self._datagrams.append(transport)
        else:
            served = self._served(one, context)
            if context is None:
                self._servers.append(await loop.create_server(served, sock=bound, backlog=_BACKLOG))
            else:
                self._gates.append(Gate(bound, context, served, self._handshakes, self._tell))
        port: int = bound.getsockname()[1]
        return port

    def _served(self, one: Listening, context: ssl.SSLContext | None) -> Callable[[], asyncio.Protocol]:
        if one.kind == "http":
            loop = asyncio.get_running_loop()
            return partial(
                self._door, config=self._config, server_state=self._state, app_state={}, _loop=loop
            )
        verified = context is not None and context.verify_mode == ssl.CERT_REQUIRED
        return lambda: Connection(self._syslog, "tls" if context else "tcp", verified=verified)


def _bind(one: Listening) -> socket.socket:
    """A socket bound to the listener's address."""
    kind = socket.SOCK_DGRAM if one.kind == "syslog-udp" else socket.SOCK_STREAM
    family, _, _, _, address = socket.getaddrinfo(one.host, one.port, type=kind, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, bounds.SYSLOG_UDP_BUFFER_BYTES)
        bound.bind(address)
        bound.setblocking(False)  # noqa: FBT003  the call's own form
    except OSError:
        bound.close()
        raise
    return bound


def _context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 and later; with authorities for clients, a certificate of theirs is demanded."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.clients is not None:
            context.load_verify_locations(tls.clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(
            f"The certificate {tls.certificate} with the key {tls.key} cannot be used: {error}.",
            "Name a certificate chain and its key in PEM form in the settings.",
        ) from error
    return context
