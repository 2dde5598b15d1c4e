"""The structure of a Windows event, `Event` with `System` and `EventData` or `UserData`, in all its spellings.

The same XML ([MS-EVEN6] 2.2.13, the event schema) comes as JSON from evtx_dump and the `evtx` package (`#attributes`,
`#text`), from XML converters (`@Name`, `Name_attributes`), and as XML text inside other records.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft
from tocsin.sources.times import instant
from tocsin.sources.windows_fields import windows_draft

_SYSTEM_TEXTS = (
    "EventID",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "EventRecordID",
    "Channel",
    "Computer",
)
_SYSTEM_ATTRIBUTES = (
    ("Provider", (("Name", "Provider_Name"), ("Guid", "ProviderGuid"))),
    ("Execution", (("ProcessID", "ExecutionProcessID"), ("ThreadID", "ExecutionThreadID"))),
    ("Security", (("UserID", "UserID"),)),
    ("Correlation", (("ActivityID", "ActivityID"),)),
)
SYSTEM_FIELDS = frozenset({*_SYSTEM_TEXTS, "Provider_Name"})
"""Fields that event data of the same name must not take."""

_BESIDE = {
    element: f"{element}_attributes"
    for element in ("TimeCreated", *(element for element, _ in _SYSTEM_ATTRIBUTES))
}
_MARKUP = ("#attributes", "@xmlns", "xmlns", "#text")
_NOT_NAMES = frozenset({*_MARKUP, "Data"})
_NESTED = frozenset({dict, list})
_SYSTEM_CHARS = 4096
_SYSTEM_ELEMENT = re.compile(rf"<({'|'.join(_SYSTEM_TEXTS)})(?:\s[^<>]*)?>([^<]*)</")
_DATA_ELEMENT = re.compile(r"""<Data Name=["']([^"'<>]*)["']\s*(?:/>|>([^<]*)</Data>)""")
_SPOILT_ATTRIBUTES = (
    ("TimeCreated", "SystemTime"),
    *((element, attribute) for element, named in _SYSTEM_ATTRIBUTES for attribute, _ in named),
)
_CARRIAGE_RETURN = re.compile(r"\r(?=[^<>]*</)")
_XML_REFUSED = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def event_draft(event: Mapping[str, Any]) -> Draft:
    """The draft of an `Event` element in any JSON spelling.

    Raises:
        BadRecord: it has no System section or no EventID.
    """
    system = event.get("System")
    if not isinstance(system, dict):
        raise BadRecord("the Windows event has no System section")
    fields: dict[str, Any] = {}
    for name in _SYSTEM_TEXTS:
        value = system.get(name)
        if isinstance(value, dict):
            value = value.get("#text")
        if value is not None:
            fields[name] = value
    for element, attributes in _SYSTEM_ATTRIBUTES:
        if (found := _attributes_of(system, element)) is not None:
            for attribute, name in attributes:
                if (value := found.get(attribute)) is not None:
                    fields[name] = value
    _add_data(fields, event)
    created = _attributes_of(system, "TimeCreated")
    # the event schema's times are UTC, `Z` or none ([MS-EVEN6] 2.2.13)
    return windows_draft(fields, instant(created.get("SystemTime")) if created else None)


def xml_event(text: str) -> dict[str, Any]:
    """The `Event` element in `text` as JSON: `{"Event": {…}}` as evtx_dump writes it, all values text.

    Text that is not well-formed because something on its way cut it or spoilt its entities (syslog relays do) is read as
    far as its elements are whole.

    Raises:
        BadRecord: it is no event, or has a document type or entities of its own.
    """
    if _XML_REFUSED.search(text):
        raise BadRecord("XML with a document type is refused")
    try:
        root = ET.fromstring(_with_returns(text))  # noqa: S314  entities, the danger that is meant, are refused above
    except (ET.ParseError, ValueError) as error:
        spoilt = _spoilt_event(text)
        if spoilt is None:
            raise BadRecord(f"the event is no well-formed XML: {error}") from error
        return {"Event": spoilt}
    if _local(root.tag) != "Event":
        raise BadRecord("the XML is no Windows event")
    return {"Event": _element(root, depth=0)}


def _with_returns(text: str) -> str:
    """`text` with the carriage returns in values as references: XML's line ends (XML 1.0, 2.11) would take them away, and
    an EVTX file has them.
    """
    return _CARRIAGE_RETURN.sub("&#13;", text) if "\r" in text else text


def _spoilt_event(text: str) -> dict[str, Any] | None:
    """What the whole elements of spoilt XML say; None where not even the EventID is among them."""
    system: dict[str, Any] = {}
    for match in _SYSTEM_ELEMENT.finditer(text):
        system.setdefault(match[1], html.unescape(match[2]))
    if "EventID" not in system:
        return None
    for element, attribute in _SPOILT_ATTRIBUTES:
        pattern = rf"<{element}\s[^<>]*?\b{attribute}=[\"']([^\"'<>]*)"
        if (found := re.search(pattern, text[:_SYSTEM_CHARS])) is not None:
            system.setdefault(element, {"#attributes": {}})["#attributes"][attribute] = html.unescape(
                found[1]
            )
    data = [
        {"#attributes": {"Name": html.unescape(match[1])}, "#text": html.unescape(match[2] or "")}
        for match in _DATA_ELEMENT.finditer(text)
    ]
    return {"System": system, "EventData": {"Data": data}}


def _add_data(fields: dict[str, Any], event: Mapping[str, Any]) -> None:
    """The event's own fields, under their names; one that is named like a System field is kept with a prefix."""
    for section in ("EventData", "UserData", "ProcessingErrorData"):
        if (data := event.get(section)) is None:
            continue
        if isinstance(data, dict) and _is_plain(data) and fields.keys().isdisjoint(data):
            fields.update(data)
            continue
        for name, value in _pairs(data, depth=0):
            if name not in fields:
                fields[name] = value
            elif name in SYSTEM_FIELDS:
                fields.setdefault(f"{section}.{name}", value)
            elif name == "Data":
                have = fields[name] if isinstance(fields[name], list) else [fields[name]]
                fields[name] = have + (value if isinstance(value, list) else [value])
    rendering = event.get("RenderingInfo")
    if isinstance(rendering, dict) and (message := _text(rendering.get("Message"))) is not None:
        fields.setdefault("Message", message)


def _is_plain(section: dict[str, Any]) -> bool:
    """Whether `_pairs` would give its items as they are, which most sections are."""
    names = "\n".join(section)
    return (
        _NESTED.isdisjoint(map(type, section.values()))
        and _NOT_NAMES.isdisjoint(section)
        and "@" not in names
        and "_attributes" not in names
    )


def _pairs(section: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """(name, value) of each datum in a data section, whichever way it is nested."""
    if isinstance(section, list):
        for part in section:
            yield from _pairs(part, depth + 1)
    elif isinstance(section, str):
        if section.strip():
            yield "Data", section
    elif isinstance(section, dict) and depth < 8:
        for key, value in section.items():
            if key in _MARKUP or key.endswith("_attributes"):
                continue
            if key == "Data":
                yield from _data(value)
            elif isinstance(value, dict) and not _is_text(value):
                yield from _pairs(value, depth + 1)
            else:
                yield key.removeprefix("@"), value.get("#text") if isinstance(value, dict) else value


def _data(value: Any) -> Iterator[tuple[str, Any]]:
    """`Data` elements: named ones under their names, the others as one list (one value where there is but one)."""
    unnamed: list[Any] = []
    for datum in value if isinstance(value, list) else [value]:
        name = _attributes(datum).get("Name") if isinstance(datum, dict) else None
        if isinstance(name, str) and name:
            yield name, _text(datum)
        elif (text := _text(datum)) is not None:
            unnamed.extend(text if isinstance(text, list) else [text])
    if unnamed:
        yield "Data", unnamed if len(unnamed) > 1 or isinstance(value, list) else unnamed[0]


def _attributes(element: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = element.get("#attributes")
    if isinstance(inner, dict):
        return inner
    return {key[1:]: value for key, value in element.items() if key.startswith("@")}


def _attributes_of(system: Mapping[str, Any], element: str) -> Mapping[str, Any] | None:
    """The attributes of an element of System, None where it has none."""
    beside = system.get(_BESIDE[element])
    if isinstance(beside, dict):
        return beside
    inside = system.get(element)
    if not isinstance(inside, dict):
        return None
    if len(inside) == 1 and isinstance(inner := inside.get("#attributes"), dict):
        return inner
    return {**inside, **_attributes(inside)}


def _is_text(value: Mapping[str, Any]) -> bool:
    return "#text" in value or (set(value) <= {"#attributes"})


def _text(value: Any) -> Any:
    """What an element says, without its attributes."""
    if isinstance(value, dict):
        return value.get("#text")
    return value


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _element(element: ET.Element, depth: int) -> Any:
    """`element` as evtx_dump's JSON has it."""
    if depth > 16:
        raise BadRecord("the event's XML is nested too deeply")
    attributes = {_local(name): value for name, value in element.attrib.items()}
    if not len(element):
        text = element.text or ""
        return {"#attributes": attributes, "#text": text} if attributes else text
    inner: dict[str, Any] = {"#attributes": attributes} if attributes else {}
    for child in element:
        name, value = _local(child.tag), _element(child, depth + 1)
        if name not in inner:
            inner[name] = value
        elif isinstance(inner[name], list):
            inner[name].append(value)
        else:
            inner[name] = [inner[name], value]
    return inner
