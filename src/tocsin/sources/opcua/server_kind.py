"""Is an OPC UA server a historian or an aggregation server, or is it a controller, which is never read?

A server is read only where both hold:

1. It does what controllers do not: it offers the history of values (`HistoryServerCapabilities`, or the right to read the
   history of a node), or it names several servers that it stands for (`ServerArray`), IEC 62541-5 and -11.
2. It shows no sign of a controller: IEC 61131-3 programs (PLCopen), a namespace or name of a maker's controllers, devices of
   its own (`DeviceSet` of OPC 10000-100) where it stands for no others, or variables that this user could write.

Whether it listens on loopback tells nothing (soft PLCs do), nor does port 4840, which both use. What is decided rests on
the server's own word: it keeps an honest mistake from becoming a connection, not a server that lies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

SEVERAL: Final = 2
"""Servers beside itself that a server must name to count as one that stands for others."""

_NO_HISTORIAN: Final = r"(?!.*(historian|information.?server|wincc|pcs.?(7|neo)))"
"""What Siemens calls SIMATIC too, and is none."""

_SPACES: Final = (
    (r"plcopen\.org/opcua/iec61131", "IEC 61131-3 programs"),
    (rf"^{_NO_HISTORIAN}(.*siemens\.com/.*(simatic|s7)|urn:.*simatic|.*s7-?(1200|1500|300|400))", "a Siemens S7"),
    (r"codesys|3s-software|IecVarAccess", "a CODESYS controller"),
    (r"beckhoff|twincat", "a Beckhoff controller"),
    (r"rockwellautomation\.com/.*(logix|controller)|(compact|control|micro)logix|allen-?bradley", "a Rockwell Logix"),
    (r"br-automation|urn:b&r|b&r/pv", "a B&R controller"),
    (r"(schneider|se\.com).*(plc|m2[245]1|m262|m340|m580|modicon)|modicon", "a Schneider Modicon"),
    (r"omron.*(nj|nx|sysmac)|NxOpcUaServer", "an Omron controller"),
    (r"phoenixcontact.*(plcnext|arp)|plcnext", "a PLCnext controller"),
    (r"wago\.com|urn:wago", "a WAGO controller"),
    (r"boschrexroth.*(ctrlx|plc)|ctrlx", "a ctrlX controller"),
    (r"melsec|mitsubishielectric.*(iq-?[rf]|plc)", "a Mitsubishi MELSEC"),
    (r"\bac500\b|abb.*plc", "an ABB AC500"),
    (r"pacsystems|rx3i|rsti-?ep", "an Emerson PACSystems"),
)  # fmt: skip

_NAMES: Final = (
    *_SPACES,
    (rf"^{_NO_HISTORIAN}.*\bsimatic\b", "a Siemens SIMATIC"),
    (r"automation runtime|\bX20 ?CP", "a B&R controller"),
    (r"\b(soft)?[ _-]?plc([ _-]?\d+)?\b|\bsps\b", "a PLC"),
    (r"\b(rtu|pac)\b", "a remote terminal unit"),
    (r"\bcontroller\b", "a controller"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What a server says of itself. Whatever it does not say is empty.

    Attributes:
        names: Of the application.
        uris: Of the application, and of what product it is.
        maker: `BuildInfo.ManufacturerName`.
        product: `BuildInfo.ProductName`.
        servers: `ServerArray`: itself, then those it stands for.
        namespaces: `NamespaceArray`.
        history: `HistoryServerCapabilities.AccessHistoryDataCapability`.
        devices: Names of the devices below `DeviceSet`.
        asked: How many variables it is asked for.
        historised: How many of them have a history that this user may read.
        writable: Names of those that this user could write.
    """

    names: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    maker: str = ""
    product: str = ""
    servers: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    history: bool = False
    devices: tuple[str, ...] = ()
    asked: int = 0
    historised: int = 0
    writable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a server is read.

    Attributes:
        signs: Of a controller, each the end of "it shows that it is one: …"; none for one that may be read.
        offers: What makes it a historian or an aggregation server; none for one that is neither.
    """

    signs: tuple[str, ...]
    offers: tuple[str, ...]

    @property
    def readable(self) -> bool:
        """Whether it may be read."""
        return bool(self.offers) and not self.signs


def judge_names(names: Iterable[str], uris: Iterable[str]) -> tuple[str, ...]:
    """Signs of a controller in what a server calls itself to anyone, before there is a session."""
    found = (*_in("its name", names, _NAMES), *_in("its name", uris, _SPACES))
    return tuple(dict.fromkeys(found))


def judge(said: Said) -> Verdict:
    """Whether a server that says `said` is read, and why."""
    others = _others(said)
    signs = [
        *judge_names(said.names, said.uris),
        *_in("its product", (said.maker, said.product), _NAMES),
        *_in("its namespace", said.namespaces, _SPACES),
    ]
    if said.devices and len(others) < SEVERAL:
        signs.append(f"it has a device of its own, {_quoted(said.devices[0])}, in its DeviceSet")
    if said.writable:
        signs.append(
            f"{len(said.writable)} of the {said.asked} variables could be written by this user, such as "
            f"{_quoted(said.writable[0])}"
        )
    return Verdict(tuple(dict.fromkeys(signs)), tuple(_offers(said, others)))


def _offers(said: Said, others: tuple[str, ...]) -> Iterator[str]:
    if said.history:
        yield "it offers the history of values"
    if said.historised:
        yield f"{said.historised} of the {said.asked} variables have a history"
    if len(others) >= SEVERAL:
        yield f"it stands for {len(others)} other servers"


def _others(said: Said) -> tuple[str, ...]:
    """The servers that a server stands for; the first of its array is itself (IEC 62541-5, ServerType)."""
    return tuple(dict.fromkeys(one for one in said.servers[1:] if one and one != said.servers[0]))


def _in(where: str, texts: Iterable[str], table: Iterable[tuple[str, str]]) -> Iterator[str]:
    for text in texts:
        for pattern, what in table:
            if re.search(pattern, text, re.IGNORECASE):
                yield f"{where} {_quoted(text)} is that of {what}"
                break


def _quoted(text: str) -> str:
    return f"“{text[:100]}”"
