"""The fields of a protobuf message, one after the other, without its description (Protocol Buffers, "Encoding")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_FIXED: Final = {1: 8, 5: 4}
"""Bytes of the wire types of fixed length."""


class BadMessage(ValueError):  # noqa: N818  named for what it is about
    """Bytes that are no such message, or go over a bound; the text says which."""


def wire_fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Each field of a protobuf message: its number, wire type, and value.

    A varint's value comes as (value, 0); anything else as (start, end) of its bytes in `data`.

    Raises:
        BadMessage: the bytes are no message.
    """
    at, end = start, len(data) if end is None else end
    while at < end:
        tag, at = _varint(data, at, end)
        kind = tag & 7
        if not tag >> 3:
            raise BadMessage("a field has the number 0")
        if kind == 0:
            value, at = _varint(data, at, end)
            yield tag >> 3, 0, value, 0
            continue
        if kind == 2:
            length, at = _varint(data, at, end)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise BadMessage(f"a field has the wire type {kind}")
        if length > end - at:
            raise BadMessage("a field is cut short")
        yield tag >> 3, kind, at, at + length
        at += length


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at`, of 64 bits, and where it ends."""
    if at < end and data[at] < 0x80:
        return data[at], at + 1
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise BadMessage("a number is cut short or too long")
