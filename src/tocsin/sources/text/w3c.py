"""W3C extended logs, driven by `#Fields:`: IIS, and proxies (Blue Coat, Squid-like ELFF, CloudFront).

Source: W3C Working Draft WD-logfile-960323; Microsoft, "W3C Logging". IIS times are UTC whatever the server's zone.
A column of `-` is absent; IIS writes blanks inside a value as `+`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tocsin.config.bounds import FIELDS_PER_RECORD
from tocsin.records.errors import BadRecord
from tocsin.records.event import Logsource
from tocsin.records.instants import parse_rfc3339
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import epoch_instant
from tocsin.sources.text.known_messages import HTTP
from tocsin.sources.text.web_requests import agent_fields, target_fields

_COLUMN = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_NUMBERS = frozenset(
    {"sc-status", "sc-substatus", "sc-win32-status", "sc-bytes", "cs-bytes", "s-port", "time-taken"}
)
_HEADER_NAMES = {
    "cs(user-agent)": "cs-user-agent",
    "cs(referer)": "cs-referer",
    "cs(referrer)": "cs-referer",
    "cs(cookie)": "cs-cookie",
    "cs(host)": "cs-host",
    "x-edge-location": "x-edge-location",
}
_PROXY_MARKS = frozenset(
    {"s-action", "cs-uri-scheme", "sc-filter-result", "cs-categories", "x-exception-id", "r-ip", "r-dns"}
)


class W3cParser:
    """Reads one file; keeps the header last seen."""

    def __init__(self, context: ReadContext) -> None:  # noqa: ARG002  the header says everything
        self._names: list[str] = []
        self._date = ""
        self._iis = False

    def parse(self, line: str) -> Draft | None:
        """The draft of a row, None for a directive or a blank line.

        Raises:
            BadRecord: the row has fewer columns than the header, or no header came before it.
        """
        if line.startswith("#") or not line.strip():
            self._directive(line)
            return None
        if not self._names:
            raise BadRecord("The W3C log has lost its header: without #Fields: the columns have no names.")
        separated = (
            line.split("\t")
            if "\t" in line
            else [match[1] or match[2] or "" for match in _COLUMN.finditer(line)]
        )
        if len(separated) != len(self._names):
            raise BadRecord(f"The row has {len(separated)} columns, its header {len(self._names)}.")
        return self._draft(
            {name: value for name, value in zip(self._names, separated, strict=True) if value != "-"}
        )

    def _directive(self, line: str) -> None:
        name, _, rest = line.partition(":")
        if name == "#Fields":
            self._names = rest.split()[:FIELDS_PER_RECORD]
        elif name == "#Date":
            self._date = rest.strip()[:10]
        elif name == "#Software":
            self._iis = "Internet Information Services" in rest

    def _draft(self, columns: dict[str, str]) -> Draft:
        fields: dict[str, Any] = {name: _number(name, value) for name, value in columns.items()}
        for name, value in columns.items():
            ours = _HEADER_NAMES.get(name.lower())
            if ours:
                fields[ours] = value.replace("+", " ") if ours == "cs-user-agent" else value
        if "cs-user-agent" in fields:
            fields |= agent_fields(fields["cs-user-agent"])
        proxy = not _PROXY_MARKS.isdisjoint(self._names)
        fields |= {
            name: value
            for name, value in _target(columns, proxy=proxy).items()
            if name not in fields or name == "cs-uri-query"
        }
        if "c-ip" in fields:
            fields.setdefault("src_ip", fields["c-ip"])
        for theirs in ("r-ip", "s-ip"):
            if theirs in fields:
                fields.setdefault("dst_ip", fields[theirs])
        category = "proxy" if proxy else "webserver"
        service = "iis" if self._iis else "w3c"
        return Draft(
            fields=fields,
            logsources=frozenset({Logsource("windows" if self._iis else None, category, service)}),
            kind=f"web/{service if category == 'webserver' else 'proxy'}",
            time=self._time(columns),
            host=columns.get("s-computername") or columns.get("s-ip"),
            user=columns.get("cs-username"),
            ocsf_class=HTTP,
        )

    def _time(self, columns: dict[str, str]) -> int | None:
        if "date" in columns or "time" in columns:
            return parse_rfc3339(f"{columns.get('date', self._date)}T{columns.get('time', '00:00:00')}")
        return epoch_instant(columns.get("timestamp") or columns.get("x-timestamp") or "")


def _number(name: str, value: str) -> str | int:
    return (
        int(value) if name in _NUMBERS and value.isascii() and value.isdigit() and len(value) <= 18 else value
    )


def _target(columns: dict[str, str], *, proxy: bool) -> dict[str, Any]:
    """The request target from its parts: IIS gives stem and query, proxies also scheme, host and port."""
    if "cs-uri" in columns:
        return target_fields(columns["cs-uri"])
    if "cs-uri-stem" not in columns and "cs-uri-path" not in columns:
        return {}
    target = columns.get("cs-uri-stem") or columns.get("cs-uri-path", "")
    query = columns.get("cs-uri-query", "")
    if query:
        target += query if query.startswith("?") else "?" + query
    if proxy and "cs-host" in columns and "://" not in target:
        target = f"{columns.get('cs-uri-scheme', 'http')}://{columns['cs-host']}{target}"
    return target_fields(target)


class W3c:
    """W3C extended logs of IIS and of proxies."""

    name = "w3c"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.99 where a `#Fields:` directive stands in the sample."""
        return 0.99 if any(line.startswith("#Fields:") for line in sample) else 0.0

    def parser(self, context: ReadContext) -> W3cParser:
        """A new parser for one file."""
        return W3cParser(context)
