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
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from tocsin.config import bounds
from tocsin.engine.intake.commit import Busy, GroupCommit, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.found_files import found_files, siblings
from tocsin.engine.intake.growing import GrowingFile, Key, NoLog, Part, opened
from tocsin.engine.intake.known_files import KnownFiles
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
        self._files, self._known, self._commit = files, known, commit
        self._counters, self._now, self._tell = counters, now, tell
        self._open: dict[Key, GrowingFile] = {}
        self._asleep: dict[Key, tuple[int, int]] = {}
        self._copies: dict[Key, float] = {}
        self._paths: dict[Path, str] = {}
        self._led: set[Key] = set()
        self._met: dict[Path, Key] = {}
        self._told: set[tuple[str, str]] = set()
        self._found = float("-inf")
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`, or the log closes."""
        while not self._stopping.is_set():
            try:
                parts = await asyncio.to_thread(self._turn)
            except Exception as error:  # noqa: BLE001  a mistake of ours must not take the listeners along
                self._tell(f"Following files failed and is tried again: {error!r}")
                self._found = float("-inf")
                await self._pause(bounds.TAIL_RETRY_SECONDS)
                continue
            await asyncio.gather(*(self._take(file, received, part) for file, received, part in parts))
            if not any(file.more for file in self._open.values()):
                await self._pause(bounds.TAIL_LOOK_SECONDS)
        for file in self._open.values():
            self._known.release(file)
            file.close()

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
        if now - self._found >= bounds.TAIL_FIND_SECONDS:
            self._found = now
            self._find(now)
        parts: list[tuple[GrowingFile, Received, Part]] = []
        begun: set[bytes] = set()
        size = 0
        for key, file in list(self._open.items()):
            try:
                part = self._next(key, file, begun, now) if key in self._open else None
                received = self._received(file, part) if part is not None else None
            except (OSError, NoLog) as error:
                self._give_up(key, error)
                continue
            if part is not None and received is not None:
                parts.append((file, received, part))
                size += len(part.body)
                self._open[key] = self._open.pop(key)  # behind the others: the next turn starts with those
                if size >= bounds.TAIL_TURN_BYTES:
                    break
        return parts

    def _next(self, key: Key, file: GrowingFile, begun: set[bytes], now: float) -> Part | None:
        """What to take in of `file`; starts anew where it was truncated."""
        state = file.state()
        if state != file.seen:
            file.seen, file.grew = state, now
            if state[0] < file.offset or (file.mark is not None and not file.agrees(file.mark)):
                self._begin_anew(file)
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
        if not self._recognised(file, key, now, only_known=False):
            self._open.pop(key).close()
            return False
        if file.mark is None:
            begun.add(start)
        else:
            self._known.hold(file.mark.stream, file)
        return True

    def _received(self, file: GrowingFile, part: Part) -> Received:
        head = file.head(part)
        hints = {"path": str(file.path), "head": head.decode("latin-1"), "end": str(part.end)}
        if not all(line in head for line in part.header.values()):
            hints["header"] = b"\n".join(part.header.values()).decode("latin-1")
        if file.named:
            hints["format"] = file.named
        stream = file.mark.stream if file.mark else self._known.unused(head, os.urandom(16))
        first = file.mark.records if file.mark else 0
        return Received(stream, first, part.count, self._now(), "file", "", "", "local", part.body, hints)

    def _begin_anew(self, file: GrowingFile) -> None:
        """It holds something else than what was read: what follows is a stream of its own."""
        self._known.release(file)
        file.begins_anew()
        self._copies.clear()  # one of them may be what was cut off
        self._find_rest(file.path, file.named)

    def _find(self, now: float) -> None:
        """Looks which files there are, opens new ones, and closes those that nobody needs open."""
        self._paths, too_many = found_files(self._files.paths)
        if too_many:
            self._tell_once(
                "", f"More than {bounds.TAIL_FILES} files are to be followed; the others are not."
            )
        led: set[Key] = set()
        met: dict[Path, Key] = {}
        for path in self._paths:
            key = self._meet(path, now)
            if key is not None:
                led.add(key)
                met[path] = key
        gone, self._led, self._met = self._led - led, led, met
        self._copies = {key: until for key, until in self._copies.items() if key in led}
        self._asleep = {key: state for key, state in self._asleep.items() if key in led}
        for key, file in list(self._open.items()):
            if key in gone:
                file.grew = now  # its program may write to it for a while
            quiet = bounds.TAIL_IDLE_SECONDS if key in led else bounds.TAIL_LEAVING_SECONDS
            if now - file.grew >= quiet and not file.more and file.state() == file.seen:
                self._let_go(key)

    def _meet(self, path: Path, now: float) -> Key | None:
        """The file at `path`, opened where there may be something to read."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return None  # it may come
        except OSError as error:
            self._tell_once(str(path), f"{path} cannot be read: {error.strerror or error}.")
            return None
        if not stat.S_ISREG(found.st_mode):
            self._tell_once(str(path), f"{path} cannot be read: it is no file.")
            return None
        key = (found.st_dev, found.st_ino)
        state = (found.st_size, found.st_mtime_ns)
        named = self._files.formats.get(self._paths[path], "")
        if (
            key not in self._open
            and self._asleep.get(key) != state
            and self._copies.get(key, now) <= now
            and state[0]
        ):
            self._start(path, named, now, only_known=False)
        first_sight = path not in self._met and len(self._paths) <= bounds.TAIL_SIBLING_PATHS
        if first_sight or self._met.get(path, key) != key:
            self._find_rest(path, named, self._met.get(path))
        return key

    def _start(
        self, path: Path, named: str, now: float, *, only_known: bool, left: Key | None = None
    ) -> None:
        """Opens the file at `path` where it is known or, unless `only_known`, new."""
        try:
            file, key = opened(path)
        except (OSError, NoLog) as error:
            self._tell_once(str(path), f"{path} cannot be read: {_why(error)}.")
            return
        if key in self._open or (only_known and key in self._asleep and key != left):
            file.close()
            return
        file.grew, file.named = now, named
        try:
            keep = self._recognised(file, key, now, only_known=only_known)
            if only_known and key != left:
                keep = keep and file.state()[0] > file.offset
        except OSError as error:
            self._tell_once(str(path), f"{path} cannot be read: {_why(error)}.")
            keep = False
        if not keep:
            file.close()
            return
        while len(self._open) >= bounds.TAIL_OPEN:
            self._let_go(min(self._open, key=lambda one: self._open[one].grew))
        self._open[key] = file
        if file.mark is not None:
            self._known.hold(file.mark.stream, file)

    def _recognised(self, file: GrowingFile, key: Key, now: float, *, only_known: bool) -> bool:
        mark = self._known.find(file)
        if mark is not None:
            file.goes_on(mark)
            return True
        if only_known:
            return False
        if self._known.copied(file):
            self._copies[key] = now + bounds.TAIL_PARTIAL_SECONDS
            return False
        return True

    def _find_rest(self, path: Path, named: str, left: Key | None = None) -> None:
        """Opens files beside `path` of which something was read and something was not.

        Args:
            path: Where something else stands now.
            named: What the operator calls its format.
            left: What stood there before: it is opened in any case, as its program may not know yet.
        """
        for one in siblings(path) if self._known else ():
            self._start(one, named, monotonic(), only_known=True, left=left)

    def _let_go(self, key: Key) -> None:
        file = self._open.pop(key)
        self._known.release(file)
        if key in self._led and file.offset >= file.seen[0]:
            self._asleep[key] = file.seen
        file.close()

    def _give_up(self, key: Key, error: Exception) -> None:
        """Closes a file that cannot be read; it is tried again when it changes."""
        file = self._open.pop(key)
        self._tell_once(str(file.path), f"{file.path} cannot be read: {_why(error)}.")
        self._known.release(file)
        self._asleep[key] = file.seen
        file.close()

    def _tell_once(self, about: str, text: str) -> None:
        if (about, text) not in self._told and len(self._told) < bounds.TAIL_TOLD:
            self._told.add((about, text))
            self._tell(text)


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
