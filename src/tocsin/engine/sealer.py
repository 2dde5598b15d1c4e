"""Closed segments of the log become Parquet in a short-lived process, so that judging does not wait for it.

Where no segment waits, another such process merges small files (`store/compaction.py`), each time a new hour has begun.

That process reads the store and writes files that nobody lists yet; this one lists them and lets the segment go. Where it
dies, or this one does, the segment is still the truth, and is sealed again.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple

from tocsin.config import bounds
from tocsin.records.errors import OperatorError, TryAgain
from tocsin.records.instants import SECOND
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.compaction import Group, Merged, merge
from tocsin.store.disk import Disk
from tocsin.store.sealing import Sealed
from tocsin.store.segment import Segment
from tocsin.store.store import Store

_NICE: Final = 10


class _Unmerged(NamedTuple):
    """Files that could not be merged, and why; they stay as they are until the next start."""

    group: Group
    why: str


class Sealer:
    """Seals the segments of `store`, one after the other, in processes of their own.

    Args:
        store: A store that is followed.
        options: How what was taken in is read.
        now: The present instant.
        tell: Told in a sentence where anything of it fails; it is tried again after `bounds.SEAL_RETRY_SECONDS`.
    """

    def __init__(
        self, store: Store, options: ReceivedOptions, now: Callable[[], int], tell: Callable[[str], None]
    ) -> None:
        self._store, self._options, self._now, self._tell = store, options, now, tell
        self._process: Any = None
        self._answers: Connection | None = None
        self._looked = -1
        self._not_before = self._begun = 0
        self._merged_hour: str | None = None
        self._merges = self._merging = False
        self._unmerged: set[Group] = set()
        self._written: deque[Sealed | Merged | _Unmerged] = deque()
        self._refused = ""

    @property
    def merges(self) -> bool:
        """Whether files are being merged, or were written and are not listed yet."""
        return self._merging or bool(self._written)

    def turn(self, *, merge: bool = True) -> None:
        """Takes what the process made, and starts the next one where there is a segment to seal, or files to `merge`.

        Raises:
            OperatorError: the catalogue is damaged.
        """
        if self._process is not None:
            self._take()
        elif self._waits():
            return
        elif self._written:
            self._list()
        else:
            self._try_to_begin(merge=merge)

    def stop(self) -> None:
        """Ends the process, if one runs; its segment is sealed another time."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _waits(self) -> bool:
        """Whether it failed a moment ago; a clock that was set back makes that no longer."""
        return 0 < self._not_before - self._now() <= bounds.SEAL_RETRY_SECONDS * SECOND

    def _try_to_begin(self, *, merge: bool) -> None:
        try:
            self._begin(merge=merge)
        except (TryAgain, OSError) as error:
            self._process, self._merging = None, False
            self._fails(f"The log could not be turned into stored events yet; it is tried again. {error}")

    def _begin(self, *, merge: bool) -> None:
        found = self._work(merge=merge)
        if not found:
            return
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks in whatever state
        self._answers, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_main,
            args=(theirs, self._store.root, found, self._options),
            name="tocsin-seal",
            daemon=True,
        )
        self._process.start()
        self._begun, self._merging = self._now(), isinstance(found, list)
        theirs.close()

    def _work(self, *, merge: bool) -> Segment | list[Group] | None:
        """What is to be done next."""
        if self._store.position.segment != self._looked:
            found = self._store.upkeep.sealable()
            if found:
                return found[0]
            self._looked = self._store.position.segment
            hour = self._store.upkeep.newest_hour()
            if hour != self._merged_hour:
                self._merged_hour, self._merges = hour, True
        if not (self._merges and merge):
            return None
        groups = self._store.upkeep.mergeable(self._unmerged)
        self._merges = bool(groups)
        return groups

    def _list(self) -> None:
        """One in a turn: judging goes on between them."""
        one = self._written[0]
        try:
            if isinstance(one, Sealed):
                self._store.upkeep.replaced(one)
            elif isinstance(one, Merged):
                self._store.upkeep.merged(one)
            else:
                self._unmerged.add(one.group)
                self._tell(one.why)
        except TryAgain as error:
            self._fails(f"What was written cannot be listed yet; it is tried again. {error}")
        except OSError as error:
            self._fails(
                f"What was replaced by what is stored cannot be removed yet; it is tried again. {error}"
            )
        else:
            self._written.popleft()
            self._refused = ""

    def _fails(self, why: str) -> None:
        """Waits, and tells why, once."""
        self._not_before = self._now() + round(bounds.SEAL_RETRY_SECONDS * SECOND)
        if why != self._refused:
            self._refused = why
            self._tell(why)

    def _take(self) -> None:
        assert self._answers is not None
        hangs = abs(self._now() - self._begun) > bounds.SEAL_HANGS_SECONDS * SECOND
        if not self._answers.poll() and not hangs:
            return
        said: Sealed | list[Merged | _Unmerged] | str
        try:
            said = (
                self._answers.recv()
                if self._answers.poll()
                else "The process that does it hung, and was ended."
            )
        except EOFError:
            said = "The process that does it ended unexpectedly."
        if hangs:
            self._process.kill()
        self._answers.close()
        self._process.join()
        self._process, self._merging = None, False
        if isinstance(said, str):
            self._fails(f"The log could not be turned into stored events yet; it is tried again. {said}")
        elif isinstance(said, Sealed):
            self._written.append(said)
            self._list()
        else:
            self._written.extend(said)


def _main(answers: Connection, root: Path, work: Segment | list[Group], options: ReceivedOptions) -> None:
    """What the process does."""
    from tocsin.engine.serving import reads  # noqa: PLC0415  it starts this process

    os.nice(_NICE)
    os.setpgid(0, 0)  # Ctrl-C is for the main process, which ends this one in its turn
    try:
        with Store.read_only(root, reads(options)) as store:
            if isinstance(work, Segment):
                answers.send(store.written(work, Disk()))
            else:
                answers.send([_merged(group, root) for group in work])
    except (OSError, OperatorError) as error:
        answers.send(str(error))


def _merged(group: Group, root: Path) -> Merged | _Unmerged:
    try:
        return merge(group, root, Disk())
    except (OSError, OperatorError) as error:
        return _Unmerged(group, str(error))
