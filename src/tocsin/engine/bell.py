"""The bell's thread: hands messages over, makes the daily one, sends the sign of life, beside judging.

It has its own connection to the store's state and touches nothing that judging owns. What goes wrong in it is told, and
it goes on. Whom to tell may change while it runs: what is being handed over is ended first, then what waits for a channel
that is named no more goes to those that are, so that nothing is said twice or never.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from tocsin.config import bounds
from tocsin.engine.absent_words import absence_of
from tocsin.notify.changes import Ringing
from tocsin.notify.delivery import Delivery
from tocsin.notify.digest import Absent, digest
from tocsin.notify.heartbeat import Pulse
from tocsin.notify.notices import SETTINGS, refused_settings
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
        since = abs(now - self.judged)  # a clock that was put back hides nothing
        if since > bounds.WORKING_SECONDS * SECOND:
            found.append(f"Nothing was judged for {since // SECOND:,} seconds.")
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
        self._refused: SimpleQueue[str] = SimpleQueue()
        self._ends = Event()
        self._thread = Thread(target=self._run, name="tocsin-bell", daemon=True)
        self._trouble = ""

    def ring_for(self, ringing: Ringing) -> None:
        """Whom to tell from now on."""
        self._ringing = ringing

    def settings(self, refused: str) -> None:
        """Settings were read anew: why they do not hold, which people are told; empty where they do."""
        self._refused.put(refused)

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
        again = False
        try:
            while not self._ends.is_set():
                self._ring_for(self._ringing, database, again=again)
                again = True
        finally:
            database.close()

    def _ring_for(self, ringing: Ringing, database: Database, *, again: bool) -> None:
        """Until somebody else is to be told; `again` where somebody was before."""
        outbox, state = Outbox(database), State(database)
        absent = Absent(lambda: tuple(absence_of(state).sentences()), lambda: tuple(absence_of(state).groups))
        gate = Gate(ringing.bell.allowed, Outgoing(database), self._now)
        delivery = Delivery(outbox, gate, ringing, self._tell)
        pulse = Pulse(ringing.bell, gate, self._tell)
        delivery.begin(self._now())
        if again:
            outbox.try_now(self._now())
        while not self._ends.is_set() and self._ringing is ringing:
            self._say_of_settings(outbox, ringing)
            now = self._now()
            problems = self._signs.problems(self._root, now)
            made = digest(outbox, ringing, problems, now, absent)
            if made:
                outbox.add(made)
            delivery.turn(now)
            pulse.turn(problems, self._now())
            self._trouble = ""
            self._ends.wait(_TURN_SECONDS)

    def _say_of_settings(self, outbox: Outbox, ringing: Ringing) -> None:
        with suppress(Empty):
            refused = self._refused.get_nowait()
            outbox.withdraw(SETTINGS, self._now())
            if refused:
                outbox.add(refused_settings(ringing, refused, self._now()))

    def _complain(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            self._tell(text)


@contextmanager
def ringing_bell(
    root: Path, ringing: Ringing, signs: Signs, now: Callable[[], int], tell: Callable[[str], None]
) -> Iterator[BellThread]:
    """The bell rings inside, for those that `ringing` names and those that it is told of later."""
    thread = BellThread(root, ringing, signs, now, tell)
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
