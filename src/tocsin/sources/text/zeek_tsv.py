"""Zeek's tab-separated logs, driven by their header: `#separator`, `#path`, `#fields`, `#types`.

Source: Zeek documentation, "Zeek Log Formats". The header may come again in the middle of a file (rotated pieces put
together) and then counts from there on. A field that is unset is absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tocsin.config.bounds import FIELDS_PER_RECORD
from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import epoch_instant
from tocsin.sources.text.sampling import share
from tocsin.sources.zeek import zeek_draft

_HEADER = re.compile(
    r"#(separator|set_separator|empty_field|unset_field|path|open|close|fields|types)(?=\s|$)"
)
_ESCAPE = re.compile(r"\\x([0-9A-Fa-f]{2})")
_LIST = re.compile(r"(?:set|vector|list|table)\[(\w+)\]")
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)  # more would not fit 64 bits
_REAL = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_HEADERLESS = re.compile(r"(?:\d{9,11}\.\d{1,6}|X{9,11}\.X{1,6})\t[CF][A-Za-z0-9]{8,20}\t", re.ASCII)


def _integer(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text) else text


def _real(text: str) -> float | str:
    return float(text) if _REAL.fullmatch(text) else text


def _boolean(text: str) -> bool | str:
    return {"T": True, "F": False, "1": True, "0": False}.get(text, text)


_CONVERT: dict[str, Callable[[str], Any]] = {
    "count": _integer,
    "int": _integer,
    "port": _integer,
    "double": _real,
    "interval": _real,
    "time": _real,
    "bool": _boolean,
}


def _escapes_read(text: str) -> str:
    r"""`text` with `\xHH`, which Zeek writes for bytes that are no printable UTF-8, read as the character of that code."""
    if "\\x" not in text:
        return text
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


class ZeekTsvParser:
    """Reads one file; keeps the header last seen."""

    def __init__(self, context: ReadContext) -> None:  # noqa: ARG002  the header says everything
        self._separator = "\t"
        self._set_separator = ","
        self._empty = "(empty)"
        self._unset = "-"
        self._path = ""
        self._names: list[str] = []
        self._types: list[str] = []

    def parse(self, line: str) -> Draft | None:
        """The draft of a row, None for a header line, a comment or a blank line.

        Raises:
            BadRecord: the row has not as many columns as the header, or no header came before it.
        """
        if not line.strip() or line.startswith("#"):
            self._header(line)
            return None
        if not self._names:
            raise BadRecord("The Zeek log has lost its header: without #fields the columns have no names.")
        values = line.split(self._separator)
        if len(values) != len(self._names):
            raise BadRecord(f"The row has {len(values)} columns, its header {len(self._names)}.")
        fields = {
            name: self._value(value, kind)
            for name, value, kind in zip(self._names, values, self._types, strict=True)
            if value != self._unset
        }
        stamp = values[self._names.index("ts")] if "ts" in self._names else ""
        return zeek_draft(self._path, fields, epoch_instant(stamp))

    def _header(self, line: str) -> None:
        found = _HEADER.match(line)
        if found is None:
            return
        name, rest = found[1], line[found.end() + 1 :]
        match name:
            case "separator":
                self._separator = _escapes_read(rest.strip()) or "\t"
                self._set_separator, self._empty, self._unset = ",", "(empty)", "-"
                self._names, self._types = [], []
            case "set_separator":
                self._set_separator = rest or ","
            case "empty_field":
                self._empty = rest
            case "unset_field":
                self._unset = rest
            case "path":
                self._path = rest.strip()[:64]
            case "fields":
                self._names = rest.split(self._separator)[:FIELDS_PER_RECORD]
                self._types = ["string"] * len(self._names)
            case "types":
                types = rest.split(self._separator)
                if len(types) == len(self._names):
                    self._types = types
            case _:
                pass

    def _value(self, text: str, kind: str) -> Any:
        inner = _LIST.fullmatch(kind)
        if inner is None:
            if text == self._empty:
                return ""
            convert = _CONVERT.get(kind)
            return convert(text) if convert else _escapes_read(text)
        if text == self._empty:
            return []
        convert = _CONVERT.get(inner[1], _escapes_read)
        return [convert(part) for part in text.split(self._set_separator) if part != self._unset]


def _named_like_zeek(line: str) -> bool:
    return line.startswith("#") or _HEADERLESS.match(line) is not None


class ZeekTsv:
    """Zeek's own tab-separated logs."""

    name = "zeek_tsv"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """1 where a Zeek header stands in the sample; 0.8 where rows look like Zeek's and the header is lost."""
        if any(line.startswith("#separator ") for line in sample) and any(
            line.startswith("#fields") for line in sample
        ):
            return 1.0
        rows = [line for line in sample if _HEADERLESS.match(line)]
        return 0.8 * share(sample, _named_like_zeek) if rows else 0.0

    def parser(self, context: ReadContext) -> ZeekTsvParser:
        """A new parser for one file."""
        return ZeekTsvParser(context)
