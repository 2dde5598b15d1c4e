"""How a field that a rule names is found in an event, and what its values are as text and as numbers.

Look-up: the exact key first (`Payload.Name` may be one key), then the dotted path through nested objects and through
lists of objects; last, a field whose name has the spaces that rules leave out (`Threat Name` is Sigma's `ThreatName`,
specification "Field Usage"). Names are compared exactly. A list gives all of its elements: any of them may pass a test.

Text of a value: a string is itself, a boolean `true` or `false`, a number as Python writes it, an object its
compact JSON (so `requestParameters|contains` can look into one). `null` has no text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tocsin.config import bounds

Number = int | float

# Decimal only, ASCII only: the specification knows no hexadecimal values, so `0x10` is text.
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?", re.ASCII)


def find(fields: Mapping[str, Any], name: str) -> list[Any] | None:
    """Every value of the field `name`, lists flattened; None where the event has no such field."""
    if name in fields:
        return list(_elements(fields[name]))
    if "." not in name:
        return None
    return _walk(fields, name)


def _walk(node: Any, path: str) -> list[Any] | None:
    """The values at `path` under `node`; each prefix of the path may itself be a key with dots."""
    if isinstance(node, Mapping):
        if path in node:
            return list(_elements(node[path]))
        dot = path.find(".")
        while dot >= 0:
            if path[:dot] in node and (found := _walk(node[path[:dot]], path[dot + 1 :])) is not None:
                return found
            dot = path.find(".", dot + 1)
    elif isinstance(node, list | tuple):
        found_in = [found for item in node if (found := _walk(item, path)) is not None]
        return [value for found in found_in for value in found] if found_in else None
    return None


def _elements(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _elements(item)
    else:
        yield value


def every_value(fields: Mapping[str, Any]) -> Iterator[Any]:
    """Every scalar in the event, nested ones too; its keys are not searched."""
    waiting: list[Any] = [fields]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting.extend(node.values())
        elif isinstance(node, list | tuple):
            waiting.extend(node)
        else:
            yield node


def text_of(value: Any) -> str | None:
    """The text that patterns are matched against, None for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return str(value)


def number_of(value: Any) -> Number | None:
    """`value` as a number: a number, or text that is nothing but a decimal number. A boolean is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return None


class _Values(dict[str | None, list[Any] | None]):
    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__()
        self.fields = fields
        self.spaced = {name.replace(" ", ""): name for name in fields if " " in name}

    def __missing__(self, name: str | None) -> list[Any] | None:
        if name is None:
            found: list[Any] | None = list(every_value(self.fields))
        else:
            found = find(self.fields, name)
            if found is None and name in self.spaced:
                found = find(self.fields, self.spaced[name])
        self[name] = found
        return found


class _Texts(dict[str | None, tuple[str, ...]]):
    def __init__(self, values: _Values) -> None:
        super().__init__()
        self.values_of = values

    def __missing__(self, name: str | None) -> tuple[str, ...]:
        texts = (text_of(value) for value in self.values_of[name] or ())
        self[name] = found = tuple(text for text in texts if text is not None)
        return found


class _Lowered(dict[str | None, tuple[str, ...]]):
    def __init__(self, texts: _Texts) -> None:
        super().__init__()
        self.texts = texts

    def __missing__(self, name: str | None) -> tuple[str, ...]:
        self[name] = found = tuple([text.lower() for text in self.texts[name]])
        return found


class _Numbers(dict[str | None, tuple[Number, ...]]):
    def __init__(self, values: _Values) -> None:
        super().__init__()
        self.values_of = values

    def __missing__(self, name: str | None) -> tuple[Number, ...]:
        numbers = (number_of(value) for value in self.values_of[name] or ())
        self[name] = found = tuple(number for number in numbers if number is not None)
        return found


def _each_value() -> float:
    """Without a clock, each value may take all of it."""
    return bounds.REGEX_SECONDS


class EventView:
    """An event's fields as rules ask for them, each worked out once; name None means every value (keywords).

    Args:
        fields: The event's.
        allowance: What an expression may take on the next value, in seconds; raises TimeoutError where nothing is left.

    Attributes:
        values: Name to the values, lists flattened; None for a field that the event does not have.
        texts: Name to the texts of the values.
        lowered: The same in lower case.
        numbers: Name to those values that are numbers.
    """

    __slots__ = ("allowance", "lowered", "numbers", "texts", "values")

    def __init__(self, fields: Mapping[str, Any], allowance: Callable[[], float] = _each_value) -> None:
        self.allowance = allowance
        self.values = _Values(fields)
        self.texts = _Texts(self.values)
        self.lowered = _Lowered(self.texts)
        self.numbers = _Numbers(self.values)
