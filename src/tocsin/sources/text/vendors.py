"""Which Sigma logsource a CEF or LEEF sender is, by the vendor and product its header names."""

from __future__ import annotations

import re

from tocsin.records.event import Logsource

_VENDORS: tuple[tuple[str, str, Logsource], ...] = (
    # vendor, product (parts of the lower-case names), logsource
    ("fortinet", "fortigate", Logsource("fortigate", "firewall", None)),
    ("fortinet", "", Logsource("fortinet", "firewall", None)),
    ("palo alto", "", Logsource("paloalto", "firewall", None)),
    ("check point", "", Logsource("checkpoint", "firewall", None)),
    ("cisco", "asa", Logsource("cisco", "firewall", "asa")),
    ("cisco", "", Logsource("cisco", None, "syslog")),
    ("sonicwall", "", Logsource("sonicwall", "firewall", None)),
    ("sophos", "", Logsource("sophos", "firewall", None)),
    ("watchguard", "", Logsource("watchguard", "firewall", None)),
    ("stormshield", "", Logsource("stormshield", "firewall", None)),
    ("barracuda", "", Logsource("barracuda", "firewall", None)),
    ("juniper", "", Logsource("juniper", "firewall", None)),
    ("zscaler", "", Logsource("zscaler", "proxy", None)),
    ("forcepoint", "", Logsource("forcepoint", "proxy", None)),
    ("imperva", "", Logsource("imperva", "webserver", None)),
    ("f5", "", Logsource("f5", "webserver", None)),
    ("trend micro", "", Logsource("trendmicro", "antivirus", None)),
    ("symantec", "", Logsource("symantec", "antivirus", None)),
    ("kaspersky", "", Logsource("kaspersky", "antivirus", None)),
    ("mcafee", "", Logsource("mcafee", "antivirus", None)),
    ("eset", "", Logsource("eset", "antivirus", None)),
    ("microsoft", "windows", Logsource("windows", None, None)),
)


def vendor_logsources(vendor: str, product: str) -> frozenset[Logsource]:
    """The logsources of a sender, none where it is not known."""
    vendor, product = vendor.lower(), product.lower()
    for known_vendor, known_product, logsource in _VENDORS:
        if vendor.startswith(known_vendor) and known_product in product:
            return frozenset({logsource})
    return frozenset()


def vendor_slug(vendor: str) -> str:
    """A short name for the kind: that of a known vendor, else `other`, so that senders cannot make up kinds."""
    lower = vendor.lower()
    known = next((name for name, _, _ in _VENDORS if lower.startswith(name)), "other")
    return re.sub(r"\W", "", known)
