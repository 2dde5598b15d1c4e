"""Small EVTX files of our own, written from the format's description, so that no recording is needed or committed.

Source: the libevtx project's format notes. Events are plain binary XML: no templates, every name inline.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

HEADER_BYTES = 4096
CHUNK_BYTES = 65536
_FIRST_RECORD = 512
_FILETIME_2024 = 133_500_000_000_000_000


def evtx_file(events: Sequence[Mapping[str, str]], per_chunk: int = 50) -> bytes:
    """An EVTX file of Sysmon process starts, one for each mapping of event data."""
    groups = [events[at : at + per_chunk] for at in range(0, len(events), per_chunk)]
    chunks = [_chunk(group, number * per_chunk + 1) for number, group in enumerate(groups)]
    return _file_header(len(chunks), len(events)) + b"".join(chunks)


def _file_header(chunks: int, records: int) -> bytes:
    head = struct.pack(
        "<8sQQQIHHHH76xI",
        b"ElfFile\0",
        0,
        max(chunks - 1, 0),
        records + 1,
        128,
        1,
        3,
        HEADER_BYTES,
        chunks,
        0,
    )
    return (head + struct.pack("<I", zlib.crc32(head[:120]))).ljust(HEADER_BYTES, b"\0")


def _chunk(events: Sequence[Mapping[str, str]], first: int) -> bytes:
    records, last_at = b"", _FIRST_RECORD
    for number, data in enumerate(events, first):
        last_at = _FIRST_RECORD + len(records)
        records += _record(number, data, last_at)
    last, free = first + len(events) - 1, _FIRST_RECORD + len(records)
    head = struct.pack(
        "<8sQQQQIIII64xI", b"ElfChnk\0", first, last, first, last, 128, last_at, free, zlib.crc32(records), 1
    )
    tables = bytes(_FIRST_RECORD - 128)
    head += struct.pack("<I", zlib.crc32(head[:120] + tables))
    chunk = head + tables + records
    assert len(chunk) <= CHUNK_BYTES
    return chunk.ljust(CHUNK_BYTES, b"\0")


def _record(number: int, data: Mapping[str, str], at: int) -> bytes:
    writer = _Writer(at + 24)
    writer.event(number, data)
    size = 24 + len(writer.out) + 4
    head = struct.pack("<4sIQQ", b"**\0\0", size, number, _FILETIME_2024 + number * 10_000_000)
    return head + bytes(writer.out) + struct.pack("<I", size)


class _Writer:
    """Writes binary XML at a place in its chunk; names are told by their offset there."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.out = bytearray(b"\x0f\x01\x01\x00")

    def event(self, number: int, data: Mapping[str, str]) -> None:
        self._open("Event", {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"})
        self._open("System")
        self._leaf("Provider", "", {"Name": "Microsoft-Windows-Sysmon"})
        self._leaf("EventID", "1")
        self._leaf("TimeCreated", "", {"SystemTime": "2024-01-17T08:00:00.000000Z"})
        self._leaf("EventRecordID", str(number))
        self._leaf("Channel", "Microsoft-Windows-Sysmon/Operational")
        self._leaf("Computer", "ws1.town.example")
        self._end()
        self._open("EventData")
        for name, value in data.items():
            self._leaf("Data", value, {"Name": name})
        self._end()
        self._end()
        self.out += b"\x00"

    def _leaf(self, name: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
        self._open(name, attributes)
        if text:
            self._value(text)
        self._end()

    def _open(self, name: str, attributes: Mapping[str, str] | None = None) -> None:
        self.out += struct.pack("<BI", 0x41 if attributes else 0x01, 0)
        self._name(name)
        if attributes:
            size_at = len(self.out)
            self.out += bytes(4)
            for key, value in attributes.items():
                self.out += b"\x06"
                self._name(key)
                self._value(value)
            struct.pack_into("<I", self.out, size_at, len(self.out) - size_at - 4)
        self.out += b"\x02"

    def _end(self) -> None:
        self.out += b"\x04"

    def _name(self, name: str) -> None:
        self.out += struct.pack("<I", self._at + len(self.out) + 4)
        self.out += struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16-le") + b"\0\0"

    def _value(self, text: str) -> None:
        encoded = text.encode("utf-16-le", "surrogatepass")
        self.out += struct.pack("<BBH", 0x05, 0x01, len(encoded) // 2) + encoded
