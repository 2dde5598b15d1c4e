"""Data units of IEC 60870-5-104, as many as a grid needs: measured values, breakers, and the interrogation of a station. Pure.

Sizes as in IEC 60870-5-104:2006 (cause and station address of two octets, object address of three); types and elements as in IEC 60870-5-101:2003, clauses named below. Command types are not among them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

LONGEST: Final = 249
"""Octets of a data unit, at most (-104, clause 5: 253 octets with the control field)."""

STATION: Final = 20
"""Qualifier of an interrogation of the whole station (-101, 7.2.6.22)."""

_HEAD: Final = struct.Struct("<BBBBH")
_CAUSE, _NEGATIVE = 0x3F, 0x40
_SEQUENCE, _COUNT = 0x80, 0x7F
_INVALID: Final = 0x80
_TIME_OCTETS: Final = 7


class Type(IntEnum):
    """What a data unit holds (-101, 7.2.1)."""

    SINGLE = 1
    """M_SP_NA_1, single-point information (7.3.1.1)."""
    FLOAT = 13
    """M_ME_NC_1, measured value, short floating point (7.3.1.13)."""
    TIMED_SINGLE = 30
    """M_SP_TB_1, single-point information with time (7.3.1.22)."""
    TIMED_FLOAT = 36
    """M_ME_TF_1, measured value, short floating point, with time (7.3.1.28)."""
    INTERROGATION = 100
    """C_IC_NA_1 (7.3.4.1)."""


class Cause(IntEnum):
    """Why it is sent (-101, 7.2.3)."""

    SPONTANEOUS = 3
    ACTIVATION = 6
    CONFIRMED = 7
    TERMINATED = 10
    INTERROGATED = 20
    UNKNOWN_TYPE = 44
    UNKNOWN_CAUSE = 45
    UNKNOWN_STATION = 46


@dataclass(frozen=True, slots=True)
class Object:
    """One information object.

    Attributes:
        address: Of the object.
        value: A number for floats, 0 or 1 for single points, the qualifier for an interrogation.
        valid: Whether the outstation stands by it.
        time: Milliseconds since 1970 where it has a time, UTC.
    """

    address: int
    value: float
    valid: bool = True
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One data unit. `cause` is a plain number, as peers may send any."""

    type: Type
    cause: int
    objects: tuple[Object, ...]
    station: int = 1
    negative: bool = False


_ELEMENTS: Final = {
    Type.SINGLE: 1,
    Type.FLOAT: 5,
    Type.TIMED_SINGLE: 8,
    Type.TIMED_FLOAT: 12,
    Type.INTERROGATION: 1,
}
"""Octets of each type's elements, without the object's address."""

_TIMED: Final = (Type.TIMED_SINGLE, Type.TIMED_FLOAT)


def encode(unit: Unit) -> bytes:
    """The octets of `unit`.

    Raises:
        ValueError: it holds more objects than a data unit can.
    """
    head = _HEAD.pack(unit.type, len(unit.objects), unit.cause | _NEGATIVE * unit.negative, 0, unit.station)
    body = b"".join(one.address.to_bytes(3, "little") + _element(unit.type, one) for one in unit.objects)
    if len(head) + len(body) > LONGEST:
        raise ValueError(f"{len(unit.objects)} objects are too many for one data unit")
    return head + body


def decode(data: bytes) -> Unit:
    """The data unit in `data`.

    Raises:
        ValueError: it is cut off, is longer than it says, or is of a type that is not known here.
    """
    if len(data) < _HEAD.size:
        raise ValueError(f"a data unit of {len(data)} octets")
    number, shape, cause, _, station = _HEAD.unpack_from(data)
    try:
        type_ = Type(number)
    except ValueError:
        raise ValueError(f"a data unit of type {number}") from None
    count, length = shape & _COUNT, _ELEMENTS[type_]
    if shape & _SEQUENCE:  # one address, then elements in a row (-101, 7.2.2.1)
        expected, first = 3 + count * length, int.from_bytes(data[6:9], "little")
        places = [(first + at, 9 + at * length) for at in range(count)]
    else:
        expected = count * (3 + length)
        starts = range(_HEAD.size, _HEAD.size + expected, 3 + length)
        places = [(int.from_bytes(data[at : at + 3], "little"), at + 3) for at in starts]
    if len(data) != _HEAD.size + expected or not count:
        raise ValueError(f"{len(data)} octets for {count} objects of type {number}")
    objects = tuple(_object(type_, address, data[at : at + length]) for address, at in places)
    return Unit(type_, cause & _CAUSE, objects, station, bool(cause & _NEGATIVE))


def refused(data: bytes, cause: Cause) -> bytes:
    """What an outstation answers to a data unit that it does not take: the same one, negative (-101, 7.2.3)."""
    return data[:2] + bytes([cause | _NEGATIVE]) + data[3:]


def units(type_: Type, cause: Cause, objects: Sequence[Object]) -> list[Unit]:
    """As many data units as `objects` need."""
    fit = (LONGEST - _HEAD.size) // (3 + _ELEMENTS[type_])
    return [Unit(type_, cause, tuple(objects[at : at + fit])) for at in range(0, len(objects), fit)]


def _element(type_: Type, one: Object) -> bytes:
    quality = 0 if one.valid else _INVALID
    if type_ is Type.INTERROGATION:
        return bytes([int(one.value)])
    if type_ in {Type.SINGLE, Type.TIMED_SINGLE}:  # SIQ (7.2.6.1)
        said = bytes([quality | bool(one.value)])
    else:  # R32 and QDS (7.2.6.8, 7.2.6.3)
        said = struct.pack("<fB", one.value, quality)
    return said + (_time(one.time or 0) if type_ in _TIMED else b"")


def _object(type_: Type, address: int, data: bytes) -> Object:
    if type_ is Type.INTERROGATION:
        return Object(address, data[0])
    when = _instant(data[-_TIME_OCTETS:]) if type_ in _TIMED else None
    if type_ in {Type.SINGLE, Type.TIMED_SINGLE}:
        return Object(address, data[0] & 1, not data[0] & _INVALID, when)
    value, quality = struct.unpack_from("<fB", data)
    return Object(address, value, not quality & _INVALID, when)


def _time(milliseconds: int) -> bytes:
    """CP56Time2a (7.2.6.18), in UTC."""
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    day = at.day | at.isoweekday() << 5
    return struct.pack(
        "<HBBBBB", at.second * 1000 + milliseconds % 1000, at.minute, at.hour, day, at.month, at.year % 100
    )


def _instant(data: bytes) -> int:
    within: int
    within, minute, hour, day, month, year = struct.unpack("<HBBBBB", data)
    try:
        at = datetime(2000 + (year & 0x7F), month & 0x0F, day & 0x1F, hour & 0x1F, minute & 0x3F, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"a time of {data.hex()}") from None
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) + within
