"""Which stream a file is: the first half of every event id (DESIGN section 3, "Event id").

A stream's id must survive growth, rotation and renaming of a file, and must differ for different files. Three words:

- *content*: the decompressed bytes of a file or archive member. For EVTX the bytes of its records alone, in file
  order, because its file and chunk headers change as it grows and are nearly alike in all files.
- *head*: the first `HEAD_BYTES` of the content, fewer where it is shorter.
- *fingerprint*: SHA-256 over the head and the member's name.

The head alone cannot tell apart two files with the same long header, and a file shorter than the head changes its
fingerprint when it grows. So whoever remembers streams (the store) implements `Streams` and compares whole contents;
see docs/decisions/0001-stream-fingerprints.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

HEAD_BYTES = 1024

OpenAgain = Callable[[], BinaryIO]
"""Opens a stream's content anew, at its first byte. The caller closes it. Raises OSError where that fails."""


def fingerprint(head: bytes, member: str) -> str:
    """The 64 hexadecimal digits that name the content starting with `head`.

    Args:
        head: The first `HEAD_BYTES` of the content, or all of it where it is shorter.
        member: The member's name inside its archives (the part of the source after the first `!`), "" outside of any.
    """
    return hashlib.sha256(head[:HEAD_BYTES] + b"\0" + member.encode("utf-8", "surrogateescape")).hexdigest()


class Streams(Protocol):
    """Names the streams that are read; the store's remembers them, `PlainStreams` does not.

    The reader asks `resolve` once before the first record of each file or member, and tells `finished` once after the
    consumer has taken the batch with its last record *and asked for the next*: what is finished is committed.
    A reading that is given up half way is never finished.

    Attributes:
        measures: Whether `finished` wants the digest; it costs about a microsecond for each event.
    """

    measures: bool

    def resolve(self, head: bytes, member: str, open_again: OpenAgain | None) -> str:
        """The id of the stream that starts with `head`.

        Args:
            head: The first `HEAD_BYTES` of the content, all of it where it is shorter.
            member: The member's name, "" outside archives.
            open_again: Opens the whole content anew, to compare its first n bytes with a remembered digest; None
                where that is impossible. May cost a second reading: call it only when a remembered stream is a candidate.
        """

    def finished(self, stream: str, records: int, size: int, digest: str) -> None:
        """All that could be read of `stream` was read.

        Args:
            stream: As `resolve` named it.
            records: Records met, set-aside ones too: their `seq` are 0 … records - 1.
            size: Bytes of the content that were read.
            digest: SHA-256 over those bytes, 64 hexadecimal digits; '' without `measures`.
        """


class PlainStreams:
    """Names each stream by its fingerprint and remembers no content: `scan` without a store.

    Within one run every file is a stream of its own: a second one with the same fingerprint gets another name.
    """

    measures = False

    def __init__(self) -> None:
        self._met: dict[str, int] = {}

    def resolve(self, head: bytes, member: str, open_again: OpenAgain | None) -> str:
        """The fingerprint, or a name made from it where a file of this run has it."""
        del open_again
        name = fingerprint(head, member)
        met = self._met[name] = self._met.get(name, 0) + 1
        return name if met == 1 else fingerprint(name.encode(), f"{met}")

    def finished(self, stream: str, records: int, size: int, digest: str) -> None:
        """Nothing is remembered."""
