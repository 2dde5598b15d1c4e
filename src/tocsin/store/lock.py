"""One writer at a time: an advisory lock on `lock` in the store's folder (flock(2); the kernel drops it with us)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tocsin.records.errors import OperatorError


class WriterLock:
    """Held from construction to `release`.

    Raises:
        OperatorError: another process (or another `Store` in this one) writes to the store.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise OperatorError(
                f"Another Tocsin is writing to the store {path.parent}.",
                "Wait until it is done, or name another folder with --store.",
            ) from None

    def release(self) -> None:
        """Lets the next writer in."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Whether a writer holds the lock at `path`; False where there is none.

    It is asked by taking a shared lock for a moment, in which a writer that starts would be turned away.

    Raises:
        OSError: the lock's file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
