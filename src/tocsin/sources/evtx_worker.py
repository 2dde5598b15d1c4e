"""The EVTX parser behind a process seam: `python -m tocsin.sources.evtx_worker`.

The `evtx` package is compiled; a damaged chunk can make it loop for ever while it holds Python's lock (found by
mutating real logs), panic, or ask for gigabytes. None of that may stop a scan, so it runs in a child that is killed when
a chunk takes longer than `bounds.EVTX_CHUNK_SECONDS`.

In: length (u32), then an EVTX file of one chunk. Out: length (u32), then the reason's length (u16) and text, and for each
record its number (u64), length (u32) and JSON text. Little-endian.
"""

from __future__ import annotations

import contextlib
import io
import struct
import sys
from typing import BinaryIO

import evtx

from tocsin.config import bounds

LENGTH = struct.Struct("<I")
REASON = struct.Struct("<H")
RECORD = struct.Struct("<QI")

_MOST_RECORDS = 65536 // 28


def parse(file: bytes) -> bytes:
    """The answer for an EVTX file of one chunk."""
    parts: list[bytes] = []
    reason = ""
    try:
        records = iter(evtx.PyEvtxParser(io.BytesIO(file), 1).records_json())
        for _ in range(_MOST_RECORDS):
            try:
                record = next(records)
            except StopIteration:
                break
            except (RuntimeError, ValueError, OSError) as error:
                reason = f"the record cannot be parsed: {_brief(error)}"
                continue
            if record is None:
                break
            text = str(record["data"]).encode("utf-8", "replace")
            parts += (RECORD.pack(record["event_record_id"], len(text)), text)
    except (RuntimeError, ValueError, OSError) as error:
        reason = f"the chunk cannot be parsed: {_brief(error)}"
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's own, which it exports nowhere
            raise
        reason = "the chunk made the parser fail"
    told = reason.encode("utf-8", "replace")
    return b"".join((REASON.pack(len(told)), told, *parts))


def _brief(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]


def _limit_memory() -> None:
    with contextlib.suppress(ImportError):  # Windows has no such limits; the time limit still holds
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (bounds.EVTX_WORKER_BYTES, bounds.EVTX_WORKER_BYTES))


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answers until `asked` ends."""
    while len(length := asked.read(LENGTH.size)) == LENGTH.size:
        answer = parse(asked.read(*LENGTH.unpack(length)))
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    _limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)
