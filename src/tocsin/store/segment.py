"""The form of one write-ahead segment: a header, then frames; how to read it and how to judge damage.

```
header  magic "TOCSINWL" · format version u16 · reserved u16 · segment number u64 · marker 8 random bytes · CRC-32 u32
frame   marker 8 bytes · payload length u32 · CRC-32 u32 · kind u8 · 3 zero bytes · acknowledged u64 · payload
```

Little-endian. A frame's CRC-32 covers the rest of its header and the payload. `acknowledged` is how far this segment
was synced when the frame was written. The marker is random for each segment, so that no log record can hold a forged
frame. Damage is *torn* (the power went before the sync; nothing acknowledged is touched) unless something proves that
the damaged place had been synced: a later whole frame that says so, or the committed position.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from tocsin.config import bounds
from tocsin.records.errors import OperatorError

VERSION: Final = 1
"""Of the segment's form. A reader of version N also reads N - 1."""

_HEADER: Final = struct.Struct("<8sHHQ8sI")
_FRAME: Final = struct.Struct("<8sIIB3xQ")
_SUMMED: Final = struct.Struct("<IB3xQ")
_MAGIC: Final = b"TOCSINWL"
MARKER_BYTES: Final = 8
HEADER_BYTES: Final = _HEADER.size
FRAME_BYTES: Final = _FRAME.size


class Position(NamedTuple):
    """A place in the log, totally ordered: segment number (from 1) and byte offset in it."""

    segment: int
    offset: int


class Frame(NamedTuple):
    """One frame: where it ends, its kind and its payload."""

    end: Position
    kind: int
    payload: bytes


class DamagedError(Exception):
    """The segment holds no whole frame at `offset` though it goes on there."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(why)
        self.offset = offset
        self.why = why


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment file."""

    path: Path
    number: int

    def corrupt(self, offset: int, why: str) -> OperatorError:
        """The error that tells of damage to what had been acknowledged."""
        return OperatorError(
            f"The store's log {self.path} is damaged at byte {offset}: {why}.",
            "Restore the store from a backup, or scan the sources again into a new store.",
        )


def header(number: int, marker: bytes) -> bytes:
    """The first `HEADER_BYTES` of segment `number`."""
    head = _HEADER.pack(_MAGIC, VERSION, 0, number, marker, 0)[:-4]
    return head + zlib.crc32(head).to_bytes(4, "little")


def frame(marker: bytes, kind: int, payload: bytes, acknowledged: int) -> tuple[bytes, bytes]:
    """The header and the payload of one frame."""
    crc = _crc(kind, payload, acknowledged)
    return _FRAME.pack(marker, len(payload), crc, kind, acknowledged), payload


def read_marker(segment: Segment) -> bytes | None:
    """The marker in the segment's header; None where the segment ends before a whole header.

    Raises:
        OperatorError: the header is damaged, of another segment, or of a version that this Tocsin does not read.
        OSError: the file cannot be read.
    """
    with segment.path.open("rb") as file:
        head = file.read(HEADER_BYTES + 1)
    if len(head) < HEADER_BYTES:
        return None
    magic, version, _, number, marker, crc = _HEADER.unpack(head[:HEADER_BYTES])
    if magic == _MAGIC and version > VERSION and zlib.crc32(head[: HEADER_BYTES - 4]) == crc:
        raise OperatorError(
            f"The store's log {segment.path} was written by a newer Tocsin (form {version}).",
            "Use that Tocsin, or a newer one.",
        )
    whole = magic == _MAGIC and zlib.crc32(head[: HEADER_BYTES - 4]) == crc and number == segment.number
    if whole:
        return bytes(marker)
    if len(head) == HEADER_BYTES:
        return None  # nothing follows: its creation was torn
    raise segment.corrupt(0, "its header is damaged")


def frames(segment: Segment, marker: bytes, start: int = HEADER_BYTES) -> Iterator[Frame]:
    """The frames from offset `start` on.

    Raises:
        DamagedError: what follows the last whole frame is no whole frame.
    """
    with segment.path.open("rb") as file:
        file.seek(start)
        offset = start
        while head := file.read(FRAME_BYTES):
            if len(head) < FRAME_BYTES:
                raise DamagedError(offset, "a frame's header is cut short")
            length, crc, kind, acknowledged = _unpack(head, marker, offset)
            payload = file.read(length)
            if len(payload) < length:
                raise DamagedError(offset, "a frame is cut short")
            if _crc(kind, payload, acknowledged) != crc:
                raise DamagedError(offset, "a frame's checksum is wrong")
            offset += FRAME_BYTES + length
            yield Frame(Position(segment.number, offset), kind, payload)


def proves_synced(segment: Segment, marker: bytes, offset: int) -> bool:
    """Whether a whole frame after `offset` says that the segment had been synced past `offset`."""
    with segment.path.open("rb") as file:
        file.seek(offset + 1)
        rest = file.read()  # a segment ends within one frame of its bound
    place = rest.find(marker)
    while place >= 0:
        if _whole_after(rest[place : place + FRAME_BYTES], rest, place, offset):
            return True
        place = rest.find(marker, place + 1)
    return False


def _whole_after(head: bytes, rest: bytes, place: int, offset: int) -> bool:
    if len(head) < FRAME_BYTES:
        return False
    _, length, crc, kind, acknowledged = _FRAME.unpack(head)
    payload = rest[place + FRAME_BYTES : place + FRAME_BYTES + length]
    return bool(acknowledged > offset and len(payload) == length and _crc(kind, payload, acknowledged) == crc)


def _unpack(head: bytes, marker: bytes, offset: int) -> tuple[int, int, int, int]:
    found, length, crc, kind, acknowledged = _FRAME.unpack(head)
    if found != marker:
        raise DamagedError(offset, "no frame begins where one should")
    if length > bounds.WAL_FRAME_BYTES:
        raise DamagedError(offset, "a frame's length is out of bounds")
    return length, crc, kind, acknowledged


def _crc(kind: int, payload: bytes, acknowledged: int) -> int:
    return zlib.crc32(payload, zlib.crc32(_SUMMED.pack(len(payload), kind, acknowledged)))


def proven_end(file: BinaryIO, number: int) -> int | None:
    """The offset up to which the open segment `number` certainly is synced, as its last whole frame says.

    What is behind it may be acknowledged or half written; who only reads cannot know. None where the segment was just begun.
    """
    file.seek(0)
    marker = _marker_of(file.read(HEADER_BYTES), number)
    if marker is None:
        return None
    proven = HEADER_BYTES
    while len(head := file.read(FRAME_BYTES)) == FRAME_BYTES:
        found, length, crc, kind, acknowledged = _FRAME.unpack(head)
        if found != marker or length > bounds.WAL_FRAME_BYTES:
            break
        payload = file.read(length)
        if len(payload) < length or _crc(kind, payload, acknowledged) != crc:
            break
        proven = max(proven, acknowledged)
    return proven


def _marker_of(head: bytes, number: int) -> bytes | None:
    if len(head) < HEADER_BYTES:
        return None
    magic, _, _, named, marker, crc = _HEADER.unpack(head)
    whole = magic == _MAGIC and zlib.crc32(head[: HEADER_BYTES - 4]) == crc and named == number
    return bytes(marker) if whole else None
