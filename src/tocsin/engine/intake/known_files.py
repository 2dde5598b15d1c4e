"""Which files were read how far, found by their content: names and inodes change hands, content does not.

A file is known where it begins with a head that was remembered, and has before the place up to which it was read what was
read there last. So it keeps its stream when it is renamed, copied or restored, and gets another when it was truncated and
written anew. Only one open file reads a stream at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256

from tocsin.config import bounds
from tocsin.engine.intake.growing import GrowingFile, holds_no_more
from tocsin.records.file_mark import FileMark


class KnownFiles:
    """What is remembered, by stream.

    Args:
        marks: What the log says; of one stream the last counts.
    """

    def __init__(self, marks: Iterable[FileMark]) -> None:
        self._marks: OrderedDict[str, FileMark] = OrderedDict()
        self._by_head: dict[int, dict[str, set[str]]] = {}
        self._holders: dict[str, GrowingFile] = {}
        for mark in marks:
            self.note(mark)

    def __bool__(self) -> bool:
        return bool(self._marks)

    def note(self, mark: FileMark) -> None:
        """A file was read up to `mark`; what is behind a mark that is known changes nothing."""
        known = self._marks.get(mark.stream)
        if known is not None and known.records > mark.records:
            return
        self._marks[mark.stream] = mark
        self._marks.move_to_end(mark.stream)
        self._by_head.setdefault(mark.head, {}).setdefault(mark.fingerprint, set()).add(mark.stream)
        if len(self._marks) > bounds.TAIL_REMEMBERED:
            self._forget(next(iter(self._marks)))

    def find(self, file: GrowingFile) -> FileMark | None:
        """Up to where `file` was read; None where it is not known."""
        size = file.state()[0]
        fitting = [
            mark
            for mark in self._with_head_of(file)
            if mark.end <= size and mark.stream not in self._holders and file.agrees(mark)
        ]
        return max(fitting, key=lambda mark: mark.end, default=None)

    def copied(self, file: GrowingFile) -> bool:
        """Whether it holds nothing that an open file does not: it is a copy, or the start of one."""
        return any(
            mark.stream in self._holders and holds_no_more(file, self._holders[mark.stream])
            for mark in self._with_head_of(file)
        )

    def hold(self, stream: str, file: GrowingFile) -> None:
        """`file` reads `stream` from now on."""
        self._holders[stream] = file

    def release(self, file: GrowingFile) -> None:
        """`file` reads its stream no more."""
        if file.mark is not None and self._holders.get(file.mark.stream) is file:
            del self._holders[file.mark.stream]

    def unused(self, head: bytes, salt: bytes) -> str:
        """The name of a new stream: told by the head, and by `salt` too where a stream has that name."""
        name = sha256(b"file\0" + head).hexdigest()
        return name if name not in self._marks else sha256(b"file\0" + salt + head).hexdigest()

    def _with_head_of(self, file: GrowingFile) -> list[FileMark]:
        if not self._by_head:
            return []
        lengths = sorted(self._by_head)
        head = file.piece(0, lengths[-1])
        digest, at, found = sha256(), 0, []
        for length in lengths:
            if length > len(head):
                break
            digest.update(head[at:length])
            at = length
            streams = self._by_head[length].get(digest.copy().hexdigest(), ())
            found += [self._marks[stream] for stream in streams]
        return found

    def _forget(self, stream: str) -> None:
        mark = self._marks.pop(stream)
        heads = self._by_head[mark.head]
        heads[mark.fingerprint].discard(stream)
        if not heads[mark.fingerprint]:
            del heads[mark.fingerprint]
        if not heads:
            del self._by_head[mark.head]
