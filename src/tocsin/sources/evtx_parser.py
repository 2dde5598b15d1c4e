"""Asks the EVTX worker process (`evtx_worker`), and outlives it."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
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
_LOOKS = 8
"""How often the watch looks while a chunk may take its time: a chunk that hangs is ended an eighth later at most."""


class EvtxParser:
    """Parses chunks in a worker, which starts at the first chunk and is started anew after it failed.

    One thread watches the worker for all its life: a timer for each chunk would cost more than parsing it.

    Attributes:
        failures: Chunks on which the worker died or was killed.
    """

    def __init__(self, seconds: float = bounds.EVTX_CHUNK_SECONDS) -> None:
        self._seconds = seconds
        self._worker: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._deadline = math.inf  # of the chunk that the worker has, on the monotonic clock
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
        self._ended.set()
        if worker is not None:
            worker.kill()
            worker.communicate()

    def parse(self, file: bytes) -> tuple[list[tuple[int, str]], str]:
        """(number, JSON text) of each record in an EVTX file of one chunk, and why some are missing ('' if none is).

        Raises:
            OSError: no process can be started.
        """
        worker = self._running()
        self._deadline = time.monotonic() + self._seconds
        try:
            answer = _asked(worker, file)
        finally:
            self._deadline = math.inf
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
            self._ended = threading.Event()
            watch = threading.Thread(target=self._watch, args=(self._worker, self._ended), daemon=True)
            watch.start()
        return self._worker

    def _watch(self, worker: subprocess.Popen[bytes], ended: threading.Event) -> None:
        """Kills `worker` when it has a chunk past the deadline."""
        while not ended.wait(self._seconds / _LOOKS):
            if time.monotonic() > self._deadline:
                worker.kill()
                return


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
