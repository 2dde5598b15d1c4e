"""What other Linux programs say: cron, the kernel's packet filter, ClamAV, FTP and mail servers, systemd, OpenVPN."""

from __future__ import annotations

import re

from tocsin.sources.text.key_values import pairs
from tocsin.sources.text.known_messages import (
    AUTHENTICATION,
    DETECTION,
    NETWORK,
    PROCESS,
    Known,
    Said,
    number,
)

CRON = (
    Known(r"\((?P<user>[^)]*)\) CMD \( *(?P<command>.*)\)\s*", "command", PROCESS),
    Known(
        r"\((?P<user>[^)]*)\) (?P<crontab>REPLACE|LIST|DELETE|BEGIN EDIT|END EDIT) \((?P<target_user>.*)\)",
        "crontab",
    ),
    Known(r"\((?P<user>[^)]*)\) (?P<crontab>RELOAD) \((?P<path>.*)\)", "crontab"),
)

CLAMAV = (Known(r"(?P<Filename>.*): (?P<Signature>\S{1,255})(?:\([^)]*\))? FOUND", "found", DETECTION),)

FTP = (
    Known(r'\[(?P<user>[^\]]*)\] OK LOGIN: Client "(?P<src>[^"]*)"(?:, .*)?', "accepted", AUTHENTICATION),
    Known(r'\[(?P<user>[^\]]*)\] FAIL LOGIN: Client "(?P<src>[^"]*)"', "failed", AUTHENTICATION),
    Known(r'CONNECT: Client "(?P<src>[^"]*)".*', "connected"),
    Known(
        r'\[(?P<user>[^\]]*)\] OK (?P<ftp>UPLOAD|DOWNLOAD|DELETE|MKDIR|RENAME): Client "(?P<src>[^"]*)", '
        r'"(?P<path>.*)"(?:, .*)?',
        "transfer",
    ),
    Known(r"connection from (?P<src>\S+) \((?P<peer>[^)]*)\) at .*", "connected"),
)

MAIL = (
    Known(
        r"warning: \S{0,255}\[(?P<src>[0-9A-Fa-f.:]+)\]: SASL (?P<method>\S+) authentication failed(?:: .*)?",
        "failed",
        AUTHENTICATION,
    ),
    Known(
        r"(?P<protocol>imap|pop3|managesieve|submission)-login: (?:Disconnected|Aborted login)[^<]{0,256}"
        r"\(auth failed,[^<]{0,256}user=<(?P<user>[^>]*)>,(?: method=(?P<method>\w+),)? rip=(?P<src>[^,\s]+).*",
        "failed",
        AUTHENTICATION,
    ),
    Known(
        r"(?P<protocol>imap|pop3|managesieve|submission)-login: Login: user=<(?P<user>[^>]*)>, "
        r"method=(?P<method>\w+), rip=(?P<src>[^,\s]+).*",
        "accepted",
        AUTHENTICATION,
    ),
)

SYSTEMD = (
    Known(r"(?:Started|Starting) (?P<unit>.*[^.])\.*", "service_started"),
    Known(r"(?:Stopped|Stopping|Deactivated) (?P<unit>.*[^.])\.*", "service_stopped"),
    Known(r"(?P<unit>\S+): Deactivated successfully\.", "service_stopped"),
    Known(r"(?P<unit>\S+): (?:Failed with result .*|Main process exited, .*)", "service_failed"),
)

OPENVPN = (
    Known(r"user '(?P<user>.*)' authenticated", "accepted", AUTHENTICATION),
    Known(r"user '(?P<user>.*)' could not authenticate\.?", "failed", AUTHENTICATION),
    Known(
        r"(?:(?P<user>[^/\s]{1,255})/)?(?P<src>[0-9A-Fa-f.:]{1,64}?):(?P<src_port>\d{1,5}) (?:TLS Auth Error|AUTH_FAILED).*",
        "failed",
        AUTHENTICATION,
    ),
    Known(
        r"(?:[^/\s]{1,255}/)?(?P<src>[0-9A-Fa-f.:]{1,64}?):(?P<src_port>\d{1,5}) \[(?P<user>[^\]]*)\] Peer Connection "
        r"Initiated with .*",
        "accepted",
        AUTHENTICATION,
    ),
    Known(
        r"(?P<src>[0-9A-Fa-f.:]{1,64}?):(?P<src_port>\d{1,5}) TLS: Username/Password authentication succeeded for username "
        r"'(?P<user>.*?)'.*",
        "accepted",
        AUTHENTICATION,
    ),
)

GUACAMOLE = (
    Known(r'User "(?P<user>[^"]*)" (?P<change>joined|left) connection "(?P<connection>[^"]*)".*', "session"),
    Known(
        r'User "(?P<user>[^"]*)" successfully authenticated from (?:\[)?(?P<src>[^\s\],]+).*',
        "accepted",
        AUTHENTICATION,
    ),
    Known(
        r'Authentication attempt from (?:\[)?(?P<src>[^\s\],]+).* for user "(?P<user>[^"]*)" failed\.',
        "failed",
        AUTHENTICATION,
    ),
)

_PACKET = re.compile(r"(?:\[ *\d+\.\d+\] )?(.{0,128}?)\s*IN=\S* OUT=", re.ASCII)
_BLOCKING = re.compile(r"block|drop|deny|reject", re.IGNORECASE)
_ALLOWING = re.compile(r"allow|accept|pass", re.IGNORECASE)


def packet(message: str) -> Said | None:
    """A packet that netfilter logged (`[UFW BLOCK] IN=eth0 OUT= SRC=… DPT=22`): its own names, and Sigma's beside them.

    What became of the packet is only in the prefix that the administrator chose; without a hint there is no `action`.
    """
    match = _PACKET.match(message)
    if match is None:
        return None
    found = pairs(message)
    prefix = match[1].strip(" :[]")
    fields: dict[str, object] = {**found, "prefix": prefix} if prefix else {**found}
    names = {"src_ip": "SRC", "dst_ip": "DST", "src_port": "SPT", "dst_port": "DPT", "proto": "PROTO"}
    fields |= {ours: number(ours, found[theirs]) for ours, theirs in names.items() if found.get(theirs)}
    if _BLOCKING.search(prefix):
        fields |= {"action": "block", "blocked": "true"}
    elif _ALLOWING.search(prefix):
        fields |= {"action": "accept", "blocked": "false"}
    return Said(fields, NETWORK)
