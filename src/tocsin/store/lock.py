"""One writer at a time: advisory locks on files in the store's folder (flock(2); the kernel drops them with us).

`lock` is held by who writes the state; `wal.lock` by a process that takes events in and writes the log for it, `bell.lock` by
one that hands messages over. Those may live a moment longer than who started them, so whoever wants the same waits for them to end.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
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
_BELL_LOCK = "bell.lock"
_LOOK_SECONDS = 0.05


@contextmanager
def log_to_itself(root: Path) -> Iterator[None]:
    """The write-ahead log of the store in `root` is written by nobody else meanwhile.

    Raises:
        OperatorError: a process that takes events in does not end.
    """
    until = time.monotonic() + 2 * bounds.STOP_SECONDS
    lock = _waited_for(root / LOG_LOCK, lambda: time.monotonic() < until)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def bell_to_itself(root: Path, waits: Callable[[], bool]) -> Iterator[None]:
    """The messages of the store in `root` are handed over by nobody else meanwhile.

    Raises:
        OperatorError: another process still does, and `waits` says to wait no more.
    """
    try:
        lock = _waited_for(root / _BELL_LOCK, waits)
    except OperatorError:
        raise OperatorError(
            "what rang before, for a service that was killed, still hands messages over.",
            "See what it waits for, or end it.",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _waited_for(path: Path, waits: Callable[[], bool]) -> WriterLock:
    while True:
        try:
            return WriterLock(path)
        except OperatorError:
            if not waits():
                raise
        time.sleep(_LOOK_SECONDS)


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
