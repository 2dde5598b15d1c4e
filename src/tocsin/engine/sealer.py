"""Closed segments of the log become Parquet in a short-lived process, so that judging does not wait for it.

That process reads the store and writes files that nobody lists yet; this one lists them and lets the segment go. Where it
dies, or this one does, the segment is still the truth, and is sealed again.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.disk import Disk
from tocsin.store.sealing import Sealed
from tocsin.store.segment import Segment
from tocsin.store.store import Store

_NICE: Final = 10


class Sealer:
    """Seals the segments of `store`, one after the other, in processes of their own.

    Args:
        store: A store that is followed.
        options: How what was taken in is read.
        now: The present instant.
        tell: Told in a sentence where it fails; it is tried again after `bounds.SEAL_RETRY_SECONDS`.
    """

    def __init__(
        self, store: Store, options: ReceivedOptions, now: Callable[[], int], tell: Callable[[str], None]
    ) -> None:
        self._store, self._options, self._now, self._tell = store, options, now, tell
        self._process: Any = None
        self._answers: Connection | None = None
        self._looked = -1
        self._not_before = 0

    def turn(self) -> None:
        """Takes what the process made, and starts the next one where there is a segment to seal.

        Raises:
            OperatorError: the catalogue could not be written.
        """
        if self._process is not None:
            self._take()
        elif self._store.position.segment != self._looked and self._now() >= self._not_before:
            self._begin()

    def stop(self) -> None:
        """Ends the process, if one runs; its segment is sealed another time."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def _begin(self) -> None:
        found = self._store.upkeep.sealable()
        if not found:
            self._looked = self._store.position.segment
            return
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks in whatever state
        self._answers, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_main,
            args=(theirs, self._store.root, found[0], self._options),
            name="tocsin-seal",
            daemon=True,
        )
        self._process.start()
        theirs.close()

    def _take(self) -> None:
        assert self._answers is not None
        if not self._answers.poll():
            return
        try:
            said: Sealed | str = self._answers.recv()
        except EOFError:
            said = "The process that does it ended unexpectedly."
        self._answers.close()
        self._process.join()
        self._process = None
        if isinstance(said, str):
            self._not_before = self._now() + round(bounds.SEAL_RETRY_SECONDS * SECOND)
            self._tell(f"The log could not be turned into stored events yet; it is tried again. {said}")
        else:
            self._store.upkeep.replaced(said)


def _main(answers: Connection, root: Path, segment: Segment, options: ReceivedOptions) -> None:
    """What the process does."""
    from tocsin.engine.serving import reads  # noqa: PLC0415  it starts this process

    os.nice(_NICE)
    os.setpgid(0, 0)  # Ctrl-C is for the main process, which ends this one in its turn
    try:
        with Store.read_only(root, reads(options)) as store:
            answers.send(store.written(segment, Disk()))
    except (OSError, OperatorError) as error:
        answers.send(str(error))
