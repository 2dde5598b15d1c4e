"""InfluxDB's line protocol: a body of lines, each what some tags of a plant showed at one instant.

Source: InfluxDB 2 documentation, "Line protocol", and what its parser does where that says nothing (`models/points.go`):

- A backslash escapes a comma or space in a measurement, `=` too in names and values of tags, and a quote besides in names of fields;
  before anything else it stands for itself. In a quoted text it escapes a quote and a backslash.
- Quotes mean something only around the value of a field. A line feed between them is part of the text and ends no line: else
  whoever may set a text could put readings of his own behind a line feed in it.
- Of a field that stands twice in a line the last one counts; a tag that stands twice spoils the line.
- NaN and infinities are refused, and times that InfluxDB cannot hold (1677 to 2262).

A line that cannot be read spoils none of the others. Control characters in names are refused: people read names.

Intake checks with `check`, the engine reads with `points`: the one walks the other, so that both count alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tocsin.config import bounds

Value = float | int | bool | str

UNITS: Final[Mapping[str, int]] = {
    "ns": 1, "n": 1, "us": 1_000, "u": 1_000, "µ": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
"""What a time counts, in nanoseconds, by the name that a sender gives it (`precision`)."""

_LATEST: Final = 2**63 - 2  # as InfluxDB's `MaxNanoTime`; the earliest is as far before 1970
_NANO: Final = 1_000

_GAP: Final = re.compile(rb"(?:[ \t\r\0]*+(?:#[^\n]*+)?\n)*+[ \t\r\0]*+(?:#[^\n]*+\Z)?")
_KEY: Final = rb"(?:[^\\=\n]++|\\=?)*+"
_LINE: Final = re.compile(
    rb"(?:[^\\ \n]++|\\ ?)*+"  # measurement and tags, up to a space; then fields, in which quotes count
    rb"(?: " + _KEY + rb'(?:=(?:"(?:[^\\"]++|\\.?)*+(?:"|\Z)|[^\\",\n]++|\\,?)*+(?:,' + _KEY + rb")?)*+)?",
    re.DOTALL,
)
_NAME: Final = r"(?:[^\\,= ]++|\\[,= ]?)++"
_HEAD: Final = re.compile(rf"((?:[^\\, ]++|\\[, ]?)++)((?:,{_NAME}={_NAME})*+) ++")
_TAG: Final = re.compile(rf",({_NAME})=({_NAME})")
_KEYED: Final = r'((?:[^\\,= ]++|\\[,= "]?)++)='
_QUOTED: Final = r'"((?:[^\\"]++|\\.)*+)"'
_DIGITS: Final = r"(-?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+)([iu]?+)"
_TRUTH: Final = r"([tTfF][a-zA-Z]*+)"
_ANY: Final = rf"(?:{_QUOTED}|{_DIGITS}|{_TRUTH})"
_FIELD: Final = re.compile(rf"{_KEYED}{_ANY}(,|(?: ++(-?+[0-9]{{1,20}}+))?+\Z)", re.DOTALL)
_NO_FIELDS: Final = tuple(
    (re.compile(what, re.DOTALL), why)
    for what, why in (
        (r"[,= ]|\Z", "has no name"),
        (rf"(?!{_KEYED})|{_KEYED}(?:[, ]|\Z)", "has no value"),
        (rf"{_KEYED}[+-]?(?i:nan|inf)", "has a value that is no number"),
        (rf"{_KEYED}(?!{_QUOTED})\"", "has a text without an end"),
        (rf"{_KEYED}{_QUOTED}|{_KEYED}{_ANY} ", "has something behind it that is no time"),
    )
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_IN_TEXT: Final = re.compile(r'\\(["\\])')
_IN_MEASUREMENT: Final = re.compile(r"\\([, ])")
_IN_TAG: Final = re.compile(r"\\([,= ])")
_IN_FIELD: Final = re.compile(r'\\([,= "])')
_TRUTHS: Final = dict.fromkeys(("t", "T", "true", "True", "TRUE"), True) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), False
)


class Point(NamedTuple):
    """A line that can be read.

    Attributes:
        line: As it came, without what stands around it.
        number: Which line of the body it begins on, from 1.
        measurement: Its name.
        tags: Names to values, of the line.
        readings: Names of fields to values.
        time: Instant; None where it says none.
    """

    line: str
    number: int
    measurement: str
    tags: dict[str, str]
    readings: dict[str, Value]
    time: int | None


class BadLine(NamedTuple):
    """A line that cannot be read, and why, as a clause without anything of the line in it."""

    line: str
    number: int
    why: str


class Checked(NamedTuple):
    """What a body holds: lines, how many of them cannot be read, and the first of those."""

    lines: int
    bad: int
    first_bad: BadLine | None


class TooMany(ValueError):  # noqa: N818  named for what it is about
    """A body holds more lines or values than a body may; the text says which."""


class _Unreadable(ValueError):  # noqa: N818  named for what it is about
    """Why a line cannot be read."""


def check(body: bytes, unit: int) -> Checked:
    """What `body` holds.

    Args:
        body: Of UTF-8.
        unit: What its times count, in nanoseconds (`UNITS`).

    Raises:
        TooMany: it holds too much.
    """
    lines = values = bad = 0
    first: BadLine | None = None
    for found in points(body, unit):
        lines += 1
        if isinstance(found, BadLine):
            bad, first = bad + 1, first or found
        else:
            values += len(found.readings) + len(found.tags)
        if lines > bounds.BODY_RECORDS:
            raise TooMany(f"more than {bounds.BODY_RECORDS} lines in one request")
        if values > bounds.LINES_VALUES:
            raise TooMany(f"more than {bounds.LINES_VALUES} fields and tags in one request")
    return Checked(lines, bad, first)


def points(body: bytes, unit: int) -> Iterator[Point | BadLine]:
    """The lines of `body` in order, but blank ones and comments.

    Args:
        body: Of UTF-8.
        unit: What its times count, in nanoseconds (`UNITS`).
    """
    at, number = 0, 1
    while True:
        gap = _GAP.match(body, at)
        start = gap.end() if gap else at
        number += body.count(b"\n", at, start)
        if start >= len(body):
            return
        found = _LINE.match(body, start)
        end = found.end() if found else len(body)
        yield _read(body[start:end], number, unit)
        number += body.count(b"\n", start, end + 1)
        at = end + 1


def _read(data: bytes, number: int, unit: int) -> Point | BadLine:
    if len(data) > bounds.LINE_BYTES:
        start = data[: bounds.SET_ASIDE_RAW_CHARS].decode("utf-8", "replace")
        return BadLine(start, number, f"a line longer than {bounds.LINE_BYTES} bytes")
    try:
        line = data.decode()
    except UnicodeDecodeError:
        return BadLine(data.decode("utf-8", "replace"), number, "a line that is no UTF-8")
    line = line.rstrip(" \t\r")
    try:
        return _point(line, number, unit)
    except _Unreadable as why:
        return BadLine(line, number, str(why))


def _point(line: str, number: int, unit: int) -> Point:
    head = _HEAD.match(line)
    if head is None:
        raise _Unreadable(_why_no_head(line))
    measurement = _IN_MEASUREMENT.sub(r"\1", head[1]) if "\\" in head[1] else head[1]
    tags = _tags(head[2]) if head[2] else {}
    readings, time = _fields(line, head.end())
    names = (measurement, *tags, *tags.values(), *readings)
    if max(map(len, names)) > bounds.LINE_NAME_CHARS:
        raise _Unreadable(f"a name or tag longer than {bounds.LINE_NAME_CHARS} characters")
    if _CONTROL.search(line) and any(map(_CONTROL.search, names)):
        raise _Unreadable("a control character in a name or tag")
    return Point(line, number, measurement, tags, readings, None if time is None else _instant(time, unit))


def _tags(text: str) -> dict[str, str]:
    found = _TAG.findall(text)
    if "\\" in text:
        found = [(_IN_TAG.sub(r"\1", key), _IN_TAG.sub(r"\1", value)) for key, value in found]
    if len(found) > bounds.LINE_TAGS:
        raise _Unreadable(f"more than {bounds.LINE_TAGS} tags")
    tags = dict(found)
    if len(tags) < len(found):
        raise _Unreadable("a tag that stands twice")
    return tags


def _fields(line: str, at: int) -> tuple[dict[str, Value], str | None]:
    """The fields that begin at `at`, and the time behind them."""
    readings: dict[str, Value] = {}
    fields = 0
    while True:
        found = _FIELD.match(line, at)
        if found is None:
            raise _Unreadable(f"field {fields + 1} {_why_no_field(line, at)}")
        fields += 1
        if fields > bounds.LINE_FIELDS:
            raise _Unreadable(f"more than {bounds.LINE_FIELDS} fields")
        key, text, digits, kind, truth, behind, time = found.groups()
        if "\\" in key:
            key = _IN_FIELD.sub(r"\1", key)
        if digits is not None:
            readings[key] = _number(digits, kind, fields)
        elif text is not None:
            readings[key] = _text(text, fields)
        elif truth in _TRUTHS:
            readings[key] = _TRUTHS[truth]
        else:
            raise _Unreadable(f"field {fields} has a value of no kind")
        if behind != ",":
            return readings, time
        at = found.end()


def _number(digits: str, kind: str, field: int) -> float | int:
    if not kind:
        value = float(digits)
        if value - value != 0:
            raise _Unreadable(f"field {field} has a number that is too large")
        return value
    least, most = (-(2**63), 2**63 - 1) if kind == "i" else (0, 2**64 - 1)
    if len(digits) > bounds.LINE_INTEGER_CHARS or not digits.removeprefix("-").isdigit():
        raise _Unreadable(f"field {field} has an integer that is none")
    if kind == "u" and digits.startswith("-"):
        raise _Unreadable(f"field {field} has a sign before an unsigned integer")
    whole = int(digits)
    if not least <= whole <= most:
        raise _Unreadable(f"field {field} has an integer of more than 64 bits")
    return whole


def _text(text: str, field: int) -> str:
    if len(text) > bounds.LINE_TEXT_CHARS:
        raise _Unreadable(f"field {field} has a text longer than {bounds.LINE_TEXT_CHARS} characters")
    return _IN_TEXT.sub(r"\1", text) if "\\" in text else text


def _instant(time: str, unit: int) -> int:
    nanoseconds = int(time) * unit
    if abs(nanoseconds) > _LATEST:
        raise _Unreadable("a time before 1677 or after 2262, or of another precision than was said")
    return nanoseconds // _NANO


def _why_no_head(line: str) -> str:
    if line.startswith(","):
        return "no measurement"
    found = re.match(r"(?:[^\\, ]|\\[, ]?)++", line)
    if found and found.end() < len(line) and line[found.end()] == ",":
        tags = re.match(rf"(?:,{_NAME}={_NAME})*+", line[found.end() :])
        if tags is None or found.end() + tags.end() < len(line):
            return "a tag that is no name=value"
    return "no fields"


def _why_no_field(line: str, at: int) -> str:
    """What is wrong with the field at `at`: which is none, or has something behind it that may not be there."""
    return next((why for what, why in _NO_FIELDS if what.match(line, at)), "has a value of no kind")
