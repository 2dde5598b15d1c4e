"""Small appliances that send syslog: Synology and QNAP storage, VMware ESXi, and BGP routers of Huawei and Juniper.

Sources: Synology DSM "Log Center" and QNAP "QuLog Center" message formats as their exports and syslog show them.
"""

from __future__ import annotations

import re
from typing import Any

from tocsin.config.bounds import PARSED_MESSAGE_CHARS
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft
from tocsin.sources.text.key_values import values_between
from tocsin.sources.text.known_messages import (
    ACCOUNT_CHANGE,
    AUTHENTICATION,
    Known,
    Said,
    address_field,
    first_known,
)
from tocsin.sources.text.syslog_header import SyslogLine

SYNOLOGY = (
    Known(
        r"User \[(?P<user>[^\]]*)\] from \[(?P<src>[^\]]*)\] (?:signed in|logged in) (?:to|successfully via) "
        r"\[(?P<method>[^\]]*)\].*",
        "accepted",
        AUTHENTICATION,
    ),
    Known(
        r"User \[(?P<user>[^\]]*)\] from \[(?P<src>[^\]]*)\] failed to (?:sign|log) in (?:to|via) \[(?P<method>[^\]]*)\].*",
        "failed",
        AUTHENTICATION,
    ),
    Known(
        r"(?:System|User) ?\[?(?P<user>[^\]\s]*)\]? (?P<change>created|deleted|disabled|enabled) user "
        r"\[(?P<target_user>[^\]]*)\]\.?",
        "account_changed",
        ACCOUNT_CHANGE,
    ),
    Known(r"Host \[(?P<src>[^\]]*)\] was blocked via \[(?P<method>[^\]]*)\]\.?", "blocked"),
    Known(
        r"(?:System|User) ?\[?(?P<user>[^\]\s]*)\]? (?P<change>deleted|removed|created|edited) "
        r"(?P<object>shared folder|backup task|volume|snapshot|snapshots) \[(?P<target>[^\]]*)\].*",
        "configured",
    ),
)

_SYNOLOGY_APPS = frozenset(
    {"connection", "system", "backup", "winfileservice", "fileserviceftp", "synology", "user"}
)
_QNAP_START = re.compile(r"(?:qulogd\S*: )?(conn|event) log: (?=Users?: )")
_SYNOLOGY_FILE = re.compile(r"(?:[A-Za-z]{2,32} )?(?=Event: [\w ]{1,32}, Path: )")
_COLON_PAIR = re.compile(r"(?:^|, )([A-Z][A-Za-z/ ]{1,32}): ")
_BGP = (
    ("huawei", re.compile(r"BGP_AUTH_FAILED|%%\d{2}BGP/")),
    ("juniper", re.compile(r"missing MD5 digest|RPD_BGP")),
)


def appliance_draft(line: SyslogLine) -> Draft | None:
    """The draft of a message of an appliance that is known, None where it is of another sender."""
    message = line.message[:PARSED_MESSAGE_CHARS]
    qnap = _QNAP_START.match(message)
    if qnap:
        return _qnap(message[qnap.end() :], line, qnap[1])
    if _SYNOLOGY_FILE.match(message) or (line.app is not None and line.app.lower() in _SYNOLOGY_APPS):
        return _synology(message, line)
    for product, mark in _BGP:
        if mark.search(message):
            return _draft(line, Said({}), product, "bgp")
    return None


def _draft(line: SyslogLine, said: Said, product: str, service: str) -> Draft:
    fields: dict[str, Any] = {"message": line.message, **said.fields}
    sources = frozenset({Logsource(product, None, service)})
    return Draft(
        fields, sources, f"{product}/{service}", user=fields.get("user") or None, ocsf_class=said.ocsf_class
    )


def _synology(message: str, line: SyslogLine) -> Draft | None:
    """Its connection and system logs are sentences; its file services log `Event: delete, Path: …, User: …, IP: …`."""
    said = first_known(SYNOLOGY, message)
    if said is not None:
        return _draft(line, said, "synology", "connection" if said.ocsf_class == AUTHENTICATION else "system")
    start = _SYNOLOGY_FILE.match(message)
    if start is None:
        return None
    found = _colon_pairs(message[start.end() :])
    fields: dict[str, Any] = {**found, "action": found.get("Event", "")}
    fields |= {"user": found["User"]} if "User" in found else {}
    fields |= address_field("src", found["IP"]) if "IP" in found else {}
    return _draft(line, Said(fields), "synology", "file")


def _qnap(message: str, line: SyslogLine, log: str) -> Draft:
    found = _colon_pairs(message)
    fields: dict[str, Any] = dict(found)
    user = found.get("Users") or found.get("User")
    fields |= {"user": user} if user else {}
    fields |= address_field("src", found["Source IP"]) if "Source IP" in found else {}
    what = found.get("Action", "").lower()
    login = "login" in what
    if login:
        fields["action"] = "failed" if "fail" in what else "accepted"
    return _draft(
        line,
        Said(fields, AUTHENTICATION if login else 0),
        "qnap",
        "connection" if log == "conn" else "system",
    )


def _colon_pairs(text: str) -> dict[str, str]:
    """`Key: value, Key: value`; a value may hold commas and ends where the next key begins."""
    return values_between(text, list(_COLON_PAIR.finditer(text)))
