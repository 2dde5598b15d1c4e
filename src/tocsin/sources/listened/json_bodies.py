"""Checks of JSON that a sender has framed, in memory that does not grow with what it says (RFC 8259)."""

from __future__ import annotations

import re

import msgspec

from tocsin.config import bounds

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_MAYBE_SURROGATE = re.compile(rb"\\u[dD]")
_SURROGATES = re.compile(
    rb"(\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
    re.DOTALL,
)


class _Object(msgspec.Struct):
    """Any object: what it holds is looked through and not kept."""


_OBJECTS = msgspec.json.Decoder(_Object)


def mended(body: bytes) -> bytes:
    r"""`body` with every escaped lone surrogate read as U+FFFD: Windows has them in names, and decoders refuse them.

    A sender whom one such name kept from delivering would lose what came with it.
    """
    if not _MAYBE_SURROGATE.search(body):
        return body
    return _SURROGATES.sub(lambda found: found[1] or b"\\ufffd", body)


def value_end(body: bytes, start: int, depth: int) -> int:
    """Index behind the object or array that starts at `start`, told by its brackets alone.

    0 where it does not end, or is nested deeper than `depth`.
    """
    inside = 0
    for token in _TOKEN.finditer(body, start):
        char = body[token.start()]
        if char in b"{[":
            inside += 1
            if inside > depth:
                return 0
        elif char in b"}]":
            inside -= 1
            if inside <= 0:
                return token.end()
        elif token.end() - token.start() == 1:  # a quote that nothing closes
            return 0
    return 0


def is_nested_deeper(piece: bytes, depth: int) -> bool:
    """Whether `piece`, which is JSON, holds objects or arrays in one another more than `depth` deep."""
    if piece.count(b"{") + piece.count(b"[") <= depth:
        return False
    return not value_end(piece, 0, depth)


def why_no_object(piece: bytes) -> str:
    """Why `piece` is no JSON object that a reader takes; "" where it is one."""
    try:
        piece.decode()
        _OBJECTS.decode(mended(piece))
    except (ValueError, RecursionError) as error:
        return str(error) or "not valid JSON"
    return f"nested deeper than {bounds.JSON_DEPTH}" if is_nested_deeper(piece, bounds.JSON_DEPTH) else ""
