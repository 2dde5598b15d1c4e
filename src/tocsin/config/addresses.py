"""Addresses to listen on, as an operator writes them: `127.0.0.1:8088`, `[::1]:8088`, `localhost:8088`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+(?:%[\w.-]{1,32})?)\]:([0-9]{1,5})", re.ASCII)
_PLAIN: Final = re.compile(r"([\w.-]{1,255}):([0-9]{1,5})", re.ASCII)

HOW_TO: Final = (
    "Write an address and a port, such as 127.0.0.1:8088, [::1]:8088, or 0.0.0.0:8088 for all IPv4 addresses."
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes:
        host: An IP address, as text.
        port: 0 to 65535; 0 takes any that is free.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this host can reach it."""
        return ipaddress.ip_address(self.host).is_loopback


def parse_address(text: str) -> Address:
    """The address that `text` names; nothing is looked up.

    Raises:
        ValueError: it is none; the message says what is wrong, as the end of a sentence.
    """
    match = _BRACKETED.fullmatch(text) or _PLAIN.fullmatch(text)
    if match is None:
        raise ValueError("is no address with a port")
    host, port = match[1], int(match[2])
    if port > 65_535:
        raise ValueError("has a port above 65535")
    if host == "localhost":
        host = "127.0.0.1"
    try:
        return Address(str(ipaddress.ip_address(host)), port)
    except ValueError as error:
        raise ValueError("names no IP address") from error


def plain_name(text: str) -> str:
    """`text` as names are compared: an IP address in its usual form, anything else in small letters."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.lower()
