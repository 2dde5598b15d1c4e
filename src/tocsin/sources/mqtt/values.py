"""Payloads of MQTT that are a bare value or a JSON object, told apart into readings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import orjson

from tocsin.config import bounds
from tocsin.records.instants import parse_rfc3339

Value = float | str | None
"""A number, a word, or None where there is no good value."""

_SECONDS, _MILLISECONDS, _MICROSECONDS = 10**11, 10**14, 10**17
_WORTHLESS: Final = frozenset({"", "null", "none", "nan"})


class BadValue(ValueError):  # noqa: N818  named for what it is about
    """A payload of which no reading can be made; the text says why."""


def bare_value(payload: bytes) -> Value:
    """The value of a payload that is nothing else: `21.5`, `OPEN`; None for an empty one.

    Raises:
        BadValue: it is no text, or a longer one than a word of a plant.
    """
    if len(payload) > bounds.HISTORIAN_NAME_CHARS * 4:
        raise BadValue("a payload is longer than a value")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise BadValue("a payload is no text") from error
    if text.casefold() in _WORTHLESS:
        return None
    try:
        return finite(float(text))
    except ValueError:
        return word(text)


def json_values(payload: bytes, value: str, time: str) -> tuple[int | None, list[tuple[str, Value]]]:
    """When what a JSON payload says was read (None where it does not say so), and its values by key.

    Args:
        payload: A bare value, or an object.
        value: The path of the one value in the object (`data.value`); "" where each key of it is a reading.
        time: The path of the time in the object; "" where there is none.

    Raises:
        BadValue: it is no JSON, or holds no value.
    """
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise BadValue("a payload is no JSON") from error
    if not isinstance(parsed, dict):
        return None, [("", _scalar(parsed))]
    instant = _instant(_at(parsed, time)) if time else None
    if value:
        return instant, [(value, _scalar(_at(parsed, value)))]
    found = [(key, _scalar(one)) for key, one in _scalars(parsed) if key != time]
    if not found:
        raise BadValue("an object of JSON holds no value")
    return instant, found


def _scalars(parsed: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for place, (key, one) in enumerate(parsed.items()):
        if place >= bounds.SPARKPLUG_METRICS:
            raise BadValue(f"an object of JSON holds more than {bounds.SPARKPLUG_METRICS} keys")
        if not isinstance(one, dict | list):
            yield key, one


def _at(parsed: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(parsed, dict) or key not in parsed:
            raise BadValue(f"an object of JSON has no {path}")
        parsed = parsed[key]
    return parsed


def _scalar(found: Any) -> Value:
    if found is None:
        return None
    if isinstance(found, str):
        return word(found)
    if isinstance(found, int | float):
        return finite(float(found))
    raise BadValue("a value of JSON is a list or an object")


def _instant(found: Any) -> int:
    """Microseconds of a time as text (RFC 3339) or as a number of s, ms, µs or ns since 1970, told by its size."""
    if isinstance(found, str):
        instant = parse_rfc3339(found)
        if instant is not None:
            return instant
    elif isinstance(found, int | float) and not isinstance(found, bool) and 0 < found < 2**63:
        if found < _SECONDS:
            return int(found * 1_000_000)
        if found < _MILLISECONDS:
            return int(found * 1_000)
        return int(found) if found < _MICROSECONDS else int(found) // 1_000
    raise BadValue("a time is none")


def finite(value: float) -> float | None:
    """`value`; None where it is no number, or without end."""
    return value if math.isfinite(value) else None


def word(text: str) -> str:
    """`text` as a plant's word, without what does not print, at most `HISTORIAN_NAME_CHARS` long."""
    text = text[: bounds.HISTORIAN_NAME_CHARS]
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
