r"""Names of accounts and hosts, brought to a form in which two logs that mean the same one agree.

`TOWN\anna.berg`, `anna.berg@town.example` and Linux's `anna.berg` are one person; `anna.berg@town.example` and
`anna.berg@elsewhere.example` are two. So a name is split into its local part and its realm, and realms are compared only
where both are known and of the same sort.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

BUILT_IN: Final = frozenset(
    {
        "system", "local service", "localservice", "network service", "networkservice", "anonymous logon", "iusr",
        "local system", "localsystem", "everyone", "root", "daemon", "nobody", "www-data", "apache", "nginx",
        "messagebus", "systemd-network", "systemd-resolve", "syslog", "sshd", "postgres", "mysql",
        "administrator", "admin", "guest", "user", "test", "ubuntu", "debian", "pi", "krbtgt", "unknown",
        "notavailable", "not available", "unset", "4294967295", "0",
    }
)  # fmt: skip
"""Names that every machine has or that anyone may type: the same name on two machines says nothing."""

_WINDOWS_OWN: Final = (
    "dwm-",
    "umfd-",
    "nt service",
    "font driver host",
    "window manager",
    "iis apppool",
    "healthmailbox",
)


class Name(NamedTuple):
    """An account or host: its local part (case-folded), and its realm (domain, case-folded; '' where unknown)."""

    local: str
    realm: str = ""


def account(text: str) -> Name:
    """The name that an account's `text` means, in any of the notations of Windows, Entra, LDAP and Linux.

    A machine's own account keeps its `$`: see `machine`.
    """
    text = text.strip().casefold()
    if text.startswith("cn="):  # an LDAP distinguished name, RFC 4514
        parts = [part.strip() for part in text.split(",")]
        realm = ".".join(part[3:] for part in parts if part.startswith("dc="))
        return Name(parts[0][3:], realm)
    domain, backslash, rest = text.rpartition("\\")
    if backslash:
        local, at, own = rest.partition("@")  # Kerberos writes both: `TOWN.EXAMPLE\anna@TOWN.EXAMPLE`
        return Name(local, own) if at and local else Name(rest, domain)
    local, at, domain = text.partition("@")
    return Name(local, domain) if at and local else Name(text)


def person(text: str) -> str:
    """Whose account `text` is: an administrator's second account (`adm.berg`, `berg-admin`) is its owner's."""
    local = account(text).local
    stripped = _SECOND_ACCOUNT.sub("", local)
    return stripped if len(stripped) > 2 else local


_SECOND_ACCOUNT: Final = re.compile(
    r"^(?:adm|admin|da|sa|su|t[012])[._-]|[._-](?:adm|admin|da|sa|su|t[012])$"
)
"""How administrators' second accounts are commonly named."""


def machine(text: str) -> str | None:
    r"""The host whose own account `text` is (`TOWN\WS-014$` → `ws-014`), or None."""
    local = account(text).local
    return local[:-1] if local.endswith("$") and len(local) > 1 else None


def is_shared(text: str) -> bool:
    """Whether `text` is an account that belongs to no single person: built in, a service's own, or a machine's."""
    name = account(text)
    own = name.realm in ("nt authority", "nt service", "window manager", "font driver host", "iis apppool")
    sid = name.local.startswith(("s-1-", "%{s-1-"))
    return (
        own
        or sid
        or name.local in BUILT_IN
        or not name.local
        or name.local.endswith("$")
        or name.local.startswith(_WINDOWS_OWN)
    )


def host(text: str) -> Name:
    """The name that a host's `text` means: its first label, and the rest as realm; an address stays whole."""
    text = text.strip().strip(".").casefold()
    if is_address(text):
        return Name(text)
    label, _, realm = text.partition(".")
    return Name(label, realm)


def same_realm(one: str, other: str) -> bool:
    """Whether two realms may be the same organisation.

    Unknown fits anything. A NetBIOS name (`TOWN`) fits any DNS domain, since neither tells the other's. Two DNS domains
    fit when one ends in the other or both begin alike (`town.example`, `town.onmicrosoft.com`).
    """
    if not one or not other or one == other or ("." in one) != ("." in other):
        return True
    if "." not in one:
        return False
    nested = one.endswith("." + other) or other.endswith("." + one)
    return nested or one.partition(".")[0] == other.partition(".")[0]


def address(text: str) -> str | None:
    """The address in `text`, without port, zone or IPv4 mapping; None where it is none or names no peer (loopback, any)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if found.is_loopback or found.is_unspecified or found.is_multicast or str(found) == "255.255.255.255":
        return None
    return str(found)


def is_address(text: str) -> bool:
    """Whether `text` is an IP address, loopback and multicast included."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_internal(text: str) -> bool:
    """Whether the address `text` belongs to a private or link-local network (RFC 1918, 3927, 4193, 4291, 6598)."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(found in network for network in _INSIDE if network.version == found.version)


_INSIDE: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
"""Named one by one: Python's `is_private` also counts the documentation ranges, which examples use as the internet."""
