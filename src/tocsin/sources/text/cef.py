r"""ArcSight Common Event Format: `CEF:0|vendor|product|version|signature|name|severity|key=value …`.

Source: Micro Focus Security ArcSight Common Event Format, version 25. `|` and `\` are escaped in the header; `=`,
`\` and line feeds in the extension, whose values may hold blanks: a value ends where the next key begins.
"""

from __future__ import annotations

import re
from typing import Any

from tocsin.config.bounds import FIELDS_PER_RECORD
from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.key_values import values_between
from tocsin.sources.text.known_messages import AUTHENTICATION, DETECTION, NETWORK, number
from tocsin.sources.text.vendor_format import VendorFormat, vendor_instant
from tocsin.sources.text.vendors import vendor_logsources, vendor_slug

HEADER = ("DeviceVendor", "DeviceProduct", "DeviceVersion", "SignatureID", "Name", "Severity")

_START = re.compile(r"CEF: ?\d{1,2}(?:\.\d{1,2})?\|")
_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_KEY = re.compile(r"(?:(?<=\s)|^)([A-Za-z0-9_][\w.\[\]\-]{0,127})=", re.ASCII)
_HEADER_ESCAPE = re.compile(r"\\([|\\])")
_VALUE_ESCAPE = re.compile(r"\\([=\\nr|])")
_NAMED_TIME = re.compile(
    r"([A-Z][a-z]{2}) (\d{1,2}) (?:(\d{4}) )?(\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?: \S{1,16})?"
)
_SIGMA_NAMES = {"src": "src_ip", "dst": "dst_ip", "spt": "src_port", "dpt": "dst_port", "act": "action"}
_LABEL = re.compile(r"(c6a|cs|cn|cfp|flexString|flexNumber|flexDate|deviceCustomDate)(\d)Label")


def is_cef(text: str) -> bool:
    """Whether `text` starts with a CEF header."""
    return _START.match(text) is not None


def cef_draft(text: str, context: ReadContext) -> Draft:
    """What the CEF record at the start of `text` says.

    Raises:
        BadRecord: the header lacks parts.
    """
    start = _START.match(text)
    parts = _split(text[start.end() :] if start else text)
    if start is None or len(parts) < len(HEADER):
        raise BadRecord("The CEF header has fewer than seven parts.")
    header = {
        name: _HEADER_ESCAPE.sub(r"\1", part).strip() for name, part in zip(HEADER, parts, strict=False)
    }
    extension = _extension(parts[len(HEADER)] if len(parts) > len(HEADER) else "")
    fields: dict[str, Any] = {**_labelled(extension), **extension, **header}
    for theirs, ours in _SIGMA_NAMES.items():
        if extension.get(theirs):
            fields.setdefault(ours, number(ours, extension[theirs]))
    login = re.search(r"log[io]n|auth", header["Name"], re.IGNORECASE) is not None
    network = "src" in extension and "dst" in extension
    return Draft(
        fields=fields,
        logsources=vendor_logsources(header["DeviceVendor"], header["DeviceProduct"]),
        kind=f"cef/{vendor_slug(header['DeviceVendor'])}",
        time=_time(extension, context),
        host=extension.get("dvchost") or extension.get("dhost") or extension.get("dvc"),
        user=extension.get("suser") or extension.get("duser"),
        ocsf_class=AUTHENTICATION if login else NETWORK if network else DETECTION,
    )


def _split(text: str) -> list[str]:
    """The six header parts and the extension, cut at bars that no backslash escapes."""
    parts: list[str] = []
    at = 0
    while len(parts) < len(HEADER):
        bar = _BAR.search(text, at)
        if bar is None:
            break
        parts.append(text[at : bar.end() - 1])
        at = bar.end()
    return [*parts, text[at:]]


def _extension(text: str) -> dict[str, str]:
    keys = list(_KEY.finditer(text))
    if len(keys) > FIELDS_PER_RECORD:
        raise BadRecord(f"It has more than {FIELDS_PER_RECORD} fields.")
    return {name: _VALUE_ESCAPE.sub(_unescape, value) for name, value in values_between(text, keys).items()}


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r"}.get(match[1], match[1])


def _labelled(extension: dict[str, str]) -> dict[str, str]:
    """Custom fields under the name that their label gives them: `cs1Label=URL cs1=http…` is also `URL`."""
    named: dict[str, str] = {}
    for key, label in extension.items():
        match = _LABEL.fullmatch(key)
        value = extension.get(match[1] + match[2]) if match else None
        if value is not None and label:
            named.setdefault(label[:128], value)
    return named


def _time(extension: dict[str, str], context: ReadContext) -> int | None:
    text = extension.get("rt") or extension.get("end") or extension.get("start") or ""
    return vendor_instant(text, _NAMED_TIME, context)


CEF = VendorFormat("cef", "CEF:", is_cef, cef_draft)
