"""Messages of OpenTelemetry's logs in their two forms, protobuf and JSON, read value by value within bounds.

Source: opentelemetry-proto 1.7, `common.proto` and `logs.proto`; Protocol Buffers, "Encoding"; OTLP specification, "JSON Protobuf
Encoding". Read by hand: the general parser (8 MB by itself) makes 55 bytes of memory of two on the wire, 900 MB of one
body, before anybody can count them; and the side that takes in needs but the borders of records.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tocsin.config import bounds
from tocsin.sources.protobuf_wire import BadMessage, wire_fields

_DOUBLE: Final = struct.Struct("<d")


class Budget:
    """How many values one record may still have."""

    def __init__(self) -> None:
        self._left = bounds.OTLP_VALUES

    def spend(self, depth: int) -> None:
        """One more value, so deep.

        Raises:
            BadMessage: there are too many, or it is too deep.
        """
        self._left -= 1
        if self._left < 0:
            raise BadMessage(f"more than {bounds.OTLP_VALUES} values in one record")
        if depth > bounds.JSON_DEPTH:
            raise BadMessage(f"nested deeper than {bounds.JSON_DEPTH}")


def wire_value(data: bytes, start: int, end: int, budget: Budget, depth: int = 0) -> Any:
    """An `AnyValue`: text, truth, number, list, map, or bytes as base64; None where it is empty."""
    budget.spend(depth)
    found: Any = None
    for number, kind, low, high in wire_fields(data, start, end):
        if number == 1 and kind == 2:
            found = text(data[low:high])
        elif number == 2 and kind == 0:
            found = bool(low)
        elif number == 3 and kind == 0:
            found = signed(low)
        elif number == 4 and kind == 1:
            found = real(_DOUBLE.unpack_from(data, low)[0])
        elif number == 5 and kind == 2:
            values = (one for one in wire_fields(data, low, high) if one[0] == 1 and one[1] == 2)
            found = [wire_value(data, one[2], one[3], budget, depth + 1) for one in values]
        elif number == 6 and kind == 2:
            pairs = [one for one in wire_fields(data, low, high) if one[0] == 1 and one[1] == 2]
            found = wire_pairs(data, [(one[2], one[3]) for one in pairs], budget, depth + 1)
        elif number == 7 and kind == 2:
            found = base64.b64encode(data[low:high]).decode()
    return found


def wire_pairs(
    data: bytes, places: Sequence[tuple[int, int]], budget: Budget, depth: int = 0
) -> dict[str, Any]:
    """`KeyValue`s as a map; of several with one key the first counts."""
    found: dict[str, Any] = {}
    for start, end in places:
        key, value = "", None
        budget.spend(depth)
        for number, kind, low, high in wire_fields(data, start, end):
            if number == 1 and kind == 2:
                key = text(data[low:high])
            elif number == 2 and kind == 2:
                value = wire_value(data, low, high, budget, depth)
        if value is not None:
            found.setdefault(key, value)
    return found


def json_value(value: Any, budget: Budget, depth: int = 0) -> Any:
    """As `wire_value`, of an `AnyValue` in JSON."""
    budget.spend(depth)
    if not isinstance(value, Mapping):
        raise BadMessage("a value is no object")
    for name, one in value.items():
        plain = _JSON_PLAIN.get(name)
        if plain is not None:
            return plain(one)
        if name == "arrayValue" and isinstance(one, Mapping):
            return [json_value(each, budget, depth + 1) for each in json_list(one.get("values"))]
        if name == "kvlistValue" and isinstance(one, Mapping):
            return json_pairs(one.get("values"), budget, depth + 1)
    return None


def json_pairs(values: Any, budget: Budget, depth: int = 0) -> dict[str, Any]:
    """As `wire_pairs`, of `KeyValue`s in JSON."""
    found: dict[str, Any] = {}
    for pair in json_list(values):
        budget.spend(depth)
        if not isinstance(pair, Mapping):
            raise BadMessage("an attribute is no object")
        given = pair.get("value")
        value = None if given is None else json_value(given, budget, depth)
        key = pair.get("key", "")
        if value is not None and isinstance(key, str):
            found.setdefault(key, value)
    return found


def json_list(value: Any) -> Sequence[Any]:
    """A repeated field, which may be missing.

    Raises:
        BadMessage: it is no list.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadMessage("a repeated field is no list")
    return value


def whole(value: Any) -> int:
    """A whole number of 64 bits, which JSON has as a text or a number; 0 where it is missing.

    Raises:
        BadMessage: it is none.
    """
    if value is None:
        return 0
    if isinstance(value, str) and len(value) <= 20 and value.removeprefix("-").isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**64:
        raise BadMessage("a number is none")
    return value


def real(value: Any) -> float | str:
    """A number; what JSON cannot say (`NaN`, `Infinity`) as text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadMessage("a number is none")
    try:
        found = float(value)
    except OverflowError as error:
        raise BadMessage("a number is too large") from error
    return found if found - found == 0 else str(found)


def signed(value: int) -> int:
    """A varint as `int64`."""
    return value - 2**64 if value >= 2**63 else value


def text(data: bytes) -> str:
    """Text; what is no UTF-8 is read as U+FFFD."""
    return data.decode("utf-8", "replace")


def _texted(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_JSON_PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "stringValue": _texted, "boolValue": _truth, "intValue": whole, "doubleValue": real, "bytesValue": _texted,
}  # fmt: skip
