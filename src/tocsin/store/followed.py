"""The write-ahead log as the process sees it that judges: another one, which takes events in, writes it.

Rules:

1. What is read lies before `end`, which the writer publishes after the sync: nothing is judged that a power cut could
   take back.
2. The writer begins a segment only when it left the one before, so all segments before that of `end` get no more frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from tocsin.store.entries import Entry
from tocsin.store.segment import Position, Segment
from tocsin.store.write_ahead import list_segments, read_between


class Log(Protocol):
    """What a store needs of its log; `WriteAhead` for a store that also appends."""

    @property
    def end(self) -> Position:
        """Where the acknowledged log ends."""

    def append(self, entries: Sequence[tuple[int, bytes]]) -> Position:
        """Acknowledges entries (kind, payload)."""

    def rotate(self) -> None:
        """Closes the current segment, so that it can be sealed."""

    def closed(self) -> list[Segment]:
        """The segments that get no more frames, oldest first."""

    def read(self, after: Position, until: Position) -> Iterator[tuple[Position, Entry]]:
        """The acknowledged entries between two positions, each with the position behind it."""

    def close(self) -> None:
        """Closes the log."""


class FollowedLog:
    """The log in `folder`, which another process writes.

    Args:
        folder: Holds the segments.
        published: Where the acknowledged log ends, as its writer said last; it never goes back.
    """

    def __init__(self, folder: Path, published: Callable[[], Position]) -> None:
        self._folder = folder
        self._published = published

    @property
    def end(self) -> Position:
        """Where the acknowledged log ends."""
        return self._published()

    def append(self, entries: Sequence[tuple[int, bytes]]) -> Position:
        """Nobody may: the log has one writer.

        Raises:
            RuntimeError: always.
        """
        del entries
        raise RuntimeError("this log is written by the process that takes events in")

    def rotate(self) -> None:
        """Nothing: its writer closes segments."""

    def closed(self) -> list[Segment]:
        """The segments that get no more frames, oldest first."""
        return [segment for segment in list_segments(self._folder) if segment.number < self.end.segment]

    def read(self, after: Position, until: Position) -> Iterator[tuple[Position, Entry]]:
        """The acknowledged entries between two positions, in order, each with the position behind it.

        Raises:
            OperatorError: a segment is damaged.
        """
        return read_between(self._folder, after, until)

    def close(self) -> None:
        """Nothing is open."""
