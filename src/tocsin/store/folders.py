"""The folders of a store, and what to say where there can be none."""

from __future__ import annotations

from pathlib import Path

from tocsin.records.errors import OperatorError
from tocsin.store.disk import Disk

_OWN_NAMES = {
    "lock",
    "wal.lock",
    "backup.lock",
    "last-backup",
    "wal",
    "events",
    "status.json",
    "status.json.new",
    "collect.sock",
    "collect.new",
    "plant",
    "bell.lock",
    "starter",
}


def make_folders(root: Path, disk: Disk) -> None:
    """The store's folders, their names synced (again on each opening: who made them may have been killed before)."""
    if root.is_dir() and any(path.name not in _OWN_NAMES and not _is_state(path) for path in root.iterdir()):
        raise OperatorError(
            f"{root} holds other files and is no store.", "Name a new or empty folder with --store."
        )
    if not root.parent.is_dir():
        raise OperatorError(
            f"The folder {root.parent} does not exist.", "Make it, or name another folder with --store."
        )
    disk.make_directory(root)
    disk.sync_directory(root.parent, "store.parent")
    for name in ("wal", "events"):
        disk.make_directory(root / name)
    disk.sync_directory(root, "store.directory")


def prepare(root: Path, disk: Disk) -> None:
    """Makes the store's folders, and opens nothing.

    Raises:
        OperatorError: they cannot be made, or `root` is some other folder.
    """
    try:
        make_folders(root, disk)
    except OSError as error:
        raise unusable(root, error) from error


def _is_state(path: Path) -> bool:
    return path.name.startswith("state.sqlite")


def unusable(root: Path, error: OSError) -> OperatorError:
    """What the system's `error` means for the operator."""
    return OperatorError(
        f"The store {root} cannot be used: {error.strerror or error}.",
        "See that the disk has room and that you may write there, then start Tocsin again.",
    )
