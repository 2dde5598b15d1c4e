"""A body carried by HTTP (RFC 9110). A redirect is not followed: it would lead where the operator listed nothing."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

from tocsin import __version__
from tocsin.config import bounds
from tocsin.config.bell import SECRET, Web
from tocsin.outbound.deadline import TimedSocket, connected, left
from tocsin.outbound.gate import Undelivered
from tocsin.outbound.secrets import secret_in


@dataclass(frozen=True, slots=True)
class WebDestination:
    """An address, what is asked of it, and headers beside the usual ones.

    Attributes:
        web: The address and its secret.
        path: To use in place of the address's own path.
    """

    web: Web
    method: Literal["POST", "GET"] = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.web.origin

    @property
    def shown(self) -> str:
        """The address, its secret left out."""
        return self.web.url

    def carry(self, body: bytes, ident: str) -> str:
        """Hands `body` over; any answer of 200 to 299 means that it arrived.

        Raises:
            Undelivered: it was not; or nobody knows.
        """
        path, headers = self._filled(ident)
        until = time.monotonic() + bounds.OUTBOUND_SECONDS
        connection, open_one = _connection(self.origin), None
        try:
            open_one = _opened(self.origin, until)
            connection.sock = TimedSocket(open_one, until)
            connection.request(self.method, path, body or None, headers)
            answer = connection.getresponse()
            answer.read(bounds.OUTBOUND_ANSWER_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Undelivered(f"{self.origin} did not take it: {_why(error)}") from error
        finally:
            if open_one is not None:
                open_one.close()
        if 300 <= answer.status < 400:
            raise Undelivered(f"{self.origin} answers {answer.status}, a redirect, which is not followed")
        if not 200 <= answer.status < 300:
            raise Undelivered(f"{self.origin} answers {answer.status}")
        return ""

    def _filled(self, ident: str) -> tuple[str, dict[str, str]]:
        """Path and headers with the secret in its place."""
        parts = urlsplit(self.web.url)
        path = self.path if self.path is not None else parts.path or "/"
        path += f"?{parts.query}" if parts.query and self.path is None else ""
        headers = {"User-Agent": f"tocsin/{__version__}", "X-Tocsin-Message": ident, **self.headers}
        if self.web.secret is not None:
            secret = secret_in(self.web.secret)
            if SECRET in self.web.url:
                path = path.replace(SECRET, quote(secret, safe="/?=&%-._~"))
            else:
                headers["Authorization"] = f"Bearer {secret}"
        return path, headers


def _connection(origin: str) -> http.client.HTTPConnection:
    """What speaks HTTP; it knows of no proxy, whatever the environment says."""
    parts = urlsplit(origin)
    assert parts.hostname is not None
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port)
    return http.client.HTTPSConnection(parts.hostname, parts.port)


def _opened(origin: str, until: float) -> socket.socket:
    """A connection to `origin`, its certificate verified where it is HTTPS."""
    parts = urlsplit(origin)
    assert parts.hostname is not None
    assert parts.port is not None  # an origin spells it out
    plain = connected(parts.hostname, parts.port, until)
    if parts.scheme == "http":
        return plain
    try:
        plain.settimeout(left(until))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
    except BaseException:
        plain.close()
        raise


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it took more than {bounds.OUTBOUND_SECONDS:.0f} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({error.verify_message})"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__  # the text of an answer that is none may hold anything
