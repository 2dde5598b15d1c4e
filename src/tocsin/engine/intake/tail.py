"""Files that grow, followed: `Tail`.

Where reading goes on after a crash is told by the log itself. Each part of a file that the log holds says up to which byte
and ordinal the file is read there, and what it begins with. What was judged is summed up by the store in the transaction
that commits the position (`IntakeSettings.files`); what follows that position is read from the log at the start. There is
no file of positions beside it that could say anything else.

Rules:

1. A file is known by its content (`known_files.py`): renamed it keeps its stream, truncated and written anew it gets
   another. What is open is read to its end after it was renamed.
2. A part is read again until the log has it; the file's place moves only then.
3. A file that holds nothing that an open one does not is a copy: it waits, and takes over where the other is truncated.
4. Where a new file stands at a path, files beside it are looked at for the unread rest of the one that stood there before.
   They are read only where they are known: rotated copies of long ago are not taken in.
5. A last line without a line feed waits until one comes, or nothing comes for `TAIL_PARTIAL_SECONDS`.
6. What cannot be read is told once, and tried again.
7. The disk is touched in a thread: a folder that hangs holds up nobody but the files.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from tocsin.config import bounds
from tocsin.engine.intake.commit import Busy, GroupCommit, Unencodable, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.growing import GrowingFile, Key, NoLog, Part
from tocsin.engine.intake.known_files import KnownFiles
from tocsin.engine.intake.open_files import OpenFiles, named_path
from tocsin.engine.intake.settings import Files
from tocsin.records.file_mark import mark_after
from tocsin.records.received import Received

_ALIKE_BYTES: Final = 64


class Tail:
    """Follows files.

    Args:
        files: Which.
        known: How far they were read.
        commit: Where parts go.
        counters: Where lines that were cut are counted.
        now: The present instant.
        tell: Told in words what an operator should know.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self, files: Files, known: KnownFiles, commit: GroupCommit, counters: Counters, now: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._known, self._commit = known, commit
        self._counters, self._now, self._tell = counters, now, tell
        self._open = OpenFiles(files, known, tell)
        self._look_again = float("-inf")
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`, or the log closes."""
        while not self._stopping.is_set():
            try:
                parts = await asyncio.to_thread(self._turn)
            except Exception as error:  # noqa: BLE001  a mistake of ours must not take the listeners along
                self._tell(f"Following files failed and is tried again: {error!r}")
                self._look_again = float("-inf")
                await self._pause(bounds.TAIL_RETRY_SECONDS)
                continue
            await asyncio.gather(*(self._take(file, received, part) for file, received, part in parts))
            if not any(file.more for file in self._open.by_key.values()):
                await self._pause(bounds.TAIL_LOOK_SECONDS)
        self._open.close()

    def stop(self) -> None:
        """Ends `run` soon."""
        self._stopping.set()

    # --- in the event loop ---------------------------------------------------------------------------------

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _take(self, file: GrowingFile, received: Received, part: Part) -> None:
        """Hands a part to the log, again and again until it is there."""
        while not self._stopping.is_set():
            try:
                await self._commit.acknowledge(received)
            except (Busy, Unwritable):
                room, stop = (
                    asyncio.ensure_future(one) for one in (self._commit.room(), self._stopping.wait())
                )
                _, waiting = await asyncio.wait((room, stop), return_when=asyncio.FIRST_COMPLETED)
                for one in waiting:
                    one.cancel()
            except Unencodable as error:
                self._counters.refuse("unencodable", received.count)
                self._tell(f"A part of a file that is followed is left out: {error}.")
                self._taken(file, received, part)
                return
            else:
                self._taken(file, received, part)
                return

    def _taken(self, file: GrowingFile, received: Received, part: Part) -> None:
        mark = mark_after(received)
        assert mark is not None  # it was made as one
        self._known.note(mark)
        file.mark, file.offset, file.header = mark, part.end, part.header
        self._known.hold(mark.stream, file)
        self._counters.cut += part.cut

    # --- in a thread ---------------------------------------------------------------------------------------

    def _turn(self) -> list[tuple[GrowingFile, Received, Part]]:
        """The next part of each file that has one."""
        now = monotonic()
        if now >= self._look_again:
            self._open.find(now)
            ended = monotonic()
            self._look_again = now + max(bounds.TAIL_FIND_SECONDS, (ended - now) / bounds.TAIL_FIND_SHARE)
        parts: list[tuple[GrowingFile, Received, Part]] = []
        begun: set[bytes] = set()
        size = 0
        for key, file in list(self._open.by_key.items()):
            try:
                part = self._next(key, file, begun, now) if key in self._open.by_key else None
                received = self._received(file, part) if part is not None else None
            except (OSError, NoLog) as error:
                self._open.give_up(key, error)
                continue
            if part is not None and received is not None:
                parts.append((file, received, part))
                size += len(part.body)
                self._open.move_back(key)
                if size >= bounds.TAIL_TURN_BYTES:
                    break
        return parts

    def _next(self, key: Key, file: GrowingFile, begun: set[bytes], now: float) -> Part | None:
        """What to take in of `file`; starts anew where it was truncated."""
        state = file.state()
        if state != file.seen:
            file.seen, file.grew = state, now
            if state[0] < file.offset or (file.mark is not None and not file.agrees(file.mark)):
                self._open.begin_anew(file)
        if state[0] <= file.offset or (file.mark is None and not self._begins(key, file, begun, now)):
            file.more = file.more and state[0] > file.offset
            return None
        part = file.next(settled=now - file.grew >= bounds.TAIL_PARTIAL_SECONDS)
        while part is not None and not part.count:  # blank: it needs no place in the log
            file.offset, file.header = part.end, part.header
            part = file.next(settled=False)
        file.more = file.more and part is not None
        return part

    def _begins(self, key: Key, file: GrowingFile, begun: set[bytes], now: float) -> bool:
        """Whether a file of which nothing is in the log yet may be read now.

        Those that start alike begin one after the other: of two with the same content the second is a copy.
        """
        start = file.piece(0, _ALIKE_BYTES)
        file.more = start in begun
        if file.more:
            return False
        if not self._open.recognised(file, key, now, only_known=False):
            self._open.drop(key)
            return False
        if file.mark is None:
            begun.add(start)
        else:
            self._known.hold(file.mark.stream, file)
        return True

    def _received(self, file: GrowingFile, part: Part) -> Received:
        head = file.head(part)
        hints = {"path": named_path(file.path), "head": head.decode("latin-1"), "end": str(part.end)}
        if not all(line in head for line in part.header.values()):
            hints["header"] = b"\n".join(part.header.values()).decode("latin-1")
        if file.named:
            hints["format"] = file.named
        stream = file.mark.stream if file.mark else self._known.unused(head, os.urandom(16))
        first = file.mark.records if file.mark else 0
        return Received(stream, first, part.count, self._now(), "file", "", "", "local", part.body, hints)
