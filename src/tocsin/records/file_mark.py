"""How far a file was read that grows: where a tail goes on, told by what the log holds of the file, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from tocsin.records.received import Received

CHECKED_BYTES = 1024
"""So many bytes before the end of what was read tell, with the head, whether a file is still the one that was read."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """What was read of one file.

    Attributes:
        stream: Of its events.
        head: Length of its head in bytes.
        fingerprint: SHA-256 over its head, 64 hexadecimal digits.
        end: Bytes that were read.
        records: Ordinals that were given.
        check: Length of the last piece before `end`, a colon, and the SHA-256 over it.
    """

    stream: str
    head: int
    fingerprint: str
    end: int
    records: int
    check: str


def mark_after(received: Received) -> FileMark | None:
    """How far the file was read that `received` is a part of; None where it is no part of a file."""
    if received.listener != "file":
        return None
    head = received.hints["head"].encode("latin-1")
    return FileMark(
        received.stream, len(head), sha256(head).hexdigest(), int(received.hints["end"]),
        received.first + received.count, check_of(received.body),
    )  # fmt: skip


def check_of(read: bytes) -> str:
    """`FileMark.check` where `read` was read last."""
    piece = read[-CHECKED_BYTES:]
    return f"{len(piece)}:{sha256(piece).hexdigest()}"


def checked_length(check: str) -> int:
    """How many bytes before the mark's end `check` is about."""
    return int(check.partition(":")[0])
