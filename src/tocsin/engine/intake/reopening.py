"""The log after a full disk: what the failed write left is cut off, and a new segment is begun.

What follows the acknowledged end was told to nobody, and after a failed sync the kernel may hold as clean what the
disk does not have. So it goes, whole frames too, and nothing is written to that segment again.
"""

from __future__ import annotations

from tocsin.store.disk import Disk
from tocsin.store.segment import Position
from tocsin.store.write_ahead import WriteAhead, list_segments


def cut_failed(failed: WriteAhead, disk: Disk) -> WriteAhead:
    """The log anew, ending where the one that failed had acknowledged; its next `append` begins a new segment.

    Raises:
        OSError: the disk still refuses.
        OperatorError: acknowledged bytes are damaged or missing.
    """
    failed.rotate()
    end = failed.end
    for segment in list_segments(failed.folder):
        if segment.number > end.segment:
            disk.unlink(segment.path)
        elif segment.number == end.segment and segment.path.stat().st_size > end.offset:
            descriptor = disk.reopen(segment.path)
            try:
                disk.truncate(descriptor, end.offset)
                disk.sync_data(descriptor, "wal.taken_up")
            finally:
                disk.close(descriptor)
    disk.sync_directory(failed.folder, "wal.directory")
    return _opened(failed, end, disk)


def _opened(failed: WriteAhead, end: Position, disk: Disk) -> WriteAhead:
    """The segments before the oldest one left were sealed meanwhile; everything up to `end` was acknowledged."""
    left = list_segments(failed.folder)
    log = WriteAhead(failed.folder, end, left[0].number - 1 if left else end.segment, disk)
    log.rotate()
    return log
