"""The primitives that the store's durability rests on: the only module that writes, syncs, renames or unlinks.

Every sync has a name (`SITES`). The power-cut tests replace `Disk` by one that records what it does, rebuild what a
disk would hold after each step from synced bytes alone, and take each sync away in turn to see the loss it prevents.
SQLite syncs for itself (`state.py` sets synchronous=FULL).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

Site = Literal[
    "store.parent", "store.directory", "wal.header", "wal.directory", "wal.frames", "wal.taken_up",
    "sealed.file", "sealed.directory", "sealed.parents",
]  # fmt: skip
SITES: Final[tuple[Site, ...]] = (
    "store.parent",  # the store's own folder has a name
    "store.directory",  # so have wal/ and events/ in it
    "wal.header",  # a segment's header is whole before any frame follows it
    "wal.directory",  # a new segment has a name
    "wal.frames",  # frames are on the disk: the acknowledgement
    "wal.taken_up",  # what a killed process left unsynced, before it is judged or followed
    "sealed.file",  # a Parquet file's bytes, before it takes its name
    "sealed.directory",  # its name, before the segment goes
    "sealed.parents",  # and the folders above it
)

_IOV_MAX: Final = 1024  # POSIX promises 16; Linux, macOS and the BSDs have 1024


def give_to_owner(folder: Path, descriptor: int) -> None:
    """As root: makes what was just made in `folder`, open as `descriptor`, belong to the folder's owner, as far as root may.

    So that a service can go on with a store in which root ran a command.
    """
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            owner = folder.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


class Disk:
    """The real disk. All methods raise OSError as the system does."""

    def make_directory(self, path: Path) -> None:
        """Makes `path` (0700: logs are private); nothing happens where it exists. Its name is not synced."""
        if path.is_dir():
            return
        path.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner(path.parent, descriptor)
        finally:
            os.close(descriptor)

    def create(self, path: Path) -> int:
        """A descriptor (0600) that appends to the new file `path`."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        give_to_owner(path.parent, descriptor)
        return descriptor

    def reopen(self, path: Path) -> int:
        """A descriptor that appends to the existing file `path`."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def write(self, descriptor: int, parts: Sequence[bytes | memoryview]) -> int:
        """Appends `parts` with as few system calls as the kernel takes; gives the bytes written."""
        left = [memoryview(part).cast("B") for part in parts if len(part)]
        written = 0
        while left:
            done = os.writev(descriptor, left[:_IOV_MAX])
            written += done
            while left and done >= len(left[0]):
                done -= len(left.pop(0))
            if done:
                left[0] = left[0][done:]
        return written

    def sync_data(self, descriptor: int, site: Site) -> None:
        """Waits until the bytes of the file, and its length, are on the disk."""
        del site
        getattr(os, "fdatasync", os.fsync)(descriptor)

    def sync_directory(self, path: Path, site: Site) -> None:
        """Waits until the names in the folder `path` are on the disk."""
        del site
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cuts the file to `size` bytes."""
        os.ftruncate(descriptor, size)

    def rename(self, old: Path, new: Path) -> None:
        """Gives the file `old` the name `new` in one step, replacing what had it."""
        old.replace(new)

    def unlink(self, path: Path) -> None:
        """Removes the name `path`; nothing happens where it is gone."""
        path.unlink(missing_ok=True)

    def remove_directory(self, path: Path) -> None:
        """Removes the empty folder `path`; nothing happens where it is gone."""
        with contextlib.suppress(FileNotFoundError):
            path.rmdir()

    def close(self, descriptor: int) -> None:
        """Closes `descriptor`; syncs nothing."""
        os.close(descriptor)
