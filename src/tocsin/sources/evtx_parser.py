"""Asks the EVTX worker process (`evtx_worker`), and outlives it."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from tocsin.config import bounds
from tocsin.sources.evtx_worker import LENGTH, REASON, RECORD

_COMMAND = (
    sys.executable,
    "-P",
    "-m",
    "tocsin.sources.evtx_worker",
)  # -P: nothing is imported from the current folder
_MOST_ANSWER_BYTES = 512 * bounds.MiB


class EvtxParser:
    """Parses chunks in a worker, which starts at the first chunk and is started anew after it failed.

    Attributes:
        failures: Chunks on which the worker died or was killed.
    """

    def __init__(self, seconds: float = bounds.EVTX_CHUNK_SECONDS) -> None:
        self._seconds = seconds
        self._worker: subprocess.Popen[bytes] | None = None
        self.failures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            worker.communicate()

    def parse(self, file: bytes) -> tuple[list[tuple[int, str]], str]:
        """(number, JSON text) of each record in an EVTX file of one chunk, and why some are missing ('' if none is).

        Raises:
            OSError: no process can be started.
        """
        worker = self._running()
        timer = threading.Timer(self._seconds, worker.kill)
        timer.start()
        try:
            answer = _asked(worker, file)
        finally:
            timer.cancel()
        if answer is None:
            self.failures += 1
            self.close()
            return [], f"the EVTX parser failed on this chunk or took longer than {self._seconds:g} seconds"
        return _records(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._worker is None:
            self._worker = subprocess.Popen(  # noqa: S603  our own module, no shell
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._worker


def _asked(worker: subprocess.Popen[bytes], file: bytes) -> bytes | None:
    """The worker's answer; None where it died."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(LENGTH.pack(len(file)) + file)
        worker.stdin.flush()
    except OSError:
        return None
    length = worker.stdout.read(LENGTH.size)
    if len(length) < LENGTH.size or LENGTH.unpack(length)[0] > _MOST_ANSWER_BYTES:
        return None
    size = LENGTH.unpack(length)[0]
    answer = worker.stdout.read(size)
    return answer if len(answer) == size else None


def _records(answer: bytes) -> tuple[list[tuple[int, str]], str]:
    at = REASON.size + REASON.unpack_from(answer)[0]
    reason = answer[REASON.size : at].decode()
    records = []
    while at < len(answer):
        number, size = RECORD.unpack_from(answer, at)
        at += RECORD.size
        records.append((number, answer[at : at + size].decode()))
        at += size
    return records, reason
