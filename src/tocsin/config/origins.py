"""Where something may be sent: `https://ntfy.example.org`, `smtp://mail.example.org:587`; one spelling each."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

PORTS: Final = {"http": 80, "https": 443, "smtp": 25}
HOW_TO: Final = "Write one such as https://ntfy.example.org or smtp://mail.example.org:587."


def origin_of(url: str) -> str:
    """Scheme, host and port of `url`, spelt out: `https://ntfy.example.org:443`.

    Raises:
        ValueError: it is none; the message is the end of a sentence.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("holds what no address may hold (a name in another script is written as xn--...)")
    parts = urlsplit(url)  # ValueError where the brackets of an IPv6 address do not close
    if parts.scheme not in PORTS:
        raise ValueError(f"begins with none of {', '.join(f'{scheme}://' for scheme in PORTS)}")
    if not parts.hostname:
        raise ValueError("names no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a name or password, which belongs in a file of its own (secret)")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.rstrip(".")
    return f"{parts.scheme}://{host}:{parts.port or PORTS[parts.scheme]}"


def is_here(origin: str) -> bool:
    """Whether `origin` is this host itself."""
    host = urlsplit(origin).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
