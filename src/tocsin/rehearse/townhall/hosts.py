"""The town hall's computers and the addresses around them; public ones only from the documentation ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tocsin.rehearse.townhall.people import Town

_DOCUMENTATION = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737


@dataclass(frozen=True, slots=True)
class Host:
    """A computer.

    Attributes:
        fqdn: Its full name; Windows logs carry it.
        mac: Its network card's address.
        sysmon: Whether Sysmon is installed on it; most have only Windows' own logs.
    """

    name: str
    fqdn: str
    address: str
    mac: str
    sysmon: bool = False


@dataclass(frozen=True, slots=True)
class Internet:
    """Addresses outside, all different.

    Attributes:
        office: What the town hall's own traffic shows outside.
        website: Where the web server is reached from outside.
        homes: By account name.
        phones: Shared by everybody's phones (a mobile operator's translation).
        hotel: Where the travelling councillor stays.
        cloud: Services that people use.
        visitors: Citizens who look at the web site.
        bots: Machines that knock on every door.
        intruders: The intrusion's own.
    """

    office: str
    website: str
    homes: Mapping[str, str]
    phones: tuple[str, ...]
    hotel: str
    cloud: tuple[str, ...]
    visitors: tuple[str, ...]
    bots: tuple[str, ...]
    intruders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """What is connected where.

    Attributes:
        pcs: By account name of the person who uses it.
        tunnel: First three octets of the addresses that VPN users get.
    """

    pcs: Mapping[str, Host]
    controller: Host
    files: Host
    nas: Host
    web: Host
    firewall: Host
    copier: Host
    tunnel: str
    internet: Internet

    @property
    def servers(self) -> tuple[Host, Host]:
        """The Windows servers."""
        return self.controller, self.files

    def inner(self, login: str) -> str:
        """The address that `login` gets within the VPN; the same all day."""
        return f"{self.tunnel}.{200 + sorted(self.pcs).index(login)}"


def lay_network(rng: Random, town: Town) -> Network:
    """The network of `town`: a PC for everyone, two Windows servers, a NAS, a web server, a firewall, a copier."""
    net = f"10.{rng.randrange(16, 100)}"
    number: dict[str, int] = {}
    watched = {town.technician.account.name, *(p.account.name for p in rng.sample(town.people, 2))}
    pcs: dict[str, Host] = {}
    for place, person in enumerate(town.people):
        number[person.code] = number.get(person.code, 0) + 1
        name = f"PC-{person.code}-{number[person.code]:02d}"
        login = person.account.name
        pcs[login] = _host(rng, name, town, f"{net}.30.{21 + place}", sysmon=login in watched)
    return Network(
        pcs=pcs,
        controller=_host(rng, "DC01", town, f"{net}.10.10", sysmon=True),
        files=_host(rng, "FS01", town, f"{net}.10.11", sysmon=True),
        nas=_host(rng, "nas01", town, f"{net}.10.20"),
        web=_host(rng, "web01", town, f"{net}.50.10"),
        firewall=_host(rng, "FW01", town, f"{net}.10.1"),
        copier=_host(rng, "MFP01", town, f"{net}.30.200"),
        tunnel="10.212.134",  # FortiOS's own default pool
        internet=_internet(rng, town),
    )


def _host(rng: Random, name: str, town: Town, address: str, *, sysmon: bool = False) -> Host:
    mac = "02:" + ":".join(f"{rng.randrange(256):02x}" for _ in range(5))
    return Host(name, f"{name}.{town.domain}", address, mac, sysmon)


def _internet(rng: Random, town: Town) -> Internet:
    pool = [f"{net}.{last}" for net in _DOCUMENTATION for last in range(1, 255)]
    rng.shuffle(pool)
    take = iter(pool)

    def some(count: int) -> tuple[str, ...]:
        return tuple(next(take) for _ in range(count))

    return Internet(
        office=next(take),
        website=next(take),
        homes={person.account.name: next(take) for person in town.people},
        phones=some(4),
        hotel=next(take),
        cloud=some(90),
        visitors=some(300),
        bots=some(150),
        intruders=some(4),
    )
