"""How test events leave: over the socket of a host's own syslog, by datagram, into a file, from a web server of this host."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tocsin.config.addresses import Address
from tocsin.records.errors import OperatorError

_SECONDS = 5.0


def to_syslog_socket(path: Path, text: str) -> None:
    """One message, as logger(1) writes it, to the syslog socket at `path` (facility user, severity notice).

    Raises:
        OperatorError: nobody listens there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.settimeout(_SECONDS)
        try:
            peer.sendto(f"<13>tocsin-connect: {text}".encode(), str(path))
        except OSError as error:
            raise OperatorError(
                f"Nobody listens at {path}: {error.strerror or error}.", "See that the system's logger runs."
            ) from error


def by_datagram(address: Address, text: str) -> None:
    """One message of RFC 3164 over UDP to an address of this host.

    Raises:
        OperatorError: it cannot be sent.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104  a name for this host
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        try:
            peer.sendto(f"<13>tocsin-connect: {text}".encode(), (host, address.port))
        except OSError as error:
            raise OperatorError(
                f"A datagram to {address} cannot be sent: {error.strerror}.", "See that the service runs."
            ) from error


def into_file(path: Path, line: str) -> None:
    """One line at the end of the file at `path`, which is made where it is missing.

    Raises:
        OperatorError: it cannot be written.
    """
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
        )
        with os.fdopen(descriptor, "ab") as file:
            file.write(f"{line}\n".encode())
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be written: {error.strerror}.", "Run this as a user who may write there."
        ) from error


def asked_for(host: str, port: int, nonce: str) -> None:
    """A request for the path /`nonce` to a web server of this host, whatever it answers (RFC 9112).

    Raises:
        OperatorError: nobody answers.
    """
    named = f"[{host}]" if ":" in host else host
    request = (
        f"GET /{nonce} HTTP/1.1\r\nHost: {named}\r\nUser-Agent: tocsin-connect\r\nConnection: close\r\n\r\n"
    )
    try:
        with socket.create_connection((host, port), timeout=_SECONDS) as peer:
            peer.sendall(request.encode())
            peer.recv(1)
    except OSError as error:
        raise OperatorError(
            f"The web server at {named}:{port} does not answer: {error}.",
            "Start it, or say with --url where on this host it listens.",
        ) from error
