"""How far judging is behind: what the log holds beyond the committed position."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tocsin.records.errors import OperatorError
from tocsin.records.received import Received
from tocsin.store.segment import HEADER_BYTES, Position
from tocsin.store.write_ahead import list_segments, read_between


class Backlog(NamedTuple):
    """Bytes of the log that were not judged, and when the oldest event in them arrived (instant; None where there is none)."""

    bytes: int
    since: int | None


def backlog(folder: Path, position: Position, end: Position | None) -> Backlog:
    """The backlog of the log in `folder` that was judged up to `position`.

    Args:
        folder: Holds the segments.
        position: How far it was judged.
        end: Where it ends; None: where its last file does, a torn tail of it included.

    Raises:
        OSError: the folder cannot be read.
    """
    size, last = 0, position
    for segment in list_segments(folder):
        if segment.number < position.segment or (end is not None and segment.number > end.segment):
            continue
        try:
            length = segment.path.stat().st_size
        except FileNotFoundError:  # it was sealed meanwhile
            continue
        if end is not None and segment.number == end.segment:
            length = end.offset
        judged = position.offset if segment.number == position.segment else HEADER_BYTES
        size += max(0, length - max(judged, HEADER_BYTES))
        last = Position(segment.number, length)
    return Backlog(size, _oldest(folder, position, last) if size else None)


def _oldest(folder: Path, position: Position, end: Position) -> int | None:
    try:
        entries = (entry for _, entry in read_between(folder, position, end) if isinstance(entry, Received))
        first = next(entries, None)
    except (OperatorError, OSError):  # being written just now, or sealed, or damaged, as its writer says
        return None
    return first.arrived if first is not None else None
