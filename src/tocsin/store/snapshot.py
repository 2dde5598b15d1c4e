"""What a store holds as of one position of its log, to be copied while another process goes on writing.

Rules:

1. The state is copied by SQLite in one read transaction: nobody waits for it, and free pages are left out.
2. The segments of the log are opened before the state is copied: what is sealed and unlinked meanwhile is still read. Of
   the last one counts what its frames prove to be synced, or what the copied state says was judged.
3. Parquet files never change. One that retention drops before it is copied is named as dropped, as if it had been
   dropped before; one that is missing or of another size though it is listed is named as damaged.
4. While it is taken nobody else takes one, and nothing is forgotten (`forgetting.py`): `backup.lock` is held.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from tocsin.records.errors import OperatorError
from tocsin.store.catalogue import Catalogue
from tocsin.store.database import Database
from tocsin.store.disk import give_to_owner
from tocsin.store.lock import WriterLock
from tocsin.store.segment import Position, proven_end
from tocsin.store.state import State
from tocsin.store.write_ahead import list_segments

BACKUP_LOCK: Final = "backup.lock"
_LAST: Final = "last-backup"
_COPY: Final = "state.sqlite.backup"  # a name of the state's own, so that a store with it is still a store
_TRIES: Final = 5


class Part(NamedTuple):
    """The first `size` bytes of an open segment."""

    number: int
    size: int
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is to be copied.

    Attributes:
        root: The store.
        state: The copied state, one file.
        judged: How far the log was judged.
        end: Where the copied log ends: everything before it was acknowledged.
        segments: Of the log, those that are not sealed, in order.
        files: Parquet files by their path in the store, and their bytes.
    """

    root: Path
    state: Path
    judged: Position
    end: Position
    segments: tuple[Part, ...]
    files: tuple[tuple[str, int], ...]

    def still_listed(self, path: str) -> bool:
        """Whether the store lists the Parquet file `path` at this moment."""
        with closing(Database(self.root / "state.sqlite", write=False)) as database:
            return database.maybe("SELECT 1 FROM files WHERE path = ?", path) is not None


def note_backup(root: Path, now: int) -> None:
    """Notes that a backup of the store in `root` was made at `now` (instant).

    Raises:
        OSError: the disk refused.
    """
    descriptor = os.open(root / _LAST, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        give_to_owner(root, descriptor)
        file.truncate()
        file.write(b"%d" % now)


def last_backup(root: Path) -> int | None:
    """When a backup of the store in `root` was made last; None where none was, or that cannot be read."""
    try:
        descriptor = os.open(root / _LAST, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return int(file.read(20))
    except (OSError, ValueError):
        return None


@contextmanager
def held_still(root: Path) -> Iterator[None]:
    """Nobody takes a snapshot of the store in `root` or forgets anything there meanwhile.

    Raises:
        OperatorError: somebody does.
    """
    try:
        lock = WriterLock(root / BACKUP_LOCK)
    except OperatorError as error:
        raise OperatorError(
            f"The store {root} is being backed up, or something in it forgotten, by another Tocsin.",
            "Wait until that is done, and run this again.",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def snapshot(root: Path) -> Iterator[Snapshot]:
    """A snapshot of the store in `root`, which may be written meanwhile.

    Raises:
        OperatorError: it is no store, is damaged or of another version, has no room for a copy of its state, or another
            process does the same.
    """
    if not (root / "state.sqlite").is_file():
        raise OperatorError(f"{root} is no store.", "Start the service once with `tocsin run`.")
    with held_still(root), ExitStack() as held:
        copy = root / _COPY
        held.callback(remove_copy, root)
        for _ in range(_TRIES):
            with ExitStack() as opened:
                taken = _take(root, copy, opened)
                if taken is not None:
                    held.push(opened.pop_all())
                    break
        else:
            raise OperatorError(
                f"The store {root} changes faster than it can be copied.", "Try again in a moment."
            )
        yield taken


def _take(root: Path, copy: Path, opened: ExitStack) -> Snapshot | None:
    """A snapshot; None where a segment went before it could be opened."""
    files: dict[int, BinaryIO] = {}
    _open_segments(root, files, opened)
    _copy_state(root / "state.sqlite", copy)
    _open_segments(root, files, opened)
    with closing(Database(copy, write=False)) as database:
        judged, sealed = State(database).position(), Catalogue(database).sealed()
        listed = database.all("SELECT path, bytes FROM files ORDER BY path")
    parts = _parts({number: file for number, file in files.items() if number > sealed}, judged)
    wanted = range(sealed + 1, max(judged.segment, sealed, *(one.number for one in parts), 0) + 1)
    if [one.number for one in parts] != list(wanted):
        return None
    end = max(judged, Position(parts[-1].number, parts[-1].size)) if parts else judged
    return Snapshot(root, copy, judged, end, tuple(parts), tuple((path, size) for path, size in listed))


def _open_segments(root: Path, files: dict[int, BinaryIO], opened: ExitStack) -> None:
    for segment in list_segments(root / "wal"):
        if segment.number not in files:
            try:
                files[segment.number] = opened.enter_context(segment.path.open("rb"))
            except FileNotFoundError:  # sealed just now
                continue


def _parts(files: dict[int, BinaryIO], judged: Position) -> list[Part]:
    parts = []
    for number in sorted(files):
        file = files[number]
        size: int | None = os.fstat(file.fileno()).st_size
        if number == max(files):
            size = proven_end(file, number)
            if number == judged.segment:
                size = max(size or 0, judged.offset)
        if size is not None:
            parts.append(Part(number, size, file))
    return parts


def _copy_state(state: Path, copy: Path) -> None:
    remove_copy(copy.parent)
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        with closing(
            sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)
        ) as database:
            database.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        raise OperatorError(
            f"The store's state {state} cannot be copied: {error}.",
            "See that its disk has room for a second copy of that file for as long as a backup takes.",
        ) from error


def remove_copy(root: Path) -> None:
    """Removes the copy of the state of the store in `root`, such as one that was killed left; while it is `held_still`."""
    for name in (_COPY, f"{_COPY}-journal"):
        (root / name).unlink(missing_ok=True)
