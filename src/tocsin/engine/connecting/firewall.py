"""A firewall or another box that sends syslog: what to type into it, who is let in, and the first message that came from it."""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal

from tocsin.config import bounds
from tocsin.config.addresses import Address
from tocsin.config.service import Service
from tocsin.engine.connecting.connection import (
    Connection,
    Sought,
    Step,
    Trial,
    WordsStep,
    new_nonce,
)
from tocsin.engine.connecting.sending import by_datagram
from tocsin.engine.connecting.settings_lines import listed
from tocsin.records.errors import OperatorError

Transport = Literal["udp", "tcp"]

NAME: Final = "firewall"
GIVES: Final = "What came in and went out, log-ins at the box and by VPN, as the box tells it."
_PORTS: Final[Mapping[Transport, tuple[int, int]]] = {"udp": (514, 1514), "tcp": (601, 1601)}
"""The usual port, and the one for a service that may not use ports below 1024."""

_SYSTEM: Final = Path("/etc/tocsin")


@dataclass(frozen=True, slots=True)
class Box:
    """A kind of box.

    Attributes:
        title: What it is called.
        words: What is to be done at it, given this host's address, the port and the transport.
    """

    title: str
    words: Callable[[str, int, Transport], str]


def _fortigate(host: str, port: int, transport: Transport) -> str:
    mode = "udp" if transport == "udp" else "reliable"
    return (
        "At its command line (syslogd2 instead of syslogd, where the first one is used for something else):\n\nconfig log syslogd setting\n    set status enable\n"
        f'    set server "{host}"\n    set mode {mode}\n    set port {port}\n    set format default\nend'
    )


def _pfsense(host: str, port: int, transport: Transport) -> str:
    if transport != "udp":
        raise OperatorError("pfSense sends its log over UDP only.", "Leave --transport out.")
    return (
        'Status > System Logs > Settings, at the bottom: tick "Send log messages to remote syslog server", put '
        f'{host}:{port} under "Remote log servers", tick "Everything" under "Remote Syslog Contents", Save. It sends by UDP.'
    )


def _opnsense(host: str, port: int, transport: Transport) -> str:
    return (
        f'System > Settings > Logging, tab "Remote", +: Enabled, Transport {transport.upper()}(4), no applications, '
        f"levels or facilities chosen (that is all of them), Hostname {host}, Port {port}; Save, then Apply."
    )


def _asa(host: str, port: int, transport: Transport) -> str:
    """Without `permit-hostdown` an ASA lets no new connection through while a log server over TCP is away."""
    lines = [
        "logging enable",
        "logging timestamp",
        "logging trap informational",
        *(["logging permit-hostdown"] if transport == "tcp" else []),
        f"logging host inside {host} {transport}/{port}",
    ]
    head = "In configuration mode (inside is the interface that leads to this host)"
    warned = ". Do not leave permit-hostdown out: without it nobody gets through while Tocsin is away"
    return f"{head}{warned if transport == 'tcp' else ''}:\n\n" + "\n".join(lines)


def _other(host: str, port: int, transport: Transport) -> str:
    return (
        "Look in its menus for Syslog, Remote logging or Log server. Write there: "
        f"server {host}, port {port}, protocol {transport.upper()}, format RFC 5424 (or else BSD, RFC 3164), level "
        "Informational, all facilities. Switch on the logging of blocked connections, and of log-ins."
    )


BOXES: Final[Mapping[str, Box]] = {
    "fortigate": Box("FortiGate", _fortigate),
    "pfsense": Box("pfSense", _pfsense),
    "opnsense": Box("OPNsense", _opnsense),
    "cisco-asa": Box("Cisco ASA", _asa),
    "other": Box("The box", _other),
}


def firewall(
    service: Service, sender: str, kind: str, transport: Transport, own: Sequence[str]
) -> Connection:
    """A box.

    Args:
        service: The settings.
        sender: The box's address, from which its messages come.
        kind: One of `BOXES`.
        transport: How it sends.
        own: This host's addresses.

    Raises:
        OperatorError: `sender` is no address, or this host has none that the box could reach.
    """
    try:
        peer = str(ipaddress.ip_address(sender))
    except ValueError as error:
        raise OperatorError(
            f"--from {sender!a} is no address.", "Say the box's IP address, such as 192.168.1.1."
        ) from error
    heard = service.syslog.udp if transport == "udp" else service.syslog.tcp
    near, version = ipaddress.ip_address(peer).is_loopback, ipaddress.ip_address(peer).version
    fit = [one for one in heard if ipaddress.ip_address(one.host).version == version]
    listening = next((one for one in fit if near or not one.loopback), None)
    wanted = listening or Address(
        _everywhere(peer), _PORTS[transport][service.file.parent.absolute() != _SYSTEM]
    )
    host = _reached(wanted, peer, own)
    steps: tuple[Step, ...] = (
        listed(service, "syslog", transport, str(wanted), there=listening is not None),
        WordsStep(_let_in(peer, wanted.port, transport)),
        WordsStep(f"{BOXES[kind].title}. {BOXES[kind].words(host, wanted.port, transport)}"),
        WordsStep(
            f"Its messages will be told apart by its address, {peer}: `tocsin status` names syslog:{peer} and says when it was "
            "heard last. Syslog proves nobody's origin, so whoever can send from that address can forge them."
        ),
    )
    nonce = new_nonce()
    first = Trial(
        Sought(nonce=nonce), f"first a datagram from this host itself, {nonce}, to see that the service listens.",
        partial(by_datagram, wanted, nonce), bounds.CONNECT_SECONDS,
    )  # fmt: skip
    trial = Trial(
        Sought(peer=peer), f"anything from {peer}. Log in at the box, or let it send its test message.", None,
        bounds.CONNECT_BY_HAND_SECONDS,
    )  # fmt: skip
    checks = (
        f"Does the box send from {peer}, and to {host} port {wanted.port} by {transport.upper()}?",
        f"Does anything arrive? sudo tcpdump -n -c 3 {transport} port {wanted.port} shows it.",
        "Does a firewall of this host, or one on the way, let it in?",
    )
    return Connection(NAME, GIVES, steps, trial, checks, first if transport == "udp" else None)


def _everywhere(peer: str) -> str:
    address = ipaddress.ip_address(peer)
    if address.is_loopback:
        return peer
    return "::" if address.version == 6 else "0.0.0.0"  # noqa: S104  the box is to reach it


def _reached(wanted: Address, peer: str, own: Sequence[str]) -> str:
    """How the box reaches this host: the address of ours that shares most of its start with the box's."""
    if wanted.host not in {"0.0.0.0", "::"}:  # noqa: S104  it is compared
        return wanted.host
    box = ipaddress.ip_address(peer)
    found = [ipaddress.ip_address(one) for one in own]
    fit = [
        one for one in found if one.version == box.version and not one.is_loopback and not one.is_link_local
    ]
    if not fit:
        return "THIS-HOST"
    return str(max(fit, key=lambda one: one.max_prefixlen - (int(one) ^ int(box)).bit_length()))


def _let_in(peer: str, port: int, transport: Transport) -> str:
    """How a firewall of this host lets in this sender and no other."""
    if shutil.which("ufw", path=_PROGRAMS):
        how = f"sudo ufw allow proto {transport} from {peer} to any port {port}"
    elif shutil.which("firewall-cmd", path=_PROGRAMS):
        family = "ipv6" if ":" in peer else "ipv4"
        rule = (
            f'rule family="{family}" source address="{peer}" port port="{port}" protocol="{transport}" accept'
        )
        how = f"sudo firewall-cmd --permanent --add-rich-rule='{rule}' && sudo firewall-cmd --reload"
    else:
        family = "ip6" if ":" in peer else "ip"
        how = (
            f"with nftables, where its table is called inet filter and its chain input: sudo nft insert rule inet filter "
            f"input {family} saddr {peer} {transport} dport {port} accept"
        )
    return f"Let this sender in and no other, where this host has a firewall of its own:\n\n{how}"


_PROGRAMS: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
