"""FortiGate logs: `date=… time=… devname="…" logid="…" type="traffic" subtype="forward" …`.

Source: FortiOS Log Message Reference. SigmaHQ asks for product `fortigate` with the log's type as service; traffic
and security (utm) logs are also category `firewall`, whose rules use `src_ip`, `dst_ip`, `src_port` and `dst_port`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.records.instants import SECOND
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import iso_instant
from tocsin.sources.text.key_values import pairs
from tocsin.sources.text.known_messages import AUTHENTICATION, NETWORK, number
from tocsin.sources.text.sampling import share

_START = re.compile(r"(?:<\d{1,3}>)?(?:\S{1,64} )?(?=(?:date=\d{4}-\d\d-\d\d|logver=\d))", re.ASCII)
_HALLMARKS = (" logid=", " devid=", " devname=", "logver=")
_TYPES = frozenset(
    {"traffic", "event", "utm", "anomaly", "voip", "dns", "gtp", "virus", "webfilter", "ips", "app-ctrl"}
)
_SIGMA_NAMES = {
    "srcip": "src_ip",
    "remip": "src_ip",
    "dstip": "dst_ip",
    "srcport": "src_port",
    "dstport": "dst_port",
}
_BLOCKED = frozenset({"deny", "block", "blocked", "dropped", "reset"})


def is_fortigate(text: str) -> bool:
    """Whether `text` is a FortiGate record (a syslog header, if any, already taken off or only its `<PRI>` left)."""
    return _START.match(text) is not None and any(mark in text[:512] for mark in _HALLMARKS)


def fortigate_draft(text: str, context: ReadContext) -> Draft:
    """What the record in `text` says.

    Raises:
        BadRecord: it holds no pairs.
    """
    start = _START.match(text)
    found = pairs(text[start.end() :] if start else text)
    if not found:
        raise BadRecord("It holds no key=value pairs.")
    kind = found.get("type", "").lower()
    fields: dict[str, Any] = dict(found)
    for theirs, ours in _SIGMA_NAMES.items():
        if found.get(theirs):
            fields.setdefault(ours, number(ours, found[theirs]))
    firewall = kind not in ("event", "")
    if firewall and "action" in found:
        fields["blocked"] = "true" if found["action"].lower() in _BLOCKED else "false"
    login = "login" in found.get("action", "") or "login" in found.get("logdesc", "").lower()
    return Draft(
        fields=fields,
        logsources=_logsources(kind, found, firewall=firewall),
        kind=f"fortigate/{kind if kind in _TYPES else 'other'}",
        time=_time(found, context),
        host=found.get("devname") or found.get("devid"),
        user=found.get("user") or found.get("unauthuser") or None,
        ocsf_class=NETWORK if firewall else AUTHENTICATION if login else 0,
    )


def _logsources(kind: str, found: dict[str, str], *, firewall: bool) -> frozenset[Logsource]:
    service = kind if kind in _TYPES else None
    logsources = {
        Logsource("fortigate", "firewall" if firewall else None, service),
        Logsource("fortios", None, service),
    }
    if found.get("subtype") == "vpn" or found.get("logdesc", "").lower().startswith("ssl vpn"):
        logsources |= {Logsource("fortigate", None, "vpn"), Logsource("fortios", None, "sslvpnd")}
    if found.get("subtype") == "webfilter":
        logsources.add(Logsource("fortigate", "proxy", "webfilter"))
    return frozenset(logsources)


def _time(found: dict[str, str], context: ReadContext) -> int | None:
    """`eventtime` (seconds, or nanoseconds from FortiOS 6.2 on) says it exactly; `date` and `time` need a zone."""
    stamp = found.get("eventtime", "")
    if stamp.isascii() and stamp.isdigit():
        if len(stamp) == 19:
            return int(stamp) // 1_000
        if len(stamp) == 10:
            return int(stamp) * SECOND
    zone = found.get("tz", "")
    if not re.fullmatch(r"[+-]\d\d:?\d\d", zone):
        zone = ""
    return iso_instant(f"{found.get('date', '')}T{found.get('time', '')}{zone}", context)


class _Parser:
    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        if not line.strip():
            return None
        if not is_fortigate(line):
            raise BadRecord("It is no FortiGate record: date= and logid= or devname= are missing.")
        return fortigate_draft(line, self._context)


class FortiGate:
    """FortiGate records, bare or behind a `<PRI>`; behind a full syslog header the syslog formats read them."""

    name = "fortigate"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.97 where every line is such a record."""
        return 0.97 * share(sample, is_fortigate)

    def parser(self, context: ReadContext) -> _Parser:
        """A new parser for one file."""
        return _Parser(context)
