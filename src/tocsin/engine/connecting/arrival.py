"""A test event, seen end to end: taken in by the running service, stored, and judged. Asked of the store, as a second process.

A file of the log may be written to while it is read: what is not whole yet is looked at again. An event counts as judged
once the position that the service commits together with its findings lies behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from tocsin.engine.connecting.connection import Sought
from tocsin.records.event import Event, EventBatch
from tocsin.records.received import Received
from tocsin.store.growing_log import GrowingLog
from tocsin.store.segment import Position
from tocsin.store.store import Store

LOOK_SECONDS: Final = 0.1

State = Literal["judged", "set aside", "waits", "never"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of a test event.

    Attributes:
        state: `judged`: it is stored and was judged; `set aside`: it came but could not be read, and `reason` says why;
            `waits`: it came and was not judged in time; `never`: it did not come in time.
        source: What the service calls where it came from; "" where it never came.
        reason: A sentence, for `set aside`.
        event: The event itself, where it came and was read.
    """

    state: State
    source: str = ""
    reason: str = ""
    event: Event | None = None


class Watch:
    """Watches for an event from the moment it is made on: make it before the event is sent.

    Args:
        root: The data folder of the service.
        read: Makes events of what was taken in (`engine.serving.reads`).
        sought: Which event.
        now: The present instant.

    Raises:
        OperatorError: there is no store, or it cannot be read.
        OSError: the folder cannot be looked at.
    """

    def __init__(
        self, root: Path, read: Callable[[Received], EventBatch], sought: Sought, now: Callable[[], int]
    ) -> None:
        self._read, self._sought, self._since = read, sought, now()
        self._store = Store.read_only(root, read)
        self._found: tuple[Position, Arrival] | None = None
        self._log = GrowingLog(root / "wal", self._store.state.position())

    def wait(self, seconds: float) -> Arrival:
        """What became of it within `seconds`; may be asked again.

        Raises:
            OperatorError: the store is damaged.
        """
        until = time.monotonic() + seconds
        while True:
            found = self._found = self._found or self._look()
            if found is not None and (found[1].state == "judged" or self._judged(found[0])):
                state: State = "set aside" if found[1].event is None else "judged"
                return Arrival(state, found[1].source, found[1].reason, found[1].event)
            if time.monotonic() >= until:
                return found[1] if found is not None else Arrival("never")
            time.sleep(LOOK_SECONDS)

    def _judged(self, position: Position) -> bool:
        return self._store.state.position() >= position

    def _look(self) -> tuple[Position, Arrival] | None:
        """The event in what was added to the log since the last look."""
        for position, entry in self._log.added():
            if isinstance(entry, Received) and self._may_hold(entry):
                found = self._in(self._read(entry))
                if found is not None:
                    return position, found
        return None

    def _may_hold(self, received: Received) -> bool:
        sought = self._sought
        if sought.peer and received.peer != sought.peer:
            return False
        return received.arrived >= self._since and sought.nonce.encode() in received.body

    def _in(self, batch: EventBatch) -> Arrival | None:
        nonce = self._sought.nonce
        for event in batch:
            if nonce in event.raw:
                return Arrival("waits", event.source, event=event)
        for aside in batch.set_aside:
            if nonce in aside.raw:
                return Arrival("waits", aside.source, aside.reason)
        return None

    def close(self) -> None:
        """Ends the watch."""
        self._log.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
