"""What this host says of itself, asked without a packet: its names, addresses and time zone."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_SIOCGIFADDR = 0x8915  # netdevice(7)
_IF_INET6 = Path("/proc/net/if_inet6")  # an address of 32 hexadecimal digits starts each line
_ZONES = "/zoneinfo/"


def host_names() -> tuple[str, ...]:
    """The name of this host, whole and its first label, `localhost`, and its addresses; each once."""
    whole = socket.gethostname().lower()
    found = (whole, whole.partition(".")[0], "localhost", "127.0.0.1", "::1", *_addresses())
    return tuple(dict.fromkeys(name for name in found if name))


def _addresses() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(asked, _SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:
                continue  # an interface without an IPv4 address, or a system that does not tell
            yield socket.inet_ntoa(answer[20:24])
    try:
        lines = _IF_INET6.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        address = ipaddress.IPv6Address(bytes.fromhex(line[:32]))
        if not address.is_link_local:
            yield str(address)


def host_zone() -> str:
    """The name of this host's time zone, or UTC where it has none that can be told."""
    try:
        target = str(Path("/etc/localtime").readlink())
    except OSError:
        return "UTC"
    name = target.partition(_ZONES)[2]
    return "UTC" if name in ("", "Etc/UTC", "Etc/Universal", "Etc/Zulu") else name
