r"""Windows event logs (EVTX, [MS-EVEN6] and the format notes of libevtx), a 64 KiB chunk at a time.

The `evtx` package parses whole files and needs to seek. We give it one chunk after the other, each behind the file's own
header: so a log streams out of any archive, memory stays flat, and what one damaged chunk does (an error, an endless
loop, a panic of the compiled parser) ends with that chunk. How many records a chunk holds is counted from the records' own headers
(`**\0\0`, size, number, time), independently of the parser: what it does not give is set aside at its place.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from tocsin.config import bounds
from tocsin.sources.content import Content, Lent, ReadingStopped
from tocsin.sources.evtx_parser import EvtxParser
from tocsin.sources.json_values import parse_line

MAGIC = b"ElfFile\0"
HEADER_BYTES = 4096
CHUNK_BYTES = 65536
_CHUNK_MAGIC = b"ElfChnk\0"
_FIRST_RECORD = 512
_RECORD_MAGIC = b"**\0\0"
_RECORD_HEADER = struct.Struct("<4sIQQ")
_LEAST_RECORD = _RECORD_HEADER.size + 4


@dataclass(slots=True)
class EvtxRecord:
    """One record, or why it is set aside; not frozen for the reason that `JsonValue` is not.

    Attributes:
        raw: Its JSON text as the parser gives it, '' where it could not be read.
        value: What it says; None where it is set aside.
        reason: Why it is.
        offset: Where it starts in the file (bytes).
        counted: False where no record is meant but the file (it takes no ordinal).
    """

    raw: str
    value: dict[str, Any] | None
    reason: str
    offset: int
    counted: bool = True


class EvtxFile:
    """Iterates over the records in `content`, in file order.

    Args:
        content: The file's bytes.
        parser: Parses the chunks.
        measured: Whether a digest is wanted.

    Attributes:
        size: Bytes of records met so far (the stream's content, `fingerprint.py`).
    """

    def __init__(self, content: Content, parser: EvtxParser, *, measured: bool = True) -> None:
        self._content = content
        self._parser = parser
        self._hash = hashlib.sha256() if measured else None
        self.size = 0

    @property
    def digest(self) -> str:
        """SHA-256 over the bytes of the records met so far, in hexadecimal; '' where none is wanted."""
        return self._hash.hexdigest() if self._hash is not None else ""

    def __iter__(self) -> Iterator[EvtxRecord]:
        """The records.

        Raises:
            ReadingStopped: the content cannot be read on.
        """
        header = self._content.exactly(HEADER_BYTES)
        offset = len(header)
        failures = self._parser.failures
        while chunk := self._content.exactly(CHUNK_BYTES):
            if self._parser.failures - failures >= bounds.EVTX_FAILURES:
                raise ReadingStopped(
                    f"{bounds.EVTX_FAILURES} chunks made the EVTX parser fail; the rest was not read"
                )
            yield from self._chunk(header, chunk, offset)
            offset += len(chunk)
        if offset < HEADER_BYTES:
            yield EvtxRecord(
                "", None, "the EVTX file ends inside its header: it is truncated", 0, counted=False
            )

    def _chunk(self, header: bytes, chunk: bytes, offset: int) -> Iterator[EvtxRecord]:
        if not chunk.startswith(_CHUNK_MAGIC):
            if chunk.count(0) < len(chunk):  # a log is grown by empty chunks
                yield EvtxRecord("", None, "a damaged EVTX chunk (no chunk header)", offset, counted=False)
            return
        places = list(_places(chunk))
        for start, size, _ in places:
            if self._hash is not None:
                self._hash.update(chunk[start : start + size])
            self.size += size
        texts, reason = self._parser.parse(header + chunk.ljust(CHUNK_BYTES, b"\0"))
        given = iter(texts)
        text = next(given, None)
        for start, _, number in places:
            while text is not None and text[0] != number and not _later(text[0], number, places):
                text = next(given, None)
            if text is not None and text[0] == number:
                yield _record(text[1], offset + start)
                text = next(given, None)
            else:
                yield EvtxRecord("", None, reason or "the parser skipped this record", offset + start)
        if _cut_short(chunk):
            yield EvtxRecord(
                "", None, "the EVTX file ends inside a chunk: it is truncated", offset, counted=False
            )


def record_bytes(content: BinaryIO) -> BinaryIO:
    """The bytes of the records alone in the EVTX file `content`, which is closed with what is returned."""
    return cast("BinaryIO", Lent(_RecordBytes(content), content.close))


def head(start: bytes, size: int) -> bytes:
    """The first `size` bytes of the records of a file that starts with `start`; the chunk's header where it has none."""
    chunk = start[HEADER_BYTES : HEADER_BYTES + CHUNK_BYTES]
    found = b"".join(chunk[at : at + length] for at, length, _ in _places(chunk)) if chunk else b""
    return (found or chunk)[:size]


class _RecordBytes:
    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        content.read(HEADER_BYTES)

    def read(self, size: int, /) -> bytes:
        del size  # a chunk at most
        while chunk := self._content.read(CHUNK_BYTES):
            if found := b"".join(chunk[at : at + length] for at, length, _ in _places(chunk)):
                return found
        return b""


def _places(chunk: bytes) -> Iterator[tuple[int, int, int]]:
    """(start, size, number) of each whole record in `chunk`, from the records' own headers."""
    if not chunk.startswith(_CHUNK_MAGIC):
        return
    start = _FIRST_RECORD
    while start + _LEAST_RECORD <= len(chunk):
        magic, size, number, _ = _RECORD_HEADER.unpack_from(chunk, start)
        if magic != _RECORD_MAGIC or size < _LEAST_RECORD or start + size > len(chunk):
            return
        yield start, size, number
        start += size


def _cut_short(chunk: bytes) -> bool:
    return len(chunk) < CHUNK_BYTES


def _later(number: int, wanted: int, places: list[tuple[int, int, int]]) -> bool:
    """Whether the record that the parser gave next stands behind the wanted one, which it then skipped."""
    return number > wanted and any(number == other for _, _, other in places)


def _record(text: str, offset: int) -> EvtxRecord:
    if len(text) > bounds.RECORD_BYTES:
        return EvtxRecord("", None, f"longer than {bounds.RECORD_BYTES >> 20} MiB", offset)
    value = parse_line(text)
    if not isinstance(value, dict):
        return EvtxRecord(text, None, "the parser gave no JSON object", offset)
    return EvtxRecord(text, value, "", offset)
