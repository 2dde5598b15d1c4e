"""Which format a file is, from its first bytes, and which shape a JSON object has. Names are hints only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.sources import cloud, evtx_file, journald, network_json, windows
from tocsin.sources.content import Content
from tocsin.sources.event_xml import ANY_EVENT
from tocsin.sources.generic_json import GenericJson
from tocsin.sources.interface import Draft, LineFormat, ObjectFormat, ReadContext
from tocsin.sources.json_values import parse_line
from tocsin.sources.text import FORMATS as LINE_FORMATS
from tocsin.sources.text_stream import clean, encoding_of
from tocsin.sources.wazuh import WazuhOther
from tocsin.sources.windows import FlatWindows
from tocsin.sources.windows_fields import unspelt

OBJECT_FORMATS: tuple[ObjectFormat, ...] = (
    *windows.OBJECT_FORMATS,
    *network_json.OBJECT_FORMATS,
    *journald.OBJECT_FORMATS,
    *cloud.OBJECT_FORMATS,
    WazuhOther(),
    GenericJson(),
)
"""Every shape of JSON object, in the order in which they are asked."""

SAMPLE_LINES = 200
"""First lines of a file that line formats are shown."""

_LEAST_SURE = 0.1
"""A line format that is less sure of a file loses it to plain text."""

_JSON_LINES_JUDGED = 20
"""First lines of which more than a third must be JSON objects."""

_SPELT = frozenset({"evtx", "winlogbeat", "wazuh"})
"""Formats of Windows events whose values are texts of the JSON as they are, or what escapes part (`Event.unspelt`)."""

_DOCUMENT_SUFFIXES = (
    ".md", ".rst", ".adoc", ".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".html", ".htm", ".css",
    ".js", ".ts", ".py", ".sh", ".ps1", ".psm1", ".bat", ".cmd", ".sql", ".service", ".sigma", ".xsl", ".xslt", ".tex",
)  # fmt: skip
_DOCUMENT_NAME = re.compile(
    r"(?:readme|licen[cs]e|notice|copying|changelog|authors|makefile|dockerfile)(?:\.txt)?"
)
_JSON_START = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[{\]"])')

_RECORD_LINE = re.compile(r"\A\s*Record \d{1,20}\r?\n(?=\s*[{<])")  # evtx_dump writes it above each record

Framing = Literal["evtx", "json", "xml", "lines"]


@dataclass(frozen=True, slots=True)
class Recognised:
    """How a file is to be read.

    Attributes:
        framing: How its records are told apart.
        line_format: The text format, where the framing is `lines`.
        object_format: The one shape that the operator named, None where each object is asked.
    """

    framing: Framing
    line_format: LineFormat | None = None
    object_format: ObjectFormat | None = None


def format_names() -> tuple[str, ...]:
    """Every name that `--format` takes."""
    objects, texts = [one.name for one in OBJECT_FORMATS], [one.name for one in LINE_FORMATS]
    return tuple(sorted({*objects, *texts, "evtx", "json", "windows-xml"}))


def named(name: str, content: Content) -> Recognised:
    """How to read `content` in the format that the operator named.

    Raises:
        OperatorError: there is no such format.
    """
    if name == "evtx" and content.peek(len(evtx_file.MAGIC)) == evtx_file.MAGIC:
        return Recognised("evtx")
    if name == "json":
        return Recognised("json")
    if name == "windows-xml":
        return Recognised("xml")
    for known in LINE_FORMATS:
        if known.name == name:
            return Recognised("lines", known)
    for object_format in OBJECT_FORMATS:
        if object_format.name == name:
            return Recognised("json", object_format=object_format)
    raise OperatorError(f"There is no format {name!r}.", f"Use one of: {', '.join(format_names())}.")


def recognise(content: Content, context: ReadContext) -> Recognised | None:
    """How to read `content`, told by its first `bounds.SNIFF_BYTES`; None where nothing fits."""
    head = content.peek(bounds.SNIFF_BYTES)
    if head.startswith(evtx_file.MAGIC):
        return Recognised("evtx")
    encoding, mark = encoding_of(head)
    text = clean(head[mark:].decode(encoding, "replace"))
    if _is_binary(text):
        return None
    text = _RECORD_LINE.sub("", text)
    if ANY_EVENT.search(text[:4096]) and text.lstrip(" \t\r\n\ufeff\0").startswith("<"):
        return Recognised("xml")
    lines = _sample(text, whole=len(head) < bounds.SNIFF_BYTES)
    if _is_json(text, lines):
        return Recognised("json")
    best = line_format(lines, context) if lines else None
    return Recognised("lines", best) if best is not None else None


def line_format(lines: Sequence[str], context: ReadContext) -> LineFormat | None:
    """The text format that is surest of `lines`, None where none takes them for its own."""
    sure = [(one.recognises(lines, context), one) for one in LINE_FORMATS]
    best = max(sure, key=lambda pair: pair[0])
    if best[0] < _LEAST_SURE:  # a few lines like a log's do not make a log of it
        best = next(pair for pair in sure if pair[1].name == "text")
    return best[1] if best[0] > 0 else None


def is_document(content: Content, context: ReadContext) -> bool:
    """Whether `content` has a name that programs, settings and documents have, and is of no known format but `text`."""
    name = re.split(r"[/\\!]", context.source)[-1].lower()
    if not (name.endswith(_DOCUMENT_SUFFIXES) or _DOCUMENT_NAME.fullmatch(name)):
        return False
    how = recognise(content, context)
    return how is not None and how.line_format is not None and how.line_format.name == "text"


def _sample(text: str, *, whole: bool) -> list[str]:
    """The first lines of `text`; the last one only where it is known to be whole."""
    lines = text.split("\n", SAMPLE_LINES)
    if len(lines) > 1 and (len(lines) > SAMPLE_LINES or not whole):
        lines.pop()
    return [line.removesuffix("\r") for line in lines if line.strip(" \t\r\0")]


def _is_json(text: str, lines: list[str]) -> bool:
    """Whether `text` starts like JSON, or more than a third of its first lines are JSON objects: broken ones may stand
    before them, but one object among syslog lines makes no JSON of them.
    """
    start = text.lstrip(" \t\r\n\ufeff\0\x1e,")
    if _JSON_START.match(start):
        return True
    judged = lines[:_JSON_LINES_JUDGED]
    objects = sum(
        line.lstrip().startswith("{") and isinstance(parse_line(line.strip()), dict) for line in judged
    )
    return objects * 3 > len(judged)


def _is_binary(text: str) -> bool:
    """Whether so many characters are controls or no Unicode that it is no text."""
    sample = text[:4096]
    odd = sum(
        char == "\ufffd" or (char < " " and char not in "\t\r\n\0\x1b\x1d\x1e\x01\x0c") for char in sample
    )
    return odd > len(sample) * 0.3 or sample.count("\0") > len(sample) * 0.9 > 0


def shapes(record: dict[str, Any]) -> list[ObjectFormat]:
    """The formats that `record` may be of, in the order in which they are asked; one of no other shape is plain JSON."""
    record = _unwrapped(record)
    found = [one for one in OBJECT_FORMATS[:-1] if one.recognises(record)]
    return found or [OBJECT_FORMATS[-1]]


class ObjectReader:
    """Makes drafts of the objects of one file, asking first the shape that the last one had.

    Args:
        context: What is known of the file.
        only: The one shape that the operator named.
        is_json: Whether the records' texts are JSON, and no XML.
        last: Name of the shape that the object before the first one had, "" where there is none.
    """

    def __init__(
        self, context: ReadContext, only: ObjectFormat | None = None, *, is_json: bool = True, last: str = ""
    ) -> None:
        self._context = context
        self._only = only
        met = next((one for one in OBJECT_FORMATS if one.name == last), OBJECT_FORMATS[0])
        self._last: ObjectFormat = only or met
        self._projection = context.projection
        self._is_json = is_json

    @property
    def last(self) -> str:
        """Name of the shape that the last object had: where the next one may have two, it has this one again."""
        return self._last.name

    def needed(self, line: str) -> dict[str, Any] | None:
        """What plans need of the JSON object `line`, None where it is to be decoded whole; the next draft is its."""
        if self._projection is None or not isinstance(self._last, FlatWindows):
            return None
        return self._projection.decode(line)

    def draft(self, record: dict[str, Any], *, partial: bool = False) -> tuple[Draft, str]:
        """The draft of `record` and the name of its format.

        Args:
            record: The object; it is handed over.
            partial: Whether it is what `needed` gave.

        Raises:
            BadRecord: it is of a known shape and cannot be read.
        """
        if partial:
            draft = self._last.draft(record, self._context)
            draft.partial = True
            return draft, self._last.name
        record = _unwrapped(record)
        if self._only is None and not (self._last.name != "json" and self._last.recognises(record)):
            self._last = next(one for one in OBJECT_FORMATS if one.recognises(record))
        draft = self._last.draft(record, self._context)
        if self._is_json and self._last.name in _SPELT:
            draft.unspelt = unspelt(draft)
        if self._projection is not None:
            self._projection.learn(draft, flat=isinstance(self._last, FlatWindows))
        return draft, self._last.name


def _unwrapped(record: dict[str, Any]) -> dict[str, Any]:
    """The record inside what Elasticsearch (`_source`) and Splunk (`result`) put around it."""
    if "_source" in record and isinstance(inner := record["_source"], dict):
        return inner
    if "preview" in record and isinstance(inner := record.get("result"), dict):
        return inner
    return record
