"""One file that grows: its next whole lines, and whether it still begins and goes on as it was when they were read."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.records.file_mark import CHECKED_BYTES, FileMark, check_of, checked_length
from tocsin.sources.listened.file_lines import directives, is_directed, record_lines
from tocsin.sources.listened.splunk_hec import raw_lines

Key = tuple[int, int]
"""Device and inode."""

_HEAD: Final = bounds.TAIL_HEAD_BYTES + bounds.TAIL_HEADER_BYTES
_DIRECTIVE: Final = (b"#", b"\xef\xbb\xbf#")
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"LPKSHHRH")


class NoLog(Exception):  # noqa: N818  an answer, not a failure
    """The file is none whose lines can be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """Whole lines that were read and are not in the log yet.

    Attributes:
        end: Bytes of the file up to the part's end.
        count: Records in it.
        cut: Whether its line is longer than a line may be, and goes on behind it.
        header: What names the columns from here on.
    """

    body: bytes
    end: int
    count: int
    cut: bool
    header: Mapping[bytes, bytes]


@dataclass(slots=True)
class GrowingFile:
    """An open file.

    Attributes:
        path: Where it was met first.
        mark: How far the log has it; None before its first record.
        offset: Where the next part starts: behind the mark where blank lines follow it.
        seen: Size and time of change when it was read last.
        grew: Seconds on the caller's clock at which it was seen to grow.
        more: Whether there was more to read than one part.
        named: What the operator calls its format, "" where nothing.
        start: Its head, once it is fixed.
    """

    descriptor: int
    path: Path
    mark: FileMark | None = None
    offset: int = 0
    seen: tuple[int, int] = (-1, 0)
    grew: float = 0.0
    more: bool = False
    named: str = ""
    start: bytes = b""
    header: Mapping[bytes, bytes] = field(default_factory=dict)
    directed: bool = False

    def close(self) -> None:
        """Closes it."""
        os.close(self.descriptor)

    def state(self) -> tuple[int, int]:
        """Its size and its time of change."""
        now = os.fstat(self.descriptor)
        return now.st_size, now.st_mtime_ns

    def piece(self, start: int, length: int) -> bytes:
        """`length` bytes from `start` on, fewer at the end.

        Raises:
            OSError: the disk refused.
        """
        parts = []
        while length > 0 and (part := os.pread(self.descriptor, length, start)):
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return b"".join(parts)

    def agrees(self, mark: FileMark) -> bool:
        """Whether what it holds is what was read up to `mark`, as far as head and last piece tell."""
        length = checked_length(mark.check)
        return (
            check_of(self.piece(mark.end - length, length)) == mark.check
            and sha256(self.piece(0, mark.head)).hexdigest() == mark.fingerprint
        )

    def goes_on(self, mark: FileMark) -> None:
        """Takes up where `mark` says."""
        self.mark, self.offset, self.start = mark, mark.end, self.piece(0, mark.head)
        self.directed = is_directed(self.piece(0, bounds.TAIL_HEAD_BYTES))
        if self.directed:
            self._find_header(mark.end)

    def next(self, *, settled: bool) -> Part | None:
        """What to take in next, None where there is nothing yet.

        Args:
            settled: Whether a last line without its line feed is to be taken as it stands.

        Raises:
            OSError: the disk refused.
            NoLog: it starts as no text does.
        """
        if not self.offset:
            self._demand_text()
        block = self.piece(self.offset, bounds.TAIL_CHUNK_BYTES)
        cut = False
        end = block.rfind(b"\n") + 1
        if not end and len(block) == bounds.TAIL_CHUNK_BYTES:
            block = self.piece(self.offset, bounds.TAIL_LINE_BYTES)
            end = block.find(b"\n") + 1
            cut = not end and len(block) == bounds.TAIL_LINE_BYTES
        if not end and (cut or settled):
            end = len(block)
        self.more = len(block) >= bounds.TAIL_CHUNK_BYTES
        return self._part(block[:end], cut=cut) if end else None

    def begins_anew(self) -> None:
        """It holds something else than what was read."""
        self.mark, self.offset, self.start, self.header = None, 0, b"", {}

    def head(self, part: Part) -> bytes:
        """What the file is known by: its start as it was when `part`, its first one, was read."""
        if not self.start:
            start = part.body if not self.offset else self.piece(0, min(part.end, _HEAD))
            at = _behind_directives(start) if self.directed else 0
            self.start = start[: min(at + bounds.TAIL_HEAD_BYTES, _HEAD)]
        return self.start

    def _part(self, body: bytes, *, cut: bool) -> Part:
        header = self.header
        if self.directed:
            body = _until_directives(body)
            self.more = True
            header = directives(raw_lines(body[: _behind_directives(body)]), header)
        count = sum(1 for _ in record_lines(body, directed=self.directed))
        return Part(body, self.offset + len(body), count, cut, header)

    def _demand_text(self) -> None:
        start = self.piece(0, bounds.TAIL_HEAD_BYTES)
        if b"\0" in start or start.startswith(_PACKED):
            raise NoLog("it holds no lines of text")
        self.directed = is_directed(start)

    def _find_header(self, until: int) -> None:
        """Reads again what names the columns at `until`: it may stand anywhere before."""
        self.header, at, rest = {}, 0, b""
        while at < until and (block := self.piece(at, min(bounds.TAIL_LINE_BYTES, until - at))):
            at += len(block)
            lines = (rest + block).split(b"\n")
            rest = lines.pop()[: bounds.TAIL_LINE_BYTES]
            named = (line.rstrip(b"\r") for line in lines if line.startswith(_DIRECTIVE))
            self.header = directives(named, self.header)


def opened(path: Path, trusted: Path) -> tuple[GrowingFile, Key]:
    """The file at `path`, open.

    Args:
        path: Where it is.
        trusted: The part of `path` that the operator wrote: links in it are theirs.

    Raises:
        OSError: it cannot be opened.
        NoLog: it is no file, or a link leads to it that another made than who owns it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    found = os.fstat(descriptor)
    try:
        _refuse_others(path, trusted, found)
    except BaseException:
        os.close(descriptor)
        raise
    return GrowingFile(descriptor, path), (found.st_dev, found.st_ino)


def _refuse_others(path: Path, trusted: Path, found: os.stat_result) -> None:
    """Devices, and links of others.

    Who may write in a followed folder could else have any file read that this process may read.

    The rule is the kernel's for such folders (`fs.protected_symlinks`, proc_sys_fs(5)): a link counts where root, this user
    or the owner of its target made it.
    """
    if not stat.S_ISREG(found.st_mode):
        raise NoLog("it is no file")
    allowed = {0, os.geteuid(), found.st_uid}
    for one in (path, *path.parents):
        if one == trusted:
            break
        link = one.lstat()
        if stat.S_ISLNK(link.st_mode) and link.st_uid not in allowed:
            raise NoLog(f"{one.name} is a link that another made than who owns what it leads to")
    if not os.path.samestat(path.stat(), found):
        raise NoLog("another file stands there now")


def holds_no_more(file: GrowingFile, holder: GrowingFile) -> bool:
    """Whether all that `file` holds stands in `holder` at the same place, as far as the last piece tells."""
    size = file.state()[0]
    start = max(0, size - CHECKED_BYTES)
    return size <= holder.state()[0] and file.piece(start, size - start) == holder.piece(start, size - start)


def _until_directives(body: bytes) -> bytes:
    """`body` up to the first line with `#` behind one without: a header counts for a whole part."""
    following = body.find(b"\n#", _behind_directives(body))
    return body if following < 0 else body[: following + 1]


def _behind_directives(body: bytes) -> int:
    """Where the lines with `#` end that `body` starts with."""
    at = 0
    while body.startswith(_DIRECTIVE, at) and (end := body.find(b"\n", at)) >= 0:
        at = end + 1
    return at
