"""The bell: hands messages over, makes the daily one, sends the sign of life, in a process of its own (`kept_bell.py`).

It has its own connection to the store's state and touches nothing that judging owns. What goes wrong in it is told, and
it goes on. Whom to tell may change while it runs: what is being handed over is ended first, then what waits for a channel
that is named no more goes to those that are, so that nothing is said twice or never.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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
from tocsin.store.lock import bell_to_itself
from tocsin.store.outbox import Outbox
from tocsin.store.outgoing import Outgoing
from tocsin.store.state import State

_TURN_SECONDS = 1.0
_TROUBLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Signs:
    """What the service knows of itself.

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


class Around(Protocol):
    """What the bell has around it."""

    @property
    def ringing(self) -> Ringing:
        """Whom to tell now."""

    @property
    def signs(self) -> Signs:
        """What the service knows of itself now."""

    def wait(self, seconds: float) -> bool:
        """Waits so long, or until somebody else is to be told; whether the bell is to go on."""

    def settle(self) -> bool:
        """Waits until it knows whom to tell now, for else messages for new channels would seem to be for none; as `wait`."""

    def settled(self) -> bool:
        """Whether it knows whom to tell now."""

    def refused(self) -> str | None:
        """Why settings that were read do not hold, empty where they do; None where that was said, or none were read."""

    def refused_said(self) -> None:
        """That was said."""


class BellRinger:
    """Rings for as long as what is around it wants.

    Args:
        root: The store.
        around: Whom to tell, and for how long.
        now: The present instant.
        tell: Told what an operator should know.
    """

    def __init__(
        self, root: Path, around: Around, now: Callable[[], int], tell: Callable[[str], None]
    ) -> None:
        self._root, self._around, self._now, self._tell = root, around, now, tell
        self._trouble = ""

    def run(self) -> None:
        """Rings until it is to end; what is being handed over is ended first."""
        goes_on = True
        while goes_on:
            try:
                self._ring()
            except (OperatorError, OSError) as error:
                self._complain(f"The bell cannot ring: {error}")
                goes_on = self._around.wait(_TROUBLE_SECONDS)
            except Exception as error:  # noqa: BLE001  a bell that falls silent is the worst of all
                self._complain(f"The bell stumbled ({type(error).__name__}: {error}) and goes on.")
                goes_on = self._around.wait(_TROUBLE_SECONDS)
            else:
                goes_on = False

    def _ring(self) -> None:
        until = self._now() + round(bounds.OUTBOUND_SECONDS * SECOND)
        with (
            bell_to_itself(self._root, lambda: self._now() < until and self._around.wait(0.0)),
            closing(Database(self._root / "state.sqlite", write=True)) as database,
        ):
            again = False
            while self._around.settle() and self._ring_for(self._around.ringing, database, again=again):
                again = True

    def _ring_for(self, ringing: Ringing, database: Database, *, again: bool) -> bool:
        """Until somebody else is to be told, or it is to end: whether it goes on; `again` where somebody was before."""
        outbox, state = Outbox(database), State(database)
        absent = Absent(lambda: tuple(absence_of(state).sentences()), lambda: tuple(absence_of(state).groups))
        gate = Gate(ringing.bell.allowed, Outgoing(database), self._now)
        delivery = Delivery(outbox, gate, ringing, self._tell)
        pulse = Pulse(ringing.bell, gate, self._tell)
        delivery.begin(self._now(), self._around.settled)
        if again:
            outbox.try_now(self._now())
        goes_on = True
        while goes_on and self._around.ringing is ringing:
            self._say_of_settings(outbox, ringing)
            now = self._now()
            problems = self._around.signs.problems(self._root, now)
            made = digest(outbox, ringing, problems, now, absent)
            if made:
                outbox.add(made)
            delivery.turn(now)
            if not (goes_on := self._around.wait(0.0)):
                break  # a sign of life would be a lie
            pulse.turn(problems, self._now())
            self._trouble = ""
            goes_on = self._around.wait(_TURN_SECONDS)
        return goes_on

    def _say_of_settings(self, outbox: Outbox, ringing: Ringing) -> None:
        refused = self._around.refused()
        if refused is None:
            return
        outbox.withdraw(SETTINGS, self._now())
        if refused:
            outbox.add(refused_settings(ringing, refused, self._now()))
        self._around.refused_said()

    def _complain(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            self._tell(text)
