"""The write-ahead log: totally ordered segments in one folder; what `append` returned from is acknowledged.

Rules:

1. `append` writes its frames with one `writev` and one `fdatasync`, then returns: acknowledged. A new segment's header
   and name are synced before its first frame.
2. Segments are numbered without gaps; the order of frames is the order of `append`.
3. On opening for writing, a torn tail of the last segment is cut off and told in `notices`, and what is left is synced:
   a killed process may have written whole frames that only the page cache holds, and they are judged from now on.
   Damage that touches what was acknowledged is an OperatorError that names the file.
4. After a failed write or sync nothing more is written: what the kernel kept of it is unknown.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.store.disk import Disk
from tocsin.store.entries import Entry, decode
from tocsin.store.segment import (
    HEADER_BYTES,
    MARKER_BYTES,
    DamagedError,
    Frame,
    Position,
    Segment,
    frame,
    frames,
    header,
    proves_synced,
    read_marker,
)

SUFFIX = ".wal"


class WriteAhead:
    """The log in `folder`, open for writing.

    Args:
        folder: Holds the segments and nothing else; must exist.
        committed: How far the log was judged; everything before it had been acknowledged.
        sealed: Number of the last segment that may be gone because it is sealed.
        disk: What writes and syncs.

    Raises:
        OperatorError: acknowledged bytes are damaged or missing.
    """

    def __init__(self, folder: Path, committed: Position, sealed: int, disk: Disk) -> None:
        self.folder = folder
        self.notices: list[str] = []
        self._disk = disk
        self._descriptor: int | None = None
        self._failed = False
        self._end = committed
        self._marker = b""
        segments = list_segments(folder)
        _demand_unbroken(folder, segments, committed, sealed)
        while segments and not self._take_up(segments[-1], committed):
            segments.pop()

    @property
    def end(self) -> Position:
        """Where the acknowledged log ends."""
        return self._end

    def append(self, entries: Sequence[tuple[int, bytes]]) -> Position:
        """Acknowledges `entries` (kind, payload): gives the position behind them once they are synced.

        Raises:
            OperatorError: the disk refused; nothing of `entries` is acknowledged and the log takes no more.
        """
        if self._failed:
            raise self._refused("an earlier write failed")
        try:
            descriptor = self._room()
            acknowledged = self._end.offset
            parts = [
                part for kind, payload in entries for part in frame(self._marker, kind, payload, acknowledged)
            ]
            written = self._disk.write(descriptor, parts)
            self._disk.sync_data(descriptor, "wal.frames")
        except OSError as error:
            self._failed = True
            raise self._refused(error.strerror or str(error)) from error
        except BaseException:  # interrupted: what was written is unknown
            self._failed = True
            raise
        self._end = Position(self._end.segment, acknowledged + written)
        return self._end

    def rotate(self) -> None:
        """Closes the current segment, so that it can be sealed; the next `append` begins another."""
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    def closed(self) -> list[Segment]:
        """The segments that get no more frames, oldest first."""
        segments = list_segments(self.folder)
        return segments if self._descriptor is None else [s for s in segments if s.number < self._end.segment]

    def read(self, after: Position, until: Position) -> Iterator[tuple[Position, Entry]]:
        """The acknowledged entries between two positions, in order, each with the position behind it.

        Raises:
            OperatorError: a segment is damaged.
        """
        return read_between(self.folder, after, until)

    def close(self) -> None:
        """Closes the log. Nothing is left to sync."""
        self.rotate()

    def _room(self) -> int:
        """The descriptor to append to, of a new segment where the last is closed or full."""
        if self._end.offset >= bounds.WAL_SEGMENT_BYTES:
            self.rotate()
        if self._descriptor is None:
            self._begin(self._end.segment + 1)
        assert self._descriptor is not None
        return self._descriptor

    def _begin(self, number: int) -> None:
        marker = os.urandom(MARKER_BYTES)
        descriptor = self._disk.create(self.folder / f"{number:010d}{SUFFIX}")
        self._disk.write(descriptor, [header(number, marker)])
        self._disk.sync_data(descriptor, "wal.header")
        self._disk.sync_directory(self.folder, "wal.directory")
        self._descriptor, self._marker, self._end = descriptor, marker, Position(number, HEADER_BYTES)

    def _take_up(self, last: Segment, committed: Position) -> bool:
        """Goes on in the last segment, without its torn tail; False where it held nothing at all and is gone."""
        marker = read_marker(last)
        known = committed.offset if committed.segment == last.number else 0
        if marker is None:
            if known:
                raise last.corrupt(0, "its header is missing")
            self._disk.unlink(last.path)
            self.notices.append(f"{last.path}: the power went while this segment was begun; it held nothing")
            return False
        end = self._whole_until(last, marker, known)
        self._descriptor = self._disk.reopen(last.path)
        self._marker, self._end = marker, Position(last.number, end)
        torn = last.path.stat().st_size - end
        if torn:
            self._disk.truncate(self._descriptor, end)
            self.notices.append(
                f"{last.path}: cut off {torn} bytes that were being written when Tocsin last stopped"
            )
        self._disk.sync_data(self._descriptor, "wal.taken_up")
        self._disk.sync_directory(self.folder, "wal.directory")
        return True

    @staticmethod
    def _whole_until(last: Segment, marker: bytes, known: int) -> int:
        """The offset behind the last whole frame; `known` had been acknowledged."""
        end = max(known, HEADER_BYTES)
        if last.path.stat().st_size < end:
            raise last.corrupt(last.path.stat().st_size, "what was written after this byte is missing")
        try:
            for whole in frames(last, marker, end):
                end = whole.end.offset
        except DamagedError as damage:
            if proves_synced(last, marker, damage.offset):
                raise last.corrupt(damage.offset, damage.why) from damage
        return end

    def _refused(self, why: str) -> OperatorError:
        return OperatorError(
            f"The disk under {self.folder} refused a write: {why}.",
            "Make room or mend the disk, then start Tocsin again; nothing that was acknowledged is lost.",
        )


def list_segments(folder: Path) -> list[Segment]:
    """The segments in `folder`, oldest first.

    Raises:
        OperatorError: a file there has no segment's name.
    """
    segments = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if not path.stem.isdecimal():
            raise OperatorError(
                f"{path} is no segment of the store's log.", "Move it out of the store's folder."
            )
        segments.append(Segment(path, int(path.stem)))
    return segments


def read_between(folder: Path, after: Position, until: Position) -> Iterator[tuple[Position, Entry]]:
    """The entries in `folder` between two positions that were acknowledged, each with the position behind it.

    Raises:
        OperatorError: a segment is damaged.
    """
    for segment in list_segments(folder):
        if after.segment <= segment.number <= until.segment:
            start = max(after.offset if segment.number == after.segment else 0, HEADER_BYTES)
            if segment.number == until.segment and start >= until.offset:
                return  # what comes behind it may be half written
            for whole in whole_frames(segment, start):
                if whole.end > until:
                    return
                yield whole.end, decode_frame(segment, whole)
                if whole.end == until:
                    return


def decode_frame(segment: Segment, whole: Frame) -> Entry:
    """The entry in a frame whose checksum was right.

    Raises:
        OperatorError: a newer Tocsin wrote it.
    """
    try:
        return decode(whole.kind, whole.payload)
    except ValueError as error:
        raise OperatorError(
            f"The store's log {segment.path} holds at byte {whole.end.offset} what this Tocsin does not know: {error}.",
            "Use the Tocsin that wrote it, or a newer one.",
        ) from error


def whole_frames(segment: Segment, start: int) -> Iterator[Frame]:
    """The frames of `segment` from offset `start` (0: the first one); damage of any kind is an OperatorError."""
    marker = read_marker(segment)
    if marker is None:
        raise segment.corrupt(0, "its header is missing")
    try:
        yield from frames(segment, marker, max(start, HEADER_BYTES))
    except DamagedError as damage:
        raise segment.corrupt(damage.offset, damage.why) from damage


def _demand_unbroken(folder: Path, segments: Sequence[Segment], committed: Position, sealed: int) -> None:
    """Refuses a log that lacks a segment which is neither sealed nor yet to be written."""
    numbers = {segment.number for segment in segments}
    last = max(numbers | {committed.segment})
    for number in range(sealed + 1, last + 1):
        if number not in numbers:
            raise OperatorError(
                f"The store's log lacks its segment {folder / f'{number:010d}{SUFFIX}'}.",
                "Restore the store from a backup, or scan the sources again into a new store.",
            )
