"""Findings and incidents as compressed JSON, and back to equal objects."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

import msgspec
import zstandard

T = TypeVar("T")

_LEVEL: Final = 3


def pack(value: Any) -> bytes:
    """`value` (a dataclass of `records`) as zstd of JSON. Lone surrogates are kept as JSON escapes."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value)).encode()
    return zstandard.ZstdCompressor(level=_LEVEL).compress(text)


def unpack(body: bytes, kind: type[T]) -> T:
    """The `kind` that was packed.

    Raises:
        ValueError: `body` is none.
    """
    try:
        text = zstandard.ZstdDecompressor().decompress(body)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # lone surrogates
        return msgspec.convert(json.loads(text), kind)
