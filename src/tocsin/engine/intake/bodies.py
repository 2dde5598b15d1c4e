"""A request's body: read within its bounds on bytes and seconds, then decompressed within the same bounds.

Content codings are those of RFC 9110, section 8.4.1 (`gzip`, `x-gzip`, `deflate`) and RFC 8878 (`zstd`). Where a body
carries several, none of our shippers' does, it is refused.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import zstandard

from tocsin.config import bounds
from tocsin.engine.intake.senders import Load

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_STEP: Final = 256 * 1024
_PLAIN: Final = ("", "identity")
_CODINGS: Final = ("gzip", "x-gzip", "deflate", "zstd")


class TooLarge(Exception):  # noqa: N818  an answer, not a failure
    """The body is larger than a body may be, as it came or decompressed."""


class Gone(Exception):  # noqa: N818  an answer, not a failure
    """The client went before its body was whole."""


class BadCoding(Exception):  # noqa: N818  an answer, not a failure
    """The content coding is unknown, or the body is not of it."""


async def read_body(
    receive: Receive, length: int | None, coding: str, load: Load, threads: asyncio.Semaphore
) -> bytes:
    """The body, decompressed.

    Args:
        receive: Of ASGI.
        length: What `Content-Length` says, None where the body comes in chunks.
        coding: What `Content-Encoding` says, lower case.
        load: Grows with the bytes held.
        threads: How many bodies may be decompressed in threads.

    Raises:
        TooLarge, Gone, BadCoding: see there.
        TimeoutError: it took longer than `BODY_SECONDS`.
        OverSender, OverAll: too many bytes are in flight.
    """
    if coding not in _PLAIN and coding not in _CODINGS:
        raise BadCoding(f"Content-Encoding {coding[:40]!r} is none of {', '.join(_CODINGS)}")
    if length is not None and length > bounds.BODY_WIRE_BYTES:
        raise TooLarge
    async with asyncio.timeout(bounds.BODY_SECONDS):
        wire = await _read(receive, load)
    if coding in _PLAIN:
        return wire
    load.grow(min(bounds.BODY_BYTES, len(wire) * bounds.BODY_EXPANSION))
    if len(wire) <= bounds.BODY_INLINE_BYTES:
        body = decompress(wire, coding, bounds.BODY_BYTES)
    else:
        async with threads:
            body = await asyncio.to_thread(decompress, wire, coding, bounds.BODY_BYTES)
    load.hold(len(body))
    return body


async def _read(receive: Receive, load: Load) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        part = message.get("body", b"")
        if part:
            size += len(part)
            if size > bounds.BODY_WIRE_BYTES:
                raise TooLarge
            load.grow(len(part))
            parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def decompress(wire: bytes, coding: str, limit: int) -> bytes:
    """`wire` decompressed to at most `limit` bytes.

    Raises:
        TooLarge: it would be more.
        BadCoding: it is not of that coding, or is cut short.
    """
    try:
        if coding == "zstd":
            return _unzstd(wire, limit)
        if coding == "deflate":
            return _inflate_either(wire, limit)
        return _inflate(wire, 31, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise BadCoding(f"the body is no {coding}: {error}") from error


def _inflate_either(wire: bytes, limit: int) -> bytes:
    """`deflate` means zlib's form (RFC 1950); some send the bare one (RFC 1951)."""
    try:
        return _inflate(wire, 15, limit)
    except zlib.error:
        return _inflate(wire, -15, limit)


def _inflate(wire: bytes, window: int, limit: int) -> bytes:
    """All members, one after the other (RFC 1952, section 2.2)."""
    out = bytearray()
    rest = wire
    while rest:
        member = zlib.decompressobj(window)
        while not member.eof:
            piece = member.decompress(rest, min(_STEP, limit - len(out) + 1))
            out += piece
            rest = member.unconsumed_tail
            if len(out) > limit:
                raise TooLarge
            if not piece and not rest and not member.eof:
                raise BadCoding("the body is cut short")
        rest = member.unused_data
    return bytes(out)


def _unzstd(wire: bytes, limit: int) -> bytes:
    """All frames, one after the other."""
    out = bytearray()
    reader = zstandard.ZstdDecompressor(max_window_size=bounds.ZSTD_WINDOW_BYTES).stream_reader(
        wire, read_across_frames=True
    )
    with reader:
        while piece := reader.read(_STEP):
            out += piece
            if len(out) > limit:
                raise TooLarge
    return bytes(out)
