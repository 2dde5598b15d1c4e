"""One writer at a time: advisory locks on files in the store's folder (flock(2); the kernel drops them with us).

`lock` is held by who writes the state; `wal.lock` by a process that takes events in and writes the log for it. That one
may live a moment longer than who started it, so whoever opens the log waits for it to end.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.store.disk import give_to_owner


class WriterLock:
    """Held from construction to `release`.

    Raises:
        OperatorError: another process (or another `Store` in this one) writes to the store.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = _opened(path)
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


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    give_to_owner(path.parent, descriptor)
    return descriptor


LOG_LOCK = "wal.lock"
_LOOK_SECONDS = 0.05


@contextmanager
def log_to_itself(root: Path) -> Iterator[None]:
    """The write-ahead log of the store in `root` is written by nobody else meanwhile.

    Raises:
        OperatorError: a process that takes events in does not end.
    """
    until = time.monotonic() + 2 * bounds.STOP_SECONDS
    while True:
        try:
            lock = WriterLock(root / LOG_LOCK)
            break
        except OperatorError:
            if time.monotonic() >= until:
                raise
            time.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()


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
