"""What the names that Splunk's users give their sources (`sourcetype`) mean in our formats.

Source: Splunk, "List of pretrained source types", and the names that the vendors' add-ons set. A name is a hint: what its
format does not know is read by its content.
"""

from __future__ import annotations

from tocsin.sources.interface import LineFormat
from tocsin.sources.text import FORMATS

_PREFIXES: tuple[tuple[str, str], ...] = (
    ("syslog", "rfc3164"),
    ("linux_messages_syslog", "rfc3164"),
    ("linux_secure", "rfc3164"),
    ("linux:audit", "auditd"),
    ("linux_audit", "auditd"),
    ("cisco:", "rfc3164"),
    ("cisco_", "rfc3164"),
    ("pfsense", "rfc3164"),
    ("opnsense", "rfc3164"),
    ("access_", "web_access"),
    ("apache:access", "web_access"),
    ("nginx:plus:access", "web_access"),
    ("nginx:access", "web_access"),
    ("apache_error", "web_error"),
    ("apache:error", "web_error"),
    ("nginx:error", "web_error"),
    ("fgt_", "fortigate"),
    ("fortigate", "fortigate"),
    ("fortinet", "fortigate"),
    ("cef", "cef"),
    ("leef", "leef"),
    ("iis", "w3c"),
    ("ms:iis", "w3c"),
    ("bro", "zeek_tsv"),
    ("zeek", "zeek_tsv"),
)
_BY_NAME = {one.name: one for one in FORMATS if one.name not in ("csv", "text", "key_value")}

LINE_FORMATS = tuple(sorted(_BY_NAME))
"""Our own names of the formats of lines."""


def format_of(sourcetype: str) -> LineFormat | None:
    """The line format that `sourcetype` names: our own name of one, or one of Splunk's; None where it is another."""
    name = sourcetype.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((_BY_NAME[ours] for prefix, ours in _PREFIXES if name.startswith(prefix)), None)
