"""Reading from a socket that ends at one instant, however slowly bytes come: a plain timeout begins anew with each."""

from __future__ import annotations

import io
import socket
import time
from typing import Any


class TimedSocket:
    """A socket as `http.client` uses one; TimeoutError once `until` (of the monotonic clock) has passed."""

    def __init__(self, inner: Any, until: float) -> None:
        self._inner, self._until = inner, until

    def sendall(self, data: Any) -> None:
        """As a socket's."""
        self._inner.settimeout(left(self._until))
        self._inner.sendall(data)

    def makefile(self, mode: str = "rb", *_: object) -> io.BufferedReader:
        """As a socket's, to read."""
        assert mode == "rb"
        return timed_file(self._inner, self._until)

    def close(self) -> None:
        """Left to the caller: `http.client` closes before the answer is read."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def connected(host: str, port: int, until: float) -> socket.socket:
    """A connection to the first address of `host` that takes one, all of them tried within the time; only the name's look-up
    ends by the system's own bound (resolv.conf(5), some 30 s).

    Raises:
        OSError: none does.
    """
    last: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(left(until))
            made.connect(address)
        except OSError as error:
            made.close()
            last = error
        else:
            return made
    raise last if last is not None else OSError("it has no address")


def timed_file(inner: socket.socket, until: float) -> io.BufferedReader:
    """What `inner` receives, as a file; TimeoutError once `until` has passed."""
    return io.BufferedReader(_TimedReader(inner, until))


def left(until: float) -> float:
    """Seconds to `until`; TimeoutError where there are none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _TimedReader(io.RawIOBase):
    def __init__(self, inner: socket.socket, until: float) -> None:
        super().__init__()
        self._inner, self._until = inner, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._inner.settimeout(left(self._until))
        return self._inner.recv_into(buffer)
