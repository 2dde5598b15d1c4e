"""IBM QRadar's Log Event Extended Format: `LEEF:1.0|vendor|product|version|event id|key=value<TAB>key=value`.

Source: IBM, "LEEF event components". Version 1 separates attributes by a tab; version 2 may name another delimiter as
sixth header part, a character or its code (`^`, `x5E`, `0x5E`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tocsin.config.bounds import FIELDS_PER_RECORD
from tocsin.records.errors import BadRecord
from tocsin.records.instants import SECOND
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import iso_instant, named_month_instant
from tocsin.sources.text.known_messages import AUTHENTICATION, DETECTION, NETWORK, number
from tocsin.sources.text.sampling import share
from tocsin.sources.text.syslog_header import syslog_line
from tocsin.sources.text.vendors import vendor_logsources, vendor_slug

HEADER = ("DeviceVendor", "DeviceProduct", "DeviceVersion", "SignatureID")

_START = re.compile(r"LEEF: ?([12])\.0\|")
_CODE = re.compile(r"(?:0?x)([0-9A-Fa-f]{1,4})")
_DEFAULT_TIME = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}) (\d{4}) (\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?: \S{1,16})?")
_SIGMA_NAMES = {"src": "src_ip", "dst": "dst_ip", "srcPort": "src_port", "dstPort": "dst_port"}


def is_leef(text: str) -> bool:
    """Whether `text` starts with a LEEF header."""
    return _START.match(text) is not None


def leef_draft(text: str, context: ReadContext) -> Draft:
    """What the LEEF record at the start of `text` says.

    Raises:
        BadRecord: the header lacks parts, or there are too many attributes.
    """
    start = _START.match(text)
    parts = text[start.end() :].split("|", 4) if start else []
    if start is None or len(parts) < len(HEADER):
        raise BadRecord("The LEEF header has fewer than five parts.")
    rest = parts[4] if len(parts) > 4 else ""
    delimiter, attributes = _delimiter(rest) if start[1] == "2" else ("\t", rest)
    found = _attributes(attributes, delimiter)
    header = dict(zip(HEADER, parts, strict=False))
    fields: dict[str, Any] = {**found, **header, "Name": header["SignatureID"]}
    if "sev" in found:
        fields["Severity"] = found["sev"]
    for theirs, ours in _SIGMA_NAMES.items():
        if found.get(theirs):
            fields.setdefault(ours, number(ours, found[theirs]))
    login = (
        re.search(r"log[io]n|auth", found.get("cat", "") + header["SignatureID"], re.IGNORECASE) is not None
    )
    network = "src" in found and "dst" in found
    return Draft(
        fields=fields,
        logsources=vendor_logsources(header["DeviceVendor"], header["DeviceProduct"]),
        kind=f"leef/{vendor_slug(header['DeviceVendor'])}",
        time=_time(found, context),
        host=found.get("identHostName") or found.get("resource"),
        user=found.get("usrName"),
        ocsf_class=AUTHENTICATION if login else NETWORK if network else DETECTION,
    )


def _delimiter(rest: str) -> tuple[str, str]:
    """The delimiter that version 2 names before the next bar, a tab where it names none; and the attributes."""
    named, bar, attributes = rest.partition("|")
    code = _CODE.fullmatch(named)
    if bar and code:
        return chr(int(code[1], 16)), attributes
    if bar and len(named) == 1:
        return named, attributes
    return "\t", attributes if bar and not named else rest


def _attributes(text: str, delimiter: str) -> dict[str, str]:
    if text.count(delimiter) > FIELDS_PER_RECORD:
        raise BadRecord(f"It has more than {FIELDS_PER_RECORD} fields.")
    found: dict[str, str] = {}
    for part in text.split(delimiter):
        key, equals, value = part.partition("=")
        if equals and key.strip():
            found.setdefault(key.strip()[:128], value)
    return found


def _time(found: dict[str, str], context: ReadContext) -> int | None:
    text = found.get("devTime", "")
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return int(text) * (SECOND if len(text) == 10 else 1_000)
    named = _DEFAULT_TIME.fullmatch(text)
    if named:
        month, day, year, clock = named.groups()
        return named_month_instant(month, day, clock, context, year)
    return iso_instant(text, context)


class _Parser:
    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        if not line.strip():
            return None
        if is_leef(line):
            return leef_draft(line, self._context)
        header = syslog_line(line, self._context)
        at = line.find("LEEF:")
        if at < 0 or not is_leef(line[at:]):
            raise BadRecord("It holds no LEEF header.")
        draft = leef_draft(line[at:], self._context)
        if header is not None:
            draft.time = header.time if draft.time is None else draft.time
            draft.host = draft.host or header.host
        return draft


class Leef:
    """LEEF records, bare; behind a syslog header the syslog formats read them, and this one where it is asked to."""

    name = "leef"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.97 where every line starts as LEEF does; 0.6 where every line holds it."""
        bare = share(sample, is_leef)
        return max(0.97 * bare, 0.6 * share(sample, lambda line: "LEEF:" in line[:256]))

    def parser(self, context: ReadContext) -> _Parser:
        """A new parser for one file."""
        return _Parser(context)
