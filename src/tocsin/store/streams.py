"""Which records were read before: the store's side of `Streams` (`sources/fingerprint.py`; met by structure alone).

A stream is remembered as its head's fingerprint, how much of its content was measured with which SHA-256, and a
high-water mark: the ordinals below it were read. Never a set of event ids. Rules:

1. *The same file again* has the same content: same stream, and `fresh` drops all of its events.
2. *A file that grew* begins with the measured content: same stream, and only records at or above the mark are new.
   A head below 1 KiB is found by its own length.
3. *Another file with the same head* does not begin with the measured content: another stream. So is a file of which
   that cannot be checked, and one that became shorter. Nothing of it is dropped; at worst it is read twice.
4. *A crash half way*: content is measured when a stream is met, and logged with its first events. The next reading
   finds the stream, and the mark is behind the last acknowledged event.
5. *A file that a tail follows* (`engine/intake/tail.py`) has a mark of its own kind, which no scan meets.
6. *A last record without its newline* is taken as it stands. Where the file grows and the record turns out longer,
   the whole record is taken too, under the same id, which names it from then on. Findings of both have the same id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import BinaryIO

from tocsin.config import bounds
from tocsin.records.event import Event
from tocsin.records.file_mark import mark_after
from tocsin.records.received import Received
from tocsin.store.catalogue import SHORT_HEAD, Catalogue, StreamMark, followed
from tocsin.store.entries import Entry, Events, StreamBegun, StreamEnded

OpenAgain = Callable[[], BinaryIO]


class StoredStreams:
    """The streams of one store. `resolve` and `finished` are for `sources`; the rest is for `store.py`."""

    measures = True

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._seen: dict[str, StreamMark | None] = {}
        self._changed: set[str] = set()
        self._unlogged: list[Entry] = []

    def resolve(self, head: bytes, member: str, open_again: OpenAgain | None) -> str:
        """The id of the stream whose content starts with `head`: a remembered one where the content begins like it."""
        head = head[:SHORT_HEAD]
        name = fingerprint(head, member)
        if not head:
            return name  # an empty file is no event's stream, and every file begins like it
        found, size, digest = _measure(head, open_again, self._candidates(head, member))
        mark = found or StreamMark(self._unused(name, digest), name, len(head), 0, "")
        if found is None or size > found.size:
            self._log(StreamBegun(mark.stream, mark.fingerprint, mark.head, size, digest))
        return mark.stream

    def finished(self, stream: str, records: int, size: int, digest: str) -> None:
        """All of `stream` was read: `records` ordinals in `size` bytes whose SHA-256 is `digest`."""
        mark = self._known(stream)
        if mark is not None and (records > mark.records or size > mark.size):
            self._log(StreamEnded(stream, records, size, digest))

    def fresh(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Those of `events` that were not read before; events of streams that nobody resolved are all fresh."""
        return tuple(event for event in events if self._take_event(event))

    def take(self, entry: Entry) -> None:
        """Brings the marks up to what the log says; taking an entry again changes nothing."""
        if isinstance(entry, Events):
            self.fresh(entry.batch)
        elif isinstance(entry, Received):
            self._take_part(entry)
        elif isinstance(entry, StreamBegun):
            mark = self._known(entry.stream) or StreamMark(entry.stream, entry.fingerprint, entry.head, 0, "")
            self._measured(mark, entry.size, entry.digest)
        elif isinstance(entry, StreamEnded) and (known := self._known(entry.stream)):
            if entry.records > known.records:
                known.records, known.tail = entry.records, None
            self._measured(known, entry.size, entry.digest)

    def unlogged(self) -> list[Entry]:
        """What the log must carry before the next events; given once."""
        entries, self._unlogged = self._unlogged, []
        return entries

    def changed(self) -> list[StreamMark]:
        """The marks that changed since the last `forget`."""
        return [mark for mark in map(self._known, self._changed) if mark is not None]

    def forget(self) -> None:
        """Drops the changed marks: they are committed, or what they say did not come to pass."""
        self._seen.clear()
        self._changed.clear()

    def _log(self, entry: StreamBegun | StreamEnded) -> None:
        self.take(entry)
        self._unlogged.append(entry)

    def _measured(self, mark: StreamMark, size: int, digest: str) -> None:
        if size > mark.size:
            mark.size, mark.digest = size, digest
        self._put(mark)

    def _take_event(self, event: Event) -> bool:
        """Whether `event` is fresh; moves its stream's mark behind it."""
        mark = self._known(event.stream)
        if mark is None:
            return True
        if event.seq < mark.records - 1:
            return False
        tail = hashlib.sha256(event.raw.encode("utf-8", "surrogatepass")).hexdigest()
        if event.seq == mark.records - 1 and tail == mark.tail:
            return False
        mark.records, mark.tail = event.seq + 1, tail
        self._put(mark)
        return True

    def _take_part(self, received: Received) -> None:
        """Moves the mark of the file that `received` is a part of, if it is one of any."""
        mark = mark_after(received)
        if mark is not None:
            known = self._known(mark.stream)
            if known is None or known.records < mark.records:
                self._put(followed(mark, received.arrived))

    def _put(self, mark: StreamMark) -> None:
        self._seen[mark.stream] = mark
        self._changed.add(mark.stream)

    def _known(self, stream: str) -> StreamMark | None:
        if stream not in self._seen:
            self._seen[stream] = self._catalogue.stream(stream)
        return self._seen[stream]

    def _candidates(self, head: bytes, member: str) -> list[StreamMark]:
        """The remembered streams that content starting with `head` may belong to."""
        changed = self.changed()
        heads = {len(head), *self._catalogue.short_heads(), *(mark.head for mark in changed)}
        names = {fingerprint(head[:length], member) for length in heads if length <= len(head)}
        stored = {mark.stream: mark for name in names for mark in self._catalogue.streams_with(name)}
        newer = {mark.stream: mark for mark in changed if mark.fingerprint in names}
        return list((stored | newer).values())

    def _unused(self, name: str, digest: str) -> str:
        """An id for a new stream: the fingerprint, or one made from the content where that is taken."""
        ident, tries = name, 0
        while self._known(ident) is not None:
            ident = hashlib.sha256(f"{name}:{digest}:{tries}".encode()).hexdigest()
            tries += 1
        return ident


def fingerprint(head: bytes, member: str) -> str:
    """The 64 hexadecimal digits that name content starting with `head`; the same as `sources.fingerprint` gives."""
    return hashlib.sha256(head + b"\0" + member.encode("utf-8", "surrogateescape")).hexdigest()


def _measure(
    head: bytes, open_again: OpenAgain | None, candidates: Iterable[StreamMark]
) -> tuple[StreamMark | None, int, str]:
    """The candidate that the content begins like (the longest), and the content's size and SHA-256.

    Size 0 and no digest where the content is longer than its head and cannot be read a second time.
    """
    whole = _Measure(candidates)
    if len(head) < SHORT_HEAD:
        whole.feed(head)
    elif open_again is not None:
        whole.read(open_again)
    return whole.match, whole.size, whole.digest


class _Measure:
    """Hashes content once and compares each candidate at its own length on the way."""

    def __init__(self, candidates: Iterable[StreamMark]) -> None:
        self.match: StreamMark | None = None
        self.size = 0
        self._hash = hashlib.sha256()
        self._waiting = sorted(
            (mark for mark in candidates if mark.size), key=lambda mark: mark.size, reverse=True
        )

    @property
    def digest(self) -> str:
        """SHA-256 over what was fed, "" where nothing was."""
        return self._hash.hexdigest() if self.size else ""

    def feed(self, block: bytes) -> None:
        """Goes on with `block`."""
        while self._waiting and self._waiting[-1].size <= self.size + len(block):
            mark = self._waiting.pop()
            cut = mark.size - self.size
            self._advance(block[:cut])
            block = block[cut:]
            if self._hash.hexdigest() == mark.digest:
                self.match = mark
        self._advance(block)

    def read(self, open_again: OpenAgain) -> None:
        """Feeds all that can be read; damage ends it as it ends the reader, who sets the rest aside."""
        try:
            with open_again() as content:
                while block := content.read(bounds.READ_BLOCK_BYTES):
                    self.feed(block)
        except Exception:  # noqa: BLE001  each compression has errors of its own, and the store knows none of them
            return

    def _advance(self, block: bytes) -> None:
        self._hash.update(block)
        self.size += len(block)
