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
