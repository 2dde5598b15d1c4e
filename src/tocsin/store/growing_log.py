"""The write-ahead log as a process sees it that neither writes nor judges: what is added to it, as far as it is whole.

The segment that was read last is kept open: sealed and gone from its folder, it can still be read to its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tocsin.store.entries import Entry
from tocsin.store.segment import HEADER_BYTES, DamagedError, Position, Segment, frames, read_marker
from tocsin.store.write_ahead import decode_frame, list_segments


class GrowingLog:
    """The log in `folder`, from the position `after` on.

    What is whole may still be taken back by a power cut: the judged position says whether it was acknowledged.
    """

    def __init__(self, folder: Path, after: Position) -> None:
        self._folder = folder
        self._at = after
        self._descriptor: int | None = None
        self._hold(after.segment)

    def added(self) -> Iterator[tuple[Position, Entry]]:
        """The whole entries that were not given yet, each with the position behind it.

        Raises:
            OperatorError: a segment is of another version, or holds what this Tocsin does not know.
            OSError: the folder cannot be read.
        """
        later = [one.number for one in list_segments(self._folder) if one.number > self._at.segment]
        try:
            yield from self._rest()
            for number in later:
                if self._hold(number):
                    self._at = Position(number, 0)
                    yield from self._rest()
        except DamagedError:
            return  # half written just now, or damaged, as its writer says

    def _rest(self) -> Iterator[tuple[Position, Entry]]:
        """What was added to the segment that is open."""
        if self._descriptor is None:
            return
        segment = Segment(Path(f"/proc/self/fd/{self._descriptor}"), self._at.segment)
        marker = read_marker(segment)
        if marker is None:
            return
        self._at = Position(segment.number, max(self._at.offset, HEADER_BYTES))
        for whole in frames(segment, marker, self._at.offset):
            self._at = whole.end
            yield whole.end, decode_frame(segment, whole)

    def _hold(self, number: int) -> bool:
        """Whether the segment with that number is there; then it is the one that is open."""
        try:
            descriptor = os.open(self._folder / f"{number:010d}.wal", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        self.close()
        self._descriptor = descriptor
        return True

    def close(self) -> None:
        """Lets the segment go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
