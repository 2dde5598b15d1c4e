"""The bell's thread: hands messages over, makes the daily one, sends the sign of life, beside judging.

It has its own connection to the store's state and touches nothing that judging owns. What goes wrong in it is told, and
it goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from tocsin.config import bounds
from tocsin.engine.absent_words import absence_of
from tocsin.notify.changes import Ringing
from tocsin.notify.delivery import Delivery
from tocsin.notify.digest import Absent, digest
from tocsin.notify.heartbeat import Pulse
from tocsin.outbound.gate import Gate
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.store.database import Database
from tocsin.store.outbox import Outbox
from tocsin.store.outgoing import Outgoing
from tocsin.store.state import State

_TURN_SECONDS = 1.0
_TROUBLE_SECONDS = 30.0


@dataclass(slots=True)
class Signs:
    """What the service knows of itself; written by the thread that judges, read by the bell's.

    Attributes:
        listens: Whether the process that takes events in is ready.
        judged: When judging last made progress, or had nothing to do (instant).
    """

    listens: bool = False
    judged: int = 0

    def problems(self, root: Path, now: int) -> tuple[str, ...]:
        """What is not well, a sentence each; nothing where the service truly works."""
        found = []
        if not self.listens:
            found.append("The process that takes events in does not run, or hangs.")
        silent = abs(now - self.judged)  # negative where the clock was set back
        if silent > bounds.WORKING_SECONDS * SECOND:
            found.append(f"Nothing was judged for {silent // SECOND:,} seconds.")
        try:
            free = shutil.disk_usage(root).free
        except OSError as error:
            found.append(f"The data folder cannot be used: {error.strerror}.")
        else:
            if free < bounds.WORKING_DISK_BYTES:
                found.append(f"The disk has only {free // bounds.MiB:,} MiB left.")
        return tuple(found)


class BellThread:
    """Rings until it is told to stop.

    Args:
        root: The store.
        ringing: Whom to tell.
        signs: What the service knows of itself.
        now: The present instant.
        tell: Told, from the bell's thread, what an operator should know.
    """

    def __init__(
        self, root: Path, ringing: Ringing, signs: Signs, now: Callable[[], int], tell: Callable[[str], None]
    ) -> None:
        self._root, self._ringing, self._signs, self._now, self._tell = root, ringing, signs, now, tell
        self._ends = Event()
        self._thread = Thread(target=self._run, name="tocsin-bell", daemon=True)
        self._trouble = ""

    def start(self) -> None:
        """Starts it."""
        self._thread.start()

    def stop(self) -> None:
        """Lets what is being handed over end, for a while."""
        self._ends.set()
        self._thread.join(bounds.OUTBOUND_SECONDS)

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._ring()
            except (OperatorError, OSError) as error:
                self._complain(f"The bell cannot ring: {error}")
                self._ends.wait(_TROUBLE_SECONDS)
            except Exception as error:  # noqa: BLE001  a bell that falls silent is the worst of all
                self._complain(f"The bell stumbled ({type(error).__name__}: {error}) and goes on.")
                self._ends.wait(_TROUBLE_SECONDS)

    def _ring(self) -> None:
        database = Database(self._root / "state.sqlite", write=True)
        try:
            outbox, state = Outbox(database), State(database)
            absent = Absent(
                lambda: tuple(absence_of(state).sentences()), lambda: tuple(absence_of(state).groups)
            )
            gate = Gate(self._ringing.bell.allowed, Outgoing(database), self._now)
            delivery = Delivery(outbox, gate, self._ringing, self._tell)
            pulse = Pulse(self._ringing.bell, gate, self._tell)
            while not self._ends.is_set():
                now = self._now()
                problems = self._signs.problems(self._root, now)
                made = digest(outbox, self._ringing, problems, now, absent)
                if made:
                    outbox.add(made)
                delivery.turn(now)
                pulse.turn(problems, self._now())
                self._ends.wait(_TURN_SECONDS)
        finally:
            database.close()

    def _complain(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            self._tell(text)


@contextmanager
def ringing_bell(
    root: Path, ringing: Ringing, signs: Signs, now: Callable[[], int], tell: Callable[[str], None]
) -> Iterator[None]:
    """The bell rings inside; its thread runs only where there is somebody or something to reach."""
    if not ringing.bell.channels and ringing.bell.heartbeat is None:
        yield
        return
    thread = BellThread(root, ringing, signs, now, tell)
    thread.start()
    try:
        yield
    finally:
        thread.stop()
