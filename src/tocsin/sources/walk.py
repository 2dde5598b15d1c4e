"""The files that the operator's paths mean, in a fixed order."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from tocsin.records.errors import OperatorError
from tocsin.records.event import SetAside


def check(paths: Sequence[str]) -> None:
    """That every path exists and is a file or folder.

    Raises:
        OperatorError: one does not, or is a device or pipe.
    """
    for path in paths:
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116  a path may hold what Path would change
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no valid path"
            raise OperatorError(
                f"{path!r} cannot be read: {reason}.", "Check the path and its permissions."
            ) from None
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OperatorError(f"{path!r} is no file or folder.", "Save the log to a file first.")


def files(paths: Sequence[str]) -> Iterator[tuple[Path, str] | SetAside]:
    """(path, its name as the operator gave it) of each file, folders in sorted order, hidden files left out."""
    for path in paths:
        if Path(path).is_dir():
            found = False
            for file in _folder(path, frozenset()):
                found = True
                yield file
            if not found:
                yield SetAside(path, None, None, "the folder holds no files")
        else:
            yield Path(path), path


def _folder(path: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[Path, str] | SetAside]:
    """The files below `path`; `above` are the folders (device, inode) that it lies in, so that links cannot loop."""
    try:
        status = os.stat(path)  # noqa: PTH116  as above
        names = sorted(os.listdir(path))  # noqa: PTH208  as above
    except OSError as error:
        yield SetAside(path, None, None, f"the folder cannot be read: {error.strerror}")
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        yield SetAside(path, None, None, "a link that leads back to a folder above it was not followed")
        return
    for name in names:
        if not name.startswith("."):
            yield from _entry(os.path.join(path, name), above | {here})  # noqa: PTH118  as above


def _entry(path: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[Path, str] | SetAside]:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  as above
    except OSError as error:
        yield SetAside(path, None, None, f"cannot be read: {error.strerror}")
        return
    if stat.S_ISDIR(mode):
        yield from _folder(path, above)
    elif stat.S_ISREG(mode):
        yield Path(path), path
    else:
        yield SetAside(path, None, None, "no regular file but a device, pipe or socket")
