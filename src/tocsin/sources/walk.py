"""The files that the operator's paths mean, in a fixed order."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Found:
    """A file.

    Attributes:
        path: Where it is.
        source: Its name as the operator gave it.
        named: Whether the operator named this very file, and no folder that it is in.
    """

    path: Path
    source: str
    named: bool


def files(paths: Sequence[str]) -> Iterator[Found | SetAside]:
    """The files, folders in sorted order, hidden files left out.

    Within one folder that was given, a file or folder that links lead to more than once is read once: `current ->
    2026-03-01/` must not double events, and folders that link to each other must not multiply.
    """
    for path in paths:
        if Path(path).is_dir():
            found = False
            for file in _below(path):
                found = True
                yield file
            if not found:
                yield SetAside(path, None, None, "the folder holds no files")
        else:
            yield Found(Path(path), path, named=True)


def _below(folder: str) -> Iterator[Found | SetAside]:
    """The files below `folder`; without recursion, for folders nest deeper than Python calls do."""
    met: set[tuple[int, int]] = set()  # device, inode
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            status = os.stat(path)  # noqa: PTH116  as above
        except OSError as error:
            yield SetAside(path, None, None, f"cannot be read: {error.strerror}")
            continue
        here = (status.st_dev, status.st_ino)
        if here in met:
            continue
        met.add(here)
        if stat.S_ISREG(status.st_mode):
            yield Found(Path(path), path, named=False)
        elif stat.S_ISDIR(status.st_mode):
            try:
                names = sorted(os.listdir(path), reverse=True)  # noqa: PTH208  as above
            except OSError as error:
                yield SetAside(path, None, None, f"the folder cannot be read: {error.strerror}")
                continue
            waiting += [os.path.join(path, name) for name in names if not name.startswith(".")]  # noqa: PTH118
        else:
            yield SetAside(path, None, None, "no regular file but a device, pipe or socket")
