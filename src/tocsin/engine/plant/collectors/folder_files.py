"""Which files of a folder may be read now: those that are complete, and texts that grow, as far as their lines are whole."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from tocsin.config import bounds
from tocsin.records.instants import SECOND
from tocsin.sources.historian.dialect import dialect_of, encoding_of
from tocsin.sources.historian.heading_rows import HEADING_ROWS
from tocsin.sources.historian.notices import Notices

ENDINGS: Final = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".gz", ".zst")
"""Names of other files, and of hidden ones, as programs that copy give them until a file is whole, are not read."""

_TEXTS: Final = (".csv", ".tsv", ".txt")
_PACKED: Final = (b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
"""How files begin whose lines cannot be cut at a byte 0x0A, as those of UTF-16 cannot."""

_CHECKED: Final = 4_096
_BLOCK: Final = 64 * 1024


class Entry(NamedTuple):
    """A file: its name, its bytes, and when it was changed (nanoseconds since 1970)."""

    name: str
    size: int
    changed: int


class Known(NamedTuple):
    """What is known of a file that was read.

    Attributes:
        size: Its bytes then.
        changed: When it was changed then.
        end: How many bytes of it were read; 0 for one that is only read whole.
        check: Of its beginning and of what stands before `end`; another one says that it was written anew.
    """

    size: int
    changed: int
    end: int = 0
    check: str = ""


def listing(folder: Path) -> list[Entry]:
    """The files in `folder` that a historian may have written. OSError where it cannot be looked at."""
    found = []
    with os.scandir(folder) as entries:
        for one in entries:
            if one.name.startswith(".") or not one.name.lower().endswith(ENDINGS):
                continue
            if not one.name.isprintable() or not one.is_file(follow_symlinks=False):
                continue
            try:
                found_there = one.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            found.append(Entry(one.name, found_there.st_size, found_there.st_mtime_ns))
    return sorted(found)


def opened(path: Path) -> BinaryIO:
    """The file at `path`, which may be another one than when it was looked at.

    Raises:
        OSError: it cannot be opened, or it is a link or a pipe by now: whoever writes here may not have us read files that only we
            may read, nor have us wait for a writer.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no ordinary file")
    return os.fdopen(descriptor, "rb")


class Watch:
    """Since when files did not change, and since when they do.

    Args:
        settle: Seconds after which a file is complete.
    """

    def __init__(self, settle: int) -> None:
        self._settle = settle * SECOND
        self._seen: dict[str, tuple[Entry, int, int]] = {}

    def ready(self, entries: Sequence[Entry], known: dict[str, Known], now: int) -> list[Entry]:
        """Those of `entries` that may be read at the instant `now`; it must be asked again and again."""
        self._seen = {one.name: self._look(one, now) for one in entries}
        return [one for one in entries if self._may_be_read(one, known.get(one.name), now)]

    def rests(self, entry: Entry, now: int) -> bool:
        """Whether it did not change for so long that even a last line without an end is whole."""
        return now - self._seen[entry.name][1] >= bounds.PLANT_GROWS_SECONDS * SECOND

    def _look(self, one: Entry, now: int) -> tuple[Entry, int, int]:
        """The file, since when it has not changed, and since when it has not rested."""
        before = self._seen.get(one.name)
        if before is None:
            changed = min(now, one.changed // 1_000)
            return one, changed, now
        if before[0] == one:
            rests = now - before[1] >= bounds.PLANT_GROWS_SECONDS * SECOND
            return one, min(before[1], now), now if rests else min(before[2], now)
        return one, now, min(before[2], now)

    def _may_be_read(self, one: Entry, known: Known | None, now: int) -> bool:
        if one.size == 0:
            return False
        _, changed, since = self._seen[one.name]
        if known is not None and (known.size, known.changed) == (one.size, one.changed):
            return 0 < known.end < one.size and self.rests(one, now)
        if now - changed >= self._settle:
            return True
        if not one.name.lower().endswith(_TEXTS):
            return False
        grows = known is not None and known.end > 0 and one.size >= known.size
        return grows or now - since >= bounds.PLANT_GROWS_SECONDS * SECOND


class Part(NamedTuple):
    """What of a file is to be read: its header and its new end, or all of it.

    Attributes:
        ranges: From and up to which byte.
        known: What is known of it once that was read.
        whole: Whether that is all of the file that there is by now.
    """

    ranges: tuple[tuple[int, int], ...]
    known: Known
    whole: bool


def part_of(file: BinaryIO, entry: Entry, known: Known | None, *, rests: bool) -> Part | None:
    """What of `file` is to be read now; None where there is nothing new yet.

    Raises:
        OperatorError: it is no table.
        OSError: it cannot be read.
    """
    start = file.read(_CHECKED)
    wide = encoding_of(start).startswith("utf-16")
    if wide or start.startswith(_PACKED) or not entry.name.lower().endswith(_TEXTS):
        return Part(((0, entry.size),), Known(entry.size, entry.changed), whole=True)
    end = _whole_lines(file, entry.size, rests=rests)
    if known is not None and known.end and known.end <= end and _check(file, known.end) == known.check:
        begin = max(0, known.end - bounds.PLANT_OVERLAP_BYTES)
    else:
        begin = 0
    header = _header(file, entry.name, end)
    if end <= header:
        return None
    after = Known(entry.size, entry.changed, end, _check(file, end))
    above = header  # with the rows in which units may stand; those that were read already repeat nothing
    for _ in range(HEADING_ROWS):
        above = _next_line(file, above)
    if begin <= above:
        return Part(((0, end),), after, whole=True)
    return Part(((0, above), (_next_line(file, begin), end)), after, whole=False)


def _whole_lines(file: BinaryIO, size: int, *, rests: bool) -> int:
    """Up to which byte the lines are whole. What is not written yet in room that was made for it is none."""
    if rests:
        return size
    at = size
    while at > 0:
        begin = max(0, at - _BLOCK)
        file.seek(begin)
        block = file.read(at - begin)
        found = block.rfind(b"\n", 0, block.index(b"\0") if b"\0" in block else None)
        if found >= 0:
            return begin + found + 1
        at = begin
    return 0


def _header(file: BinaryIO, name: str, end: int) -> int:
    """How many bytes stand before the first row."""
    file.seek(0)
    head = file.read(min(end, bounds.HISTORIAN_HEAD_BYTES))
    if not head:
        return 0
    encoding = encoding_of(head)
    text = head.decode(encoding, "replace")
    if text.count("\n") < 2 and len(head) == end and "\0" not in text:
        return end
    begins = dialect_of(text, whole=len(head) == end, notices=Notices(name)).begins
    return len(text[:begins].encode(encoding, "replace"))


def _next_line(file: BinaryIO, begin: int) -> int:
    """The first byte of the first line that begins behind `begin`."""
    file.seek(begin)
    while block := file.read(_BLOCK):
        if (found := block.find(b"\n")) >= 0:
            return begin + found + 1
        begin += len(block)
    return begin


def _check(file: BinaryIO, end: int) -> str:
    digest = blake2b(digest_size=16)
    for begin, until in ((0, min(_CHECKED, end)), (max(0, end - _CHECKED), end)):
        file.seek(begin)
        digest.update(file.read(until - begin))
    return digest.hexdigest()


class Cut(io.RawIOBase):
    """Some ranges of a file as if they were all of it.

    Args:
        file: The file.
        ranges: From and up to which byte, in their order.
    """

    def __init__(self, file: BinaryIO, ranges: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self._file, self._ranges = file, ranges
        self._at = 0

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fills `buffer` as far as it can at once."""
        before = 0
        for begin, end in self._ranges:
            if self._at < before + end - begin:
                offset = begin + self._at - before
                self._file.seek(offset)
                data = self._file.read(min(len(buffer), end - offset))
                buffer[: len(data)] = data
                self._at += len(data)
                return len(data)
            before += end - begin
        return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a byte of them."""
        length = sum(end - begin for begin, end in self._ranges)
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: length}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True
