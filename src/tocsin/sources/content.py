"""A stream of decompressed bytes that can be peeked at, measured, and spooled; and the budget that stops bombs.

Every error of a decompressor or an archive becomes `ReadingStopped`: what was read before it stands, the remainder is
set aside with the reason. The error is sticky: reading on raises it again.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from tocsin.config import bounds
from tocsin.records.errors import BadRecord


class ReadingStopped(BadRecord):
    """The rest of this content cannot be read; the message is a sentence for the operator."""


class BudgetSpent(ReadingStopped):
    """A bound on the whole archive was reached: no further member of it is read either."""


class Reads(Protocol):
    """Anything with `read(n)` that gives at most n bytes and b'' at its end; what `Content` wraps."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, b'' at the end."""


class Budget:
    """What one file may cost in decompressed bytes, over all archives nested in it (gzip and zip bombs)."""

    def __init__(self) -> None:
        self.compressed = 0
        self.expanded = 0
        self.spent = False

    def spend(self, expanded: int) -> None:
        """Counts `expanded` bytes that a decompressor gave.

        Raises:
            BudgetSpent: `bounds.EXPANDED_BYTES` or `bounds.EXPANSION_RATIO` is exceeded.
        """
        self.expanded += expanded
        if self.expanded > bounds.EXPANDED_BYTES:
            self.spent = True
            raise BudgetSpent(
                f"expands to more than {bounds.EXPANDED_BYTES >> 30} GiB; the rest was not read"
            )
        ratio = self.expanded / max(self.compressed, 1)
        if self.expanded > bounds.EXPANSION_FREE_BYTES and ratio > bounds.EXPANSION_RATIO:
            self.spent = True
            raise BudgetSpent(
                f"expands more than {bounds.EXPANSION_RATIO}-fold, as only an archive bomb does; the rest was not read"
            )


class CountedFile(io.RawIOBase):
    """A file whose bytes read are counted into a budget as the compressed side."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file = file
        self._budget = budget

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes of the file."""
        try:
            data = self._file.read(size)
        except OSError as error:
            raise ReadingStopped(f"the disk could not be read: {error.strerror or error}") from error
        # The furthest place, not the sum: a zip may name the same bytes for a thousand members.
        self._budget.compressed = max(self._budget.compressed, self._file.tell())
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves to `offset`, as files do."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Closes the file below."""
        self._file.close()
        super().close()


class Content:
    """The bytes of one file or member.

    Args:
        reads: Where the bytes come from; may raise `ReadingStopped`.
        reopen: Opens the same bytes anew, or None where only spooling can.
        offset: Where in the file they start.
    """

    def __init__(
        self, reads: Reads, reopen: Callable[[], BinaryIO] | None = None, *, offset: int = 0
    ) -> None:
        self._reads = reads
        self._reopen = reopen
        self._ahead = b""
        self._spooled: BinaryIO | None = None
        self.stopped: ReadingStopped | None = None
        self._hash: hashlib._Hash | None = None
        self.offset = offset

    def measure(self) -> None:
        """Asks for a digest of all bytes, before any was read: containers need none, nor does a scan without a store."""
        self._hash = hashlib.sha256()

    def read(self, size: int = bounds.READ_BLOCK_BYTES, /) -> bytes:
        """At most `size` bytes, at least one before the end, b'' at it.

        Raises:
            ReadingStopped: the rest cannot be read.
        """
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._pull(size)
            if not data and self.stopped is not None:
                raise self.stopped
        self.offset += len(data)
        if self._hash is not None:
            self._hash.update(data)
        return data

    def exactly(self, size: int) -> bytes:
        """`size` bytes, fewer at the end and before the place where reading stops.

        Raises:
            ReadingStopped: nothing more can be read.
        """
        parts: list[bytes] = []
        try:
            while size and (data := self.read(size)):
                parts.append(data)
                size -= len(data)
        except ReadingStopped:
            if not parts:
                raise
        return b"".join(parts)

    def peek(self, size: int) -> bytes:
        """The next `size` bytes without taking them; fewer at the end or where reading stops."""
        while len(self._ahead) < size and (data := self._pull(bounds.READ_BLOCK_BYTES)):
            self._ahead += data
        return self._ahead[:size]

    @property
    def digest(self) -> str:
        """SHA-256 over the bytes read so far, in hexadecimal; '' where nobody asked for it."""
        return self._hash.hexdigest() if self._hash is not None else ""

    def open_again(self) -> BinaryIO:
        """The whole content at its first byte, while nothing of this one was read yet.

        Where it cannot simply be opened anew, it is spooled to an anonymous temporary file first, which this content
        then reads from: use and close what is returned before reading on.

        Raises:
            OSError: it is longer than `bounds.SPOOL_BYTES` and cannot be opened anew.
        """
        if self.offset:
            raise OSError("the content is already being read")
        if self._reopen is not None:
            try:
                return self._reopen()
            except ReadingStopped as stopped:
                raise OSError(str(stopped)) from stopped
        spool = self._spool()
        return cast("BinaryIO", Lent(spool, lambda: spool.seek(0)))

    def seekable_file(self) -> BinaryIO:
        """All the bytes in an anonymous temporary file, for formats whose reader must seek. Consumes this content.

        Raises:
            ReadingStopped: there are more than `bounds.SPOOL_BYTES`.
        """
        try:
            spool = self._spool()
        except OSError as error:
            raise ReadingStopped(f"could not be spooled to disk: {error}") from error
        if self.stopped is not None:
            raise self.stopped
        return spool

    def close(self) -> None:
        """Gives back the temporary file, where there is one."""
        if self._spooled is not None:
            self._spooled.close()

    def _pull(self, size: int) -> bytes:
        """The next bytes of the source; b'' at the end and after it stopped."""
        if self.stopped is not None:
            return b""
        try:
            return self._reads.read(size)
        except ReadingStopped as stopped:
            self.stopped = stopped
            return b""

    def _spool(self) -> BinaryIO:
        spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._spooled = spool
        written = 0
        while data := (self._ahead or self._pull(bounds.READ_BLOCK_BYTES)):
            self._ahead = b""
            spool.write(data)
            written += len(data)
            if written > bounds.SPOOL_BYTES:
                self._reads = _Chained(spool, self._reads)
                raise OSError(f"more than {bounds.SPOOL_BYTES >> 30} GiB; too large to spool")
        spool.seek(0)
        self._reads = spool
        if self.stopped is not None:  # raise it again, but only after the spooled bytes
            self._reads, self.stopped = _StopsAfter(spool, self.stopped), None
        return spool


class Lent(io.RawIOBase):
    """A file-like view on what `reads` gives; closing it calls `close`."""

    def __init__(self, reads: Reads, close: Callable[[], object]) -> None:
        super().__init__()
        self._reads = reads
        self._close = close

    def read(self, size: int = bounds.READ_BLOCK_BYTES, /) -> bytes:
        """At most `size` bytes, b'' at the end."""
        return self._reads.read(size if size > 0 else bounds.READ_BLOCK_BYTES)

    def readable(self) -> bool:
        """It is."""
        return True

    def close(self) -> None:
        """Gives back what was lent."""
        if not self.closed:
            self._close()
        super().close()


class _Chained:
    def __init__(self, first: BinaryIO, then: Reads) -> None:
        first.seek(0)
        self._first, self._then = first, then

    def read(self, size: int, /) -> bytes:
        return self._first.read(size) or self._then.read(size)


class _StopsAfter:
    def __init__(self, first: BinaryIO, stopped: ReadingStopped) -> None:
        self._first, self.stopped = first, stopped

    def read(self, size: int, /) -> bytes:
        data = self._first.read(size)
        if not data:
            raise self.stopped
        return data
