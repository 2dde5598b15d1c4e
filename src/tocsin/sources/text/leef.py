"""IBM QRadar's Log Event Extended Format: `LEEF:1.0|vendor|product|version|event id|key=value<TAB>key=value`.

Source: IBM, "LEEF event components". Version 1 separates attributes by a tab; version 2 may name another delimiter as
sixth header part, a character or its code (`^`, `x5E`, `0x5E`).
"""

from __future__ import annotations

import re
from typing import Any

from tocsin.config.bounds import FIELDS_PER_RECORD
from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.known_messages import AUTHENTICATION, DETECTION, NETWORK, number
from tocsin.sources.text.vendor_format import VendorFormat, vendor_instant
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
        time=vendor_instant(found.get("devTime", ""), _DEFAULT_TIME, context),
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


LEEF = VendorFormat("leef", "LEEF:", is_leef, leef_draft)
