"""Lines of `key=value` pairs from senders that no other format knows, with or without a `<PRI>` in front."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import epoch_instant, iso_instant
from tocsin.sources.text.key_values import pairs
from tocsin.sources.text.known_messages import NETWORK, number
from tocsin.sources.text.sampling import share

_START = re.compile(r"(?:<\d{1,3}>)?\s*(?=[A-Za-z_][\w.\-]{0,63}=\S)", re.ASCII)
_MIN_PAIRS = 3
_TIMES = ("eventtime", "timestamp", "time", "ts", "@timestamp", "datetime", "date")
_SIGMA_NAMES = {
    "srcip": "src_ip", "src": "src_ip", "dstip": "dst_ip", "dst": "dst_ip", "srcport": "src_port", "spt": "src_port",
    "sport": "src_port", "dstport": "dst_port", "dpt": "dst_port", "dport": "dst_port",
}  # fmt: skip


def _looks_right(line: str) -> bool:
    return _START.match(line) is not None and line[:4096].count("=") >= _MIN_PAIRS


class _Parser:
    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        if not line.strip():
            return None
        found = pairs(line[_START.match(line).end() :] if _START.match(line) else line)  # type: ignore[union-attr]
        if len(found) < 2:
            raise BadRecord("It holds no key=value pairs.")
        fields: dict[str, Any] = {**found, "message": found.get("message") or found.get("msg") or line}
        for theirs, ours in _SIGMA_NAMES.items():
            if found.get(theirs):
                fields.setdefault(ours, number(ours, found[theirs]))
        firewall = "src_ip" in fields and "dst_ip" in fields
        return Draft(
            fields=fields,
            logsources=frozenset({Logsource(None, "firewall", None)}) if firewall else frozenset(),
            kind="key_value/firewall" if firewall else "key_value/other",
            time=self._time(found),
            host=found.get("host") or found.get("hostname") or found.get("devname") or found.get("dvchost"),
            user=found.get("user") or found.get("username") or found.get("usr"),
            ocsf_class=NETWORK if firewall else 0,
        )

    def _time(self, found: dict[str, str]) -> int | None:
        if "date" in found and "time" in found:
            return iso_instant(f"{found['date']}T{found['time']}", self._context)
        for name in _TIMES:
            value = found.get(name, "")
            instant = iso_instant(value, self._context) or epoch_instant(value)
            if instant:
                return instant
        return None


class KeyValue:
    """Lines that consist of `key=value` pairs."""

    name = "key_value"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.5 where every line starts with a pair and holds three: any format that knows the sender is surer."""
        return 0.5 * share(sample, _looks_right)

    def parser(self, context: ReadContext) -> _Parser:
        """A new parser for one file."""
        return _Parser(context)
