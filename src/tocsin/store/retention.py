"""Old events go: whole ingest hours of Parquet, oldest first.

Rules:

1. Hours go by when events were taken in, never by the time that they claim. Where a day's files were merged
   (`compaction.py`), they go together, once the last hour of the day is to go.
2. The catalogue forgets an hour's files in one synced transaction; only then they are unlinked. After a crash between
   the two they count for nothing, and the next `sweep` unlinks them.
3. Unlinking is not synced: a file that a power cut brings back is swept away again.
4. What findings rest on stays: their evidence is pinned in the findings themselves.
5. The newest hour never goes, so the bound on bytes may be passed by what one hour brings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tocsin.records.instants import DAY, HOUR, rfc3339
from tocsin.store.catalogue import Catalogue, Hour
from tocsin.store.disk import Disk

_HOUR_CHARS: Final = 13


def expired(hours: Sequence[Hour], days: int, most: int, now: int) -> list[str]:
    """Which of `hours` are to go, the oldest first.

    Args:
        hours: What is stored, the oldest first.
        days: How long events are kept.
        most: Bytes that they may take.
        now: The present instant.
    """
    oldest = rfc3339(now - days * DAY - HOUR)[:_HOUR_CHARS]
    total = sum(hour.bytes for hour in hours)
    gone = []
    for hour in hours[:-1]:
        if hour.last > oldest and total <= most:
            break
        gone.append(hour.hour)
        total -= hour.bytes
    return gone


def drop(root: Path, hour: str, catalogue: Catalogue, disk: Disk) -> int:
    """Drops the events that were taken in within `hour`; gives how many files went.

    Raises:
        OperatorError: the catalogue could not be written; nothing is gone.
        OSError: a file could not be removed; it counts for nothing any more, and `sweep` tries again.
    """
    files = catalogue.forget(hour)
    _remove(root / "events" / hour, disk)
    return files


def sweep(root: Path, catalogue: Catalogue, disk: Disk) -> int:
    """Removes the hours and days of which no file counts, gives how many; and in the others the files that do not count.

    Never while a segment is being sealed, or files are being merged.

    Raises:
        OSError: a file could not be removed.
    """
    known = catalogue.paths()
    units = {path.split("/")[1] for path in known}
    stray = 0
    for folder in [one for one in (root / "events").iterdir() if one.is_dir()]:
        if folder.name not in units:
            _remove(folder, disk)
            stray += 1
            continue
        for kind in _listed(folder):
            for file in _listed(kind):
                if file.relative_to(root).as_posix() not in known:
                    disk.unlink(file)
            remove_empty(kind, disk)
    return stray


def remove_empty(folder: Path, disk: Disk) -> None:
    """Removes `folder` where nothing is in it."""
    if not any(_listed(folder)):
        disk.remove_directory(folder)


def _remove(folder: Path, disk: Disk) -> None:
    for kind in _listed(folder):
        for file in _listed(kind):
            disk.unlink(file)
        disk.remove_directory(kind)
    disk.remove_directory(folder)


def _listed(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(folder.iterdir())
