"""Instants out of the many ways in which products write them into JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Any

from tocsin.records.instants import SECOND, parse_rfc3339, to_datetime
from tocsin.sources.local_time import local_instant

_DOTNET = re.compile(r"/Date\((-?\d{1,18})(?:[+-]\d{4})?\)/", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,12})?", re.ASCII)
_ZONE = re.compile(r"(?:[Zz]|UTC|GMT|[+-]\d\d:?(?:\d\d)?)")
_SECOND_CHARS = len("2026-03-01T08:00:00")
_FRACTION_DIGITS = 12
_POINTS = (".", ",")
_INSIDE = ("value", "DateTime", "$date", "#text")


def instant(value: object, zone: tzinfo = UTC) -> int | None:
    """The instant that `value` names, None where it names none.

    Understood: RFC 3339 and ISO 8601 text, .NET's `/Date(…)/`, epoch numbers (seconds, milliseconds, microseconds,
    nanoseconds, told apart by their size), and PowerShell's `{"value": …}`.

    Args:
        value: What a record holds.
        zone: What a text without a zone means.
    """
    if isinstance(value, str):
        return _textual(value.strip(), zone) if len(value) <= 64 else None
    if value is None:
        return None
    if type(value) is float:
        return _epoch(value)
    if isinstance(value, Mapping):
        value = next((value[key] for key in _INSIDE if key in value), None)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(value)
    return instant(value, zone) if isinstance(value, str) else None


def _textual(text: str, zone: tzinfo) -> int | None:
    if (found := rfc3339_instant(text)) is not None:
        if zone is UTC or _ZONE.search(text, 16):
            return found
        return local_instant(to_datetime(found).replace(tzinfo=None), zone)
    if (match := _DOTNET.fullmatch(text)) is not None:
        return int(match[1]) * 1000
    if _NUMBER.fullmatch(text):
        return _epoch(float(text) if "." in text else int(text))
    return None


def rfc3339_instant(text: str) -> int | None:
    """`parse_rfc3339(text)`, quicker where the same second was met lately, as is usual in a log."""
    tail = text[_SECOND_CHARS:]
    digits = ""
    if tail[:1] == ".":
        whole = tail[1:]
        tail = whole.lstrip("0123456789")
        digits = whole[: len(whole) - len(tail)]
        if not 0 < len(digits) <= _FRACTION_DIGITS or tail[:1] in _POINTS or not tail.isascii():
            return parse_rfc3339(text)
    if text[16:17] != ":":  # without seconds the point would not be theirs
        return parse_rfc3339(text)
    second = _parsed(text[:_SECOND_CHARS] + tail)
    return second if second is None or not digits else second + int(digits[:6].ljust(6, "0"))


_parsed = lru_cache(maxsize=1024)(parse_rfc3339)


def first_instant(record: Mapping[str, Any], names: tuple[str, ...], zone: tzinfo = UTC) -> int | None:
    """The instant of the first of the fields `names` that has one."""
    for name in names:
        if name in record and (found := instant(record[name], zone)) is not None:
            return found
    return None


def _epoch(number: float) -> int | None:
    """Seconds up to the year 5138, then milliseconds, microseconds, nanoseconds."""
    if not math.isfinite(number):
        return None
    size = abs(number)
    if size < 1e11:
        return round(number * SECOND)
    if size < 1e14:
        return round(number * 1000)
    if size < 1e17:
        return round(number)
    return int(number) // 1000 if size < 1e20 else None
