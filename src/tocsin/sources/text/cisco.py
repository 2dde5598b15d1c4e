"""Cisco IOS, NX-OS and ASA messages: `%FACILITY-SEVERITY-MNEMONIC: text`.

Sigma's keyword rules for `cisco` name the services aaa (what an administrator typed), bgp, ldp and syslog.
Source of the ASA texts: Cisco Secure Firewall ASA Series Syslog Messages.
"""

from __future__ import annotations

import re

from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft
from tocsin.sources.text.known_messages import (
    AUTHENTICATION,
    NETWORK,
    Known,
    address_field,
    first_known,
)
from tocsin.sources.text.syslog_header import SyslogLine

_MNEMONIC = re.compile(r"%([A-Z0-9_]+(?:-[A-Z0-9_]+)?)-([0-7])-([A-Z0-9_]+): ?(.*)", re.DOTALL)

_TEXTS = (
    Known(r"User:(?P<user>\S*)\s+logged command:(?P<command>.*)", "command"),
    Known(
        r"Login Success \[user: (?P<user>[^\]]*)\] \[Source: (?P<src>[^\]]*)\].*", "accepted", AUTHENTICATION
    ),
    Known(r"Login failed \[user: (?P<user>[^\]]*)\] \[Source: (?P<src>[^\]]*)\].*", "failed", AUTHENTICATION),
    Known(
        r"Configured from (?P<method>\S+) by (?P<user>\S+)(?: on \S+)?(?: \((?P<src>[^)]*)\))?.*",
        "configured",
    ),
    Known(r"User '(?P<user>.*)' executed the '(?P<command>.*)' command\.?", "command"),
    Known(
        r"User '(?P<user>.*)', running '[^']*' from IP (?P<src>\S+), executed '(?P<command>.*)'", "command"
    ),
    Known(
        r"AAA user authentication (?:Rejected|Successful) ?: .{0,512}user = (?P<user>\S*)(?: : user IP = (?P<src>\S+))?",
        "authenticated",
        AUTHENTICATION,
    ),
    Known(
        r"Login denied from (?P<src>[^/]+)/(?P<src_port>\d+) to .* for user \"(?P<user>.*)\"",
        "failed",
        AUTHENTICATION,
    ),
    Known(
        r"Login permitted from (?P<src>[^/]+)/(?P<src_port>\d+) to .* for user \"(?P<user>.*)\"",
        "accepted",
        AUTHENTICATION,
    ),
    Known(
        r"Group <(?P<group>[^>]*)> User <(?P<user>[^>]*)> IP <(?P<src>[^>]*)> .*session started.*",
        "accepted",
        AUTHENTICATION,
    ),
    Known(
        r"(?P<change>Deny|Built inbound|Built outbound|Teardown|access-list \S+ (?:denied|permitted)) .*",
        "packet",
        NETWORK,
    ),
)

_COMMANDS = re.compile(r"CFGLOG_LOGGEDCMD|^AAA|_AAA|^VSHD$")  # what administrators typed
_DENIED = re.compile(r"^(?:Deny|access-list \S+ denied|AAA user authentication Rejected)")
_ENDS = re.compile(
    r"(?:src|from|for) (\S{1,64}):(\S{1,64}?)/(\d{1,5})\b.{0,128}?(?:dst|to) (\S{1,64}):(\S{1,64}?)/(\d{1,5})\b"
)


def cisco_draft(line: SyslogLine) -> Draft | None:
    """The draft of a line of the form `cisco`, None where its message has no mnemonic after all."""
    match = _MNEMONIC.match(line.message)
    if match is None:
        return None
    facility, _, mnemonic, text = match.groups()
    fields: dict[str, object] = {"message": line.message, "cisco_facility": facility, "mnemonic": mnemonic}
    said = first_known(_TEXTS, text)
    ocsf_class = 0
    if said is not None:
        fields |= said.fields
        ocsf_class = said.ocsf_class
    appliance = facility in ("ASA", "FTD", "PIX")
    if appliance:
        fields |= _connection(text)
    if fields.get("action") == "authenticated":
        fields["action"] = "failed" if _DENIED.match(text) else "accepted"
    user = fields.get("user")
    return Draft(
        fields=fields,
        logsources=_logsources(facility, mnemonic, text),
        kind=f"cisco/{'asa' if appliance else 'ios'}",
        user=user if isinstance(user, str) else None,
        ocsf_class=ocsf_class,
    )


def _connection(text: str) -> dict[str, object]:
    """Both ends of a connection that an ASA built or denied, and whether it passed."""
    ends = _ENDS.search(text)
    if ends is None:
        return {}
    source_zone, source, source_port, target_zone, target, target_port = ends.groups()
    denied = _DENIED.match(text) is not None
    return {
        **address_field("src", source),
        **address_field("dst", target),
        "src_port": int(source_port),
        "dst_port": int(target_port),
        "src_interface": source_zone,
        "dst_interface": target_zone,
        "action": "deny" if denied else "accept",
        "blocked": "true" if denied else "false",
    }


def _logsources(facility: str, mnemonic: str, text: str) -> frozenset[Logsource]:
    services = {"syslog"}
    if _COMMANDS.search(facility) or _COMMANDS.search(mnemonic) or "executed the" in text:
        services.add("aaa")
    if "BGP" in facility or ":179" in text or "(179)" in text:
        services.add("bgp")
    if "LDP" in facility or "LDP" in mnemonic or "TCPMD5AuthenFail" in text:
        services.add("ldp")
    found = {Logsource("cisco", None, service) for service in services}
    if facility in ("ASA", "FTD", "PIX"):
        found |= {Logsource("cisco", "firewall", "asa")}
    return frozenset(found)
