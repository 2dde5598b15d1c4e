"""pfSense and OPNsense: the packet filter's `filterlog` rows, and log-ins to the web console.

Sources: pfSense documentation "Raw Filter Log Format"; OPNsense `filterlog` manual. The row's columns depend on the
IP version and the protocol.
"""

from __future__ import annotations

from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft
from tocsin.sources.text.known_messages import (
    ACCOUNT_CHANGE,
    AUTHENTICATION,
    NETWORK,
    Known,
    first_known,
    number,
)

_COMMON = (
    "rule",
    "sub_rule",
    "anchor",
    "tracker",
    "interface",
    "reason",
    "action",
    "direction",
    "ip_version",
)
_IPV4 = (
    "tos",
    "ecn",
    "ttl",
    "id",
    "offset",
    "flags",
    "proto_id",
    "proto",
    "length",
    "src_ip",
    "dst_ip",
)
_IPV6 = ("traffic_class", "flow_label", "hop_limit", "proto", "proto_id", "length", "src_ip", "dst_ip")
_PORTS = ("src_port", "dst_port", "data_length")
_TCP = (*_PORTS, "tcp_flags", "sequence", "ack", "window", "urg", "tcp_options")

WEB_CONSOLE = (
    Known(
        r"(?:(?P<page>/\S*): )?Successful login for user '(?P<user>.*)' from: (?P<src>\S+)(?: \(.*\))?",
        "accepted",
        AUTHENTICATION,
    ),
    Known(
        r"(?:(?P<page>/\S*): )?(?:webConfigurator|Web GUI) authentication error for (?:user )?'(?P<user>.*)' "
        r"from:? (?P<src>\S+).*",
        "failed",
        AUTHENTICATION,
    ),
    Known(r"(?:(?P<page>/\S*): )?User logged out for user '(?P<user>.*)' from: (?P<src>\S+).*", "logged_out"),
    Known(r"user (?P<user>.*) authenticated successfully for (?P<method>.*)", "accepted", AUTHENTICATION),
    Known(r"user (?P<user>.*) could not authenticate for (?P<method>.*)", "failed", AUTHENTICATION),
    Known(
        r"(?:(?P<page>/\S*): )?Configuration Change: (?P<user>[^@\s]*)@(?P<src>\S+)(?: \([^)]*\))?: "
        r"(?P<change>.*(?:[Uu]ser|[Gg]roup).*)",
        "account_changed",
        ACCOUNT_CHANGE,
    ),
    Known(
        r"(?:(?P<page>/\S*): )?Configuration Change: (?P<user>[^@\s]*)@(?P<src>\S+)(?: \([^)]*\))?: (?P<change>.*)",
        "configured",
    ),
    Known(
        r"user (?P<user>[^@\s]*)@(?P<src>\S+) changed configuration to (?P<path>\S+) in (?P<change>.*)",
        "configured",
    ),
)


def filterlog_draft(message: str) -> Draft:
    """The draft of a `filterlog` row, its columns by name and the Sigma names of category firewall.

    Raises:
        BadRecord: it has fewer columns than every row has.
    """
    columns = message.split(",")
    if len(columns) < len(_COMMON):
        raise BadRecord("The filterlog row is too short.")
    fields: dict[str, Any] = {"message": message}
    fields |= _named(_COMMON, columns)
    rest = columns[len(_COMMON) :]
    ip_names = {"4": _IPV4, "6": _IPV6}.get(str(fields.get("ip_version")), ())
    fields |= _named(ip_names, rest)
    protocol = str(fields.get("proto", "")).lower()
    fields |= _named({"tcp": _TCP, "udp": _PORTS}.get(protocol, ()), rest[len(ip_names) :])
    fields["blocked"] = "false" if fields.get("action") in ("pass", "rdr", "nat", "binat") else "true"
    firewall = {Logsource(product, "firewall", "filterlog") for product in ("pfsense", "opnsense")}
    return Draft(fields, frozenset(firewall), "pfsense/filterlog", ocsf_class=NETWORK)


def _named(names: tuple[str, ...], columns: list[str]) -> dict[str, str | int]:
    return {name: number(name, value) for name, value in zip(names, columns, strict=False) if value}


def web_console_draft(message: str) -> Draft | None:
    """The draft of a message about a log-in to the web console or a change made there, None where it is another."""
    said = first_known(WEB_CONSOLE, message)
    if said is None:
        return None
    sources = frozenset(Logsource(product, None, "webgui") for product in ("pfsense", "opnsense"))
    fields = {"message": message, **said.fields}
    return Draft(fields, sources, "pfsense/webgui", user=fields.get("user"), ocsf_class=said.ocsf_class)
