"""Payloads of Sparkplug B read from their protobuf form, within bounds.

Source: Eclipse Sparkplug specification 3.0, section 6.4 (components, data types 0 to 34) and the field numbers of its
protobuf schema. Read by hand, as OTLP is (`listened/otlp_values.py`): only numbers, truths and words become values; what
else a metric may be (data sets, templates, files, bytes, arrays) is stepped over unread, so nothing nests.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tocsin.config import bounds
from tocsin.sources.mqtt.values import Value, finite, word
from tocsin.sources.protobuf_wire import BadMessage, wire_fields

COMPRESSED: Final = "SPBV1.0_COMPRESSED"
"""The `uuid` of a payload whose body is compressed."""

BOOLEAN: Final = 11
SIGNED: Final[Mapping[int, int]] = {1: 8, 2: 16, 3: 32, 4: 64}
UNSIGNED: Final[Mapping[int, int]] = {5: 8, 6: 16, 7: 32, 8: 64, 13: 64}  # 13: DateTime, in milliseconds
REAL: Final = frozenset({9, 10})
WORDS: Final = frozenset({12, 14, 15})
READABLE: Final = frozenset({*SIGNED, *UNSIGNED, *REAL, BOOLEAN, *WORDS})

_WHOLE, _TRUTH, _REAL, _WORD = range(4)
_NUMBERS: Final = frozenset({2, 3, 4, 5, 7, 10, 11, 14})
_PLACES: Final[Mapping[int, int]] = {1: 2, 9: 2, 12: 5, 13: 1, 15: 2}  # field number: wire type
_BAD_QUALITY: Final = frozenset({0, 500})  # bad, stale; 192 is good
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")


class Unreadable(ValueError):  # noqa: N818  named for what it is about
    """A value of a metric that is not of the type it should be."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it was sent.

    Attributes:
        name: "" where it goes by its alias.
        alias: None where it has none.
        timestamp: Milliseconds since 1970; None where it has none of its own.
        datatype: 0 where it is not said, as in data after a birth.
        raw: Its value as it is on the wire, with which kind it is; None where there is none, or none that can be read.
        null: Whether it says, or its quality does, that it has no good value.
        historical: Whether it is of the past, and no news.
    """

    name: str = ""
    alias: int | None = None
    timestamp: int | None = None
    datatype: int = 0
    raw: tuple[int, int | float | str] | None = None
    null: bool = False
    historical: bool = False

    def value(self, datatype: int) -> Value:
        """Its value as one of `datatype`; None where it has no good one.

        Raises:
            Unreadable: it is of another type.
        """
        if self.null or self.raw is None:
            return None
        kind, raw = self.raw
        if kind == _WORD and datatype in WORDS and isinstance(raw, str):
            return word(raw)
        if kind == _WORD or isinstance(raw, str) or datatype in WORDS:
            raise Unreadable
        if kind == _REAL and datatype in REAL:
            return finite(float(raw))
        if datatype == BOOLEAN and kind in {_TRUTH, _WHOLE}:
            return float(bool(raw))
        if kind == _WHOLE and isinstance(raw, int):
            return _whole(raw, datatype)
        raise Unreadable

    @property
    def fits(self) -> bool:
        """Whether its value is of the type that it says itself."""
        try:
            self.value(self.datatype)
        except Unreadable:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload.

    Attributes:
        timestamp: Milliseconds since 1970; None where it has none.
        seq: Its place in what the node says, 0 to 255; None where it has none.
        metrics: In their order.
        compressed: Whether it is one whose metrics are compressed, which is not read.
    """

    timestamp: int | None
    seq: int | None
    metrics: tuple[Metric, ...]
    compressed: bool = False

    @property
    def bd_seq(self) -> int | None:
        """The number by which births and deaths of a node belong together."""
        for metric in self.metrics:
            if metric.name == "bdSeq" and metric.raw is not None and isinstance(metric.raw[1], int):
                return metric.raw[1]
        return None


def parse_payload(data: bytes) -> Payload:
    """The payload in `data`.

    Raises:
        BadMessage: it is none, or goes over a bound.
    """
    if len(data) > bounds.MQTT_PACKET_BYTES:
        raise BadMessage(f"more than {bounds.MQTT_PACKET_BYTES} bytes")
    left = _Budget()
    timestamp = seq = None
    compressed = False
    metrics: list[Metric] = []
    for number, kind, low, high in left.fields(data, 0, len(data)):
        if number == 2 and kind == 2:
            if len(metrics) == bounds.SPARKPLUG_METRICS:
                raise BadMessage(f"more than {bounds.SPARKPLUG_METRICS} metrics")
            metrics.append(_metric(data, low, high, left))
        elif number == 1 and kind == 0:
            timestamp = low
        elif number == 3 and kind == 0:
            seq = low
        elif number == 4 and kind == 2:
            compressed = data[low:high] == COMPRESSED.encode()
    return Payload(timestamp, seq, tuple(metrics), compressed)


class _Budget:
    """How many fields of one payload may still be looked at."""

    def __init__(self) -> None:
        self._left = bounds.SPARKPLUG_FIELDS

    def fields(self, data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        for found in wire_fields(data, start, end):
            self._left -= 1
            if self._left < 0:
                raise BadMessage(f"more than {bounds.SPARKPLUG_FIELDS} fields")
            yield found


def _metric(data: bytes, start: int, end: int, left: _Budget) -> Metric:
    numbers: dict[int, int] = {}
    places: dict[int, tuple[int, int]] = {}
    for number, kind, low, high in left.fields(data, start, end):
        if kind == 0 and number in _NUMBERS:
            numbers[number] = low
        elif _PLACES.get(number) == kind:
            places[number] = low, high
    bad = 9 in places and _bad_quality(data, *places[9], left)
    return Metric(
        _name(data, *places[1]) if 1 in places else "",
        numbers.get(2),
        numbers.get(3),
        numbers.get(4, 0),
        _raw(data, numbers, places),
        bool(numbers.get(7)) or bad,
        bool(numbers.get(5)),
    )


def _raw(
    data: bytes, numbers: Mapping[int, int], places: Mapping[int, tuple[int, int]]
) -> tuple[int, int | float | str] | None:
    for number in (10, 11):
        if number in numbers:
            return _WHOLE, numbers[number]
    if 14 in numbers:
        return _TRUTH, numbers[14]
    if 12 in places:
        return _REAL, float(_FLOAT.unpack_from(data, places[12][0])[0])
    if 13 in places:
        return _REAL, float(_DOUBLE.unpack_from(data, places[13][0])[0])
    if 15 in places:
        low, high = places[15]
        return _WORD, data[low : min(high, low + 4 * bounds.HISTORIAN_NAME_CHARS)].decode("utf-8", "replace")
    return None


def _name(data: bytes, low: int, high: int) -> str:
    """A metric's name; "" where it is too long or does not print, so that no reading has it."""
    if high - low > 4 * bounds.HISTORIAN_NAME_CHARS:
        return ""
    name = data[low:high].decode("utf-8", "replace")
    return name if len(name) <= bounds.HISTORIAN_NAME_CHARS and name.isprintable() else ""


def _bad_quality(data: bytes, start: int, end: int, left: _Budget) -> bool:
    """Whether a set of properties says that the quality is bad or stale: key and value of one place belong together."""
    place = at = -1
    found: dict[int, tuple[int, int]] = {}
    for number, kind, low, high in left.fields(data, start, end):
        if number == 1 and kind == 2:
            at += 1
            if data[low:high] == b"Quality":
                place = at
        elif number == 2 and kind == 2:
            found[len(found)] = low, high
    if place not in found:
        return False
    values = left.fields(data, *found[place])
    return any(number in {3, 4} and kind == 0 and low in _BAD_QUALITY for number, kind, low, _ in values)


def _whole(raw: int, datatype: int) -> float:
    """A whole number of the width of `datatype`, whose sign the wire does not have."""
    if datatype in SIGNED:
        width = SIGNED[datatype]
        raw &= (1 << width) - 1
        return float(raw - (1 << width) if raw >> (width - 1) else raw)
    if datatype in UNSIGNED:
        return float(raw & (1 << UNSIGNED[datatype]) - 1)
    raise Unreadable
