"""What keeps a store small: the judged log becomes Parquet, and old hours go. The writer's work, between its commits."""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path

from tocsin.store.catalogue import Catalogue
from tocsin.store.compaction import Group, Merged, groups
from tocsin.store.disk import Disk
from tocsin.store.folders import unusable
from tocsin.store.followed import Log
from tocsin.store.retention import drop, expired, remove_empty, sweep
from tocsin.store.sealing import Sealed
from tocsin.store.segment import Position, Segment
from tocsin.store.state import State


class Upkeep:
    """Of the store in `root`.

    Args:
        root: Its folder.
        state: Says how far the log was judged.
        catalogue: Lists the files that count.
        log: The log as it is now.
        disk: What removes.
    """

    def __init__(
        self, root: Path, state: State, catalogue: Catalogue, log: Callable[[], Log], disk: Disk
    ) -> None:
        self._root, self._state, self._catalogue, self._log, self._disk = root, state, catalogue, log, disk

    def sealable(self) -> list[Segment]:
        """The closed segments that are judged, oldest first.

        Raises:
            OSError: the disk refused.
        """
        found, position = [], self._state.position()
        for segment in self._log().closed():
            if position < Position(segment.number, segment.path.stat().st_size):
                break
            found.append(segment)
        return found

    def replaced(self, sealed: Sealed) -> None:
        """Lists the files of a segment that was written as Parquet, and lets the segment go.

        Raises:
            OSError: the disk refused to remove it; the same call again lists nothing twice, and tries that again.
            OperatorError: the catalogue could not be written.
        """
        if sealed.number > self._catalogue.sealed():
            self._catalogue.add_sealed(*sealed)
        for segment in self._log().closed():
            if segment.number <= sealed.number:
                self._disk.unlink(segment.path)

    def newest_hour(self) -> str | None:
        """The last ingest hour of which something is sealed."""
        return self._catalogue.newest_hour()

    def mergeable(self, without: Container[Group] = ()) -> list[Group]:
        """The small files to merge next, none where there are none; leaves out those in `without`. See `compaction.py`.

        Raises:
            OperatorError: the catalogue cannot be read.
        """
        return groups(self._catalogue, without)

    def merged(self, done: Merged) -> None:
        """Lists a merged file in place of its parts, and lets those go.

        Raises:
            OSError: the disk refused to remove one; the same call again tries that again.
            OperatorError: the catalogue could not be written.
        """
        listed = self._catalogue.rows(done.path) is not None or self._catalogue.replace(*done)
        gone = done.parts if listed else (done.path,)
        for path in gone:
            self._disk.unlink(self._root / path)
        for kind in {(self._root / path).parent for path in gone}:
            remove_empty(kind, self._disk)
            remove_empty(kind.parent, self._disk)

    def expire(self, days: int, most: int, now: int) -> str | None:
        """Drops the oldest ingest hour, where it is to go; which one, None where nothing is. See `retention.py`.

        Args:
            days: How long events are kept.
            most: Bytes that all of them may take, the log included.
            now: The present instant.

        Raises:
            OperatorError: the disk refused.
        """
        try:
            log = sum(segment.path.stat().st_size for segment in self._log().closed())
            gone = next(iter(expired(self._catalogue.hours(), days, most - log, now)), None)
            if gone is not None:
                drop(self._root, gone, self._catalogue, self._disk)
        except FileNotFoundError:  # the writer of the log cut one off just now
            return None
        except OSError as error:
            raise unusable(self._root, error) from error
        return gone

    def sweep(self) -> int:
        """Removes what a crash left of hours that were dropped; gives how many.

        Raises:
            OperatorError: the disk refused.
        """
        try:
            return sweep(self._root, self._catalogue, self._disk)
        except OSError as error:
            raise unusable(self._root, error) from error
