"""A request's body: read within its bounds on bytes and seconds, and decompressed within the same bounds.

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
_FED: Final = 64 * 1024
_PLAIN: Final = ("", "identity")
_CODINGS: Final = ("gzip", "x-gzip", "deflate", "zstd")


class TooLarge(Exception):  # noqa: N818  an answer, not a failure
    """The body is larger than a body may be, as it came or decompressed."""


class Gone(Exception):  # noqa: N818  an answer, not a failure
    """The client went before its body was whole."""


class BadCoding(Exception):  # noqa: N818  an answer, not a failure
    """The content coding is unknown, or the body is not of it."""


def is_plain(coding: str) -> bool:
    """Whether a body of that `Content-Encoding`, in lower case, is as it came."""
    return coding in _PLAIN


async def read_wire(receive: Receive, length: int | None, coding: str, load: Load) -> bytes:
    """The body as it came.

    Args:
        receive: Of ASGI.
        length: What `Content-Length` says, None where the body comes in chunks.
        coding: What `Content-Encoding` says, lower case.
        load: Grows with the bytes held, and with those that decompressing may take.

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
    if coding not in _PLAIN:
        load.grow(min(bounds.BODY_BYTES, len(wire) * bounds.BODY_EXPANSION))
    return wire


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
    """`wire` decompressed to at most `limit` bytes; as it is where it is `is_plain`.

    Raises:
        TooLarge: it would be more.
        BadCoding: it is not of that coding, or is cut short.
    """
    if coding in _PLAIN:
        return wire
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
    at = members = 0
    while at < len(wire):
        members += 1
        if members > bounds.BODY_MEMBERS:
            raise BadCoding(f"the body is of more than {bounds.BODY_MEMBERS} members")
        member = zlib.decompressobj(window)
        while not member.eof:
            fed = wire[at : at + _FED]  # in small pieces: what a member leaves over is copied
            piece = member.decompress(fed, min(_STEP, limit - len(out) + 1))
            at += len(fed) - len(member.unconsumed_tail) - len(member.unused_data)
            out += piece
            if len(out) > limit:
                raise TooLarge
            if not piece and not fed and not member.eof:
                raise BadCoding("the body is cut short")
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
