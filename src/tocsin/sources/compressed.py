"""gzip (RFC 1952) and zstd (RFC 8878) as streams that keep what came before an error."""

from __future__ import annotations

import gzip
import zlib
from typing import BinaryIO, cast

import zstandard

from tocsin.sources.content import Budget, ReadingStopped, Reads

ZSTD_FEED_BYTES = 1024
"""Compressed bytes given to zstd at a time: a block may be 4 bytes and give 128 KiB, so this gives 32 MiB at most."""

ZSTD_WINDOW_BYTES = 1 << 27
"""The largest window a zstd frame may ask for: what the zstd program itself accepts by default."""


class Gunzipped:
    """The content of all gzip members in `below`, checksums checked."""

    magic = b"\x1f\x8b\x08"

    def __init__(self, below: Reads, budget: Budget) -> None:
        self._gzip = gzip.GzipFile(fileobj=cast("BinaryIO", below), mode="rb")
        self._budget = budget

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, b'' at the end.

        Raises:
            ReadingStopped: the data is truncated or damaged, or the budget is spent.
        """
        try:
            data = self._gzip.read1(size)  # one step a call: an error loses nothing that came before it
        except EOFError as error:
            raise ReadingStopped("the gzip data ends early: the file is truncated") from error
        except (OSError, zlib.error) as error:
            raise ReadingStopped(f"the gzip data is damaged: {error}") from error
        self._budget.spend(len(data))
        return data


class Unzstd:
    """The content of all zstd frames in `below`, checksums checked where the frames have them."""

    magic = b"\x28\xb5\x2f\xfd"

    def __init__(self, below: Reads, budget: Budget) -> None:
        self._below = below
        self._budget = budget
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
        self._frame = self._decompressor.decompressobj()
        self._inside = False
        self._fed = b""
        self._out = b""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, b'' at the end.

        Raises:
            ReadingStopped: the data is truncated or damaged, or the budget is spent.
        """
        while not self._out:
            fed = self._fed or self._below.read(ZSTD_FEED_BYTES)
            if not fed:
                if self._inside:
                    raise ReadingStopped("the zstd data ends early: the file is truncated")
                return b""
            self._decompress(fed)
        data, self._out = self._out[:size], self._out[size:]
        return data

    def _decompress(self, fed: bytes) -> None:
        self._inside = True
        try:
            self._out = self._frame.decompress(fed)
        except zstandard.ZstdError as error:
            raise ReadingStopped(f"the zstd data is damaged: {error}") from error
        self._budget.spend(len(self._out))
        self._fed = b""
        if self._frame.eof:
            self._fed = self._frame.unused_data
            self._frame = self._decompressor.decompressobj()
            self._inside = False


COMPRESSIONS = (Gunzipped, Unzstd)
"""Every compression that is understood, told by its `magic`."""
