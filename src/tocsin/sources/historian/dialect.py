"""How a CSV file is written, told from its beginning: encoding, delimiter, header, decimal sign."""

from __future__ import annotations

import codecs
import contextlib
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.sources.historian.notices import Notices, counted, shown

DELIMITERS: Final = (";", "\t", ",", "|")
"""In the order in which equals are preferred: numbers may have commas in them."""

_WIDE: Final = 16
"""Bytes of a beginning that tell of UTF-16 without a mark: a header's first letters are Latin ones mostly."""

COMMENTS: Final = ("#", "//")

_COMMA: Final = re.compile(r"\s*[+-]?\d*,\d+\s*")
_POINT: Final = re.compile(r"\s*[+-]?(\d*\.\d+|\d{1,3}(,\d{3})+(\.\d+)?)\s*")
_NUMBER: Final = re.compile(r"\s*[+-]?[\d.,:/ -]+\s*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        delimiter: What stands between fields.
        header: The names of its columns as they stand there.
        begins: How many characters of the text stand before the first row of data.
        decimal_comma: Whether `1,5` is one and a half.
    """

    delimiter: str
    header: tuple[str, ...]
    begins: int
    decimal_comma: bool


def encoding_of(head: bytes) -> str:
    """The encoding of a text that begins with `head`: as its mark says, else UTF-16 where every other byte of its beginning
    is 0 (SQL Server's `bcp -w` writes no mark), else UTF-8 if it is, else Windows-1252.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    start = head[:_WIDE]
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(start) > 1 and not any(start[first::2]) and all(start[1 - first :: 2]):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def dialect_of(text: str, *, whole: bool, notices: Notices) -> Dialect:
    """How the file that begins with `text` is written; `whole`: whether that is all of it.

    Raises:
        OperatorError: it is no table of readings with a header.
    """
    if "\0" in text:
        raise OperatorError(
            f"{notices.file} is neither CSV nor Parquet.", "Export readings as CSV or Parquet."
        )
    lines = text.splitlines(keepends=True)[: bounds.HISTORIAN_HEAD_LINES]
    if not whole and len(lines) > 1 and sum(map(len, lines)) == len(text):
        lines = lines[:-1]  # it may be cut
    share, _, width, preference = max(_fit(lines, delimiter) for delimiter in DELIMITERS)
    delimiter = DELIMITERS[-preference]
    if width < 2 or share < 0.5:
        raise OperatorError(
            f"{notices.file} is no table: no delimiter (comma, semicolon, tab, bar) cuts its lines into columns.",
            "Export one column of time and one for each tag, with a header.",
        )
    return _with_header(lines, delimiter, width, notices)


def _fit(lines: Sequence[str], delimiter: str) -> tuple[float, bool, int, int]:
    """How well a delimiter fits, best first: the share of lines with the usual number of fields, whether the first
    line has as many (a decimal comma cuts the readings and not the header), that number, the preference.
    """
    widths = [len(row) for row, _ in _rows(lines, delimiter) if row]
    usual, count = (
        Counter(one for one in widths if one > 1).most_common(1)[0]
        if any(one > 1 for one in widths)
        else (1, 0)
    )
    return round(count / max(1, len(widths)), 1), widths[:1] == [usual], usual, -DELIMITERS.index(delimiter)


def _rows(lines: Sequence[str], delimiter: str) -> list[tuple[list[str], int]]:
    """The rows of data or header, comments left out, each with the lines read up to and with it."""
    found: list[tuple[list[str], int]] = []
    reader = csv.reader(lines, delimiter=delimiter)
    with contextlib.suppress(csv.Error):  # a field without an end: what came before it tells enough
        found.extend(
            (row, reader.line_num) for row in reader if not (row and row[0].lstrip().startswith(COMMENTS))
        )
    return found


def _with_header(lines: Sequence[str], delimiter: str, width: int, notices: Notices) -> Dialect:
    rows = _rows(lines, delimiter)
    at = next((at for at, (row, _) in enumerate(rows) if len(row) == width), 0)
    header, line = rows[at]
    if sum(bool(_NUMBER.fullmatch(name)) for name in header if name.strip()) > len(header) / 2:
        raise OperatorError(
            f"{notices.file} has no header: its first row is {shown(delimiter.join(header))}.",
            "Put a first row above the readings that names the columns.",
        )
    above = [row for row, _ in rows[:at] if any(one.strip() for one in row)]
    if above:
        notices.tell(
            f"{counted(len(above), 'line')} above the header left out, the first {shown(delimiter.join(above[0]))}."
        )
    fields = [one for row, _ in rows[at + 1 :] if len(row) == width for one in row]
    begins = sum(len(one) for one in lines[:line])
    return Dialect(delimiter, tuple(header), begins, _decimal_comma(fields, delimiter, notices))


def _decimal_comma(fields: Sequence[str], delimiter: str, notices: Notices) -> bool:
    commas = sum(bool(_COMMA.fullmatch(one)) for one in fields)
    points = sum(bool(_POINT.fullmatch(one)) and "." in one for one in fields)
    if commas <= points or not commas:
        return False
    example = next(one for one in fields if _COMMA.fullmatch(one))
    if delimiter == "," and all(_POINT.fullmatch(one) for one in fields if _COMMA.fullmatch(one)):
        notices.tell(
            f"Commas in numbers are read as thousands: {shown(example)} is {example.strip().replace(',', '')}."
        )
        return False
    notices.tell(
        f"Numbers are read with a decimal comma: {shown(example)} is {example.strip().replace(',', '.')}."
    )
    return True


def names_of(header: Sequence[str], notices: Notices) -> tuple[str, ...]:
    """Names for columns: stripped, each once, '' for one without a name that need not be kept."""
    names: list[str] = []
    taken: set[str] = set()
    for at, one in enumerate(header):
        name = (
            " ".join(one.replace("\ufeff", "").split())[: bounds.HISTORIAN_NAME_CHARS] or f"column {at + 1}"
        )
        if name in taken:
            first, number = name, 2
            while name in taken:
                name, number = f"{first} ({number})", number + 1
            notices.tell(
                f"The column {shown(first)} is there more than once; a further one is called {shown(name)}."
            )
        taken.add(name)
        names.append(name)
    return tuple(names)
