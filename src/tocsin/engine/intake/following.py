"""The tail as a task of the intake process: started once the log's end says how far files were read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from tocsin.config import bounds
from tocsin.engine.intake.commit import GroupCommit
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.known_files import KnownFiles
from tocsin.engine.intake.settings import Files, IntakeSettings
from tocsin.engine.intake.tail import Tail
from tocsin.records.file_mark import mark_after
from tocsin.records.received import Received
from tocsin.store.segment import Position
from tocsin.store.write_ahead import read_between


class Following:
    """Follows the settings' files; nothing where there are none."""

    def __init__(
        self, settings: IntakeSettings, commit: GroupCommit, counters: Counters, now: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._folder, self._files, self._committed = settings.folder, settings.files, settings.committed
        self._commit, self._counters, self._now, self._tell = commit, counters, now, tell
        self._before = commit.end
        self._known: KnownFiles | None = None
        self._tail: Tail | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Starts it; the log must hold nothing yet that it is to write."""
        if self._files.paths:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def check(self) -> None:
        """Raises what ended it before its time: the process must start anew, from what is committed by then."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def change(self, files: Files, committed: Position) -> None:
        """Follows `files` from now on, each from where it was read; where nothing changed, it goes on undisturbed."""
        if (files.paths, files.formats) == (self._files.paths, self._files.formats):
            return
        await self.close()
        self._tail = self._task = None
        self._files, self._committed = files, committed
        self.begin()

    async def close(self) -> None:
        """Lets what was read reach the log, within `STOP_SECONDS`."""
        if self._tail is not None:
            self._tail.stop()
        if self._task is not None:
            if self._tail is None:
                self._task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait((self._task,), timeout=bounds.STOP_SECONDS)

    async def _run(self) -> None:
        if self._known is None:
            self._known = await asyncio.to_thread(self._read_known)
        self._tail = Tail(self._files, self._known, self._commit, self._counters, self._now, self._tell)
        await self._tail.run()

    def _read_known(self) -> KnownFiles:
        """What was committed, and on top of it what an earlier process wrote behind that."""
        known = KnownFiles(self._files.marks)
        for _, entry in read_between(self._folder, self._committed, max(self._before, self._committed)):
            mark = mark_after(entry) if isinstance(entry, Received) else None
            if mark is not None:
                known.note(mark)
        return known
