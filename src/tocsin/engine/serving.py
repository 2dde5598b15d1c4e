"""`tocsin run`: one process takes events in (`engine/intake/`), this one judges them (`engine/service.py`).

Rules:

1. Intake is started first, and needs nothing of what judging needs: after a restart senders are heard at once, however much
   is still to be judged.
2. An intake process that dies is started anew, later each time, and that is told; nothing that it acknowledged is lost.
3. Once intake listens, the bell's thread (`bell.py`) tells people what was committed, and sends the sign of life.
4. A stop lets intake answer what is in flight, then judges all that was acknowledged, and only then ends. A second signal
   ends at once, and the rest is judged at the next start.
5. All settings may be read anew while it runs (`reloading.py`); what cannot be used changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tocsin.config import bounds
from tocsin.engine.absence import Absences, Known
from tocsin.engine.bell import Signs, ringing_bell
from tocsin.engine.books import Ringer
from tocsin.engine.collecting import collect, seldom
from tocsin.engine.figuring import Figuring
from tocsin.engine.flow import Tally
from tocsin.engine.forgetting import Forgetting
from tocsin.engine.intake.child import Child
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.settings import (
    Change,
    Changed,
    Counted,
    Failed,
    IntakeSettings,
    Ready,
    Refused,
    Report,
    Rotate,
    Stopped,
    Told,
)
from tocsin.engine.keeping import Keeping
from tocsin.engine.live_rules import LiveDetector
from tocsin.engine.patience import Patience
from tocsin.engine.reloading import Reloading
from tocsin.engine.sealer import Sealer
from tocsin.engine.serve_request import Attendant, ServeRequest, Wishes
from tocsin.engine.service import Service, counted
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch
from tocsin.records.instants import SECOND
from tocsin.records.received import Received
from tocsin.sources.listened.received import ReceivedOptions, events_of
from tocsin.store.segment import Position
from tocsin.store.store import Store

_SETTING: Final = "intake"
_RUNS, _STOPPED = "runs", "stopped"


def reads(options: ReceivedOptions) -> Callable[[Received], EventBatch]:
    """What makes events of what was taken in, each at the instant at which it counts."""
    return lambda received: counted(events_of(received, options))


def serve(request: ServeRequest, attendant: Attendant, wishes: Wishes) -> Tally:
    """Runs until it is to stop; gives what was judged.

    Raises:
        OperatorError: the store cannot be opened, no listener can be, or the disk refused.
    """
    intake = _Intake(request, attendant)
    with seldom(), Store.follow(request.store, intake.end, reads(request.reading)) as store:
        for notice in store.notices:
            attendant.on_notice(notice)
        detector = LiveDetector(request.rules, lambda rules: service.judged_by(rules.note), request.clock)
        sealer = Sealer(store, request.reading, request.now, attendant.on_notice)
        forgetting: Forgetting | None = None
        figuring = Figuring(store, attendant, detector, request.reading.zone, request.now)
        figuring.tick(Tally(), intake.counters)  # from here on it was not stopped, whatever becomes of it
        intake.begin(store)
        try:
            collect()
            figuring.figures.ports = intake.ports
            ringer = Ringer(request.ringing, request.now)
            service = Service(store, [detector], IncidentDesk(), figuring, ringer, _absences(request, store))
            service.judged_by(request.rules.note)
            patience = Patience(request.now, attendant.on_notice)
            keeping = Keeping(store, request.keep, request.now, attendant.on_notice)
            forgetting = Forgetting(
                store,
                request.now,
                attendant.on_notice,
                intake.rotate,
                figuring.forget,
                lambda: service.take_up_again(_absences(request, store)),
                lambda: sealer.merges,
            )
            signs = Signs(listens=True, judged=request.now())
            with ringing_bell(
                request.store, request.ringing, signs, request.now, attendant.on_notice
            ) as bell:

                def take_up(new: ServeRequest) -> None:
                    service.ring_for(new.ringing)
                    service.await_(lambda: _absences(new, store))
                    bell.ring_for(
                        new.ringing
                    )  # behind the commits: no message comes for a channel that it gave away
                    keeping.keep(new.keep)
                    figuring.figures.ports = intake.ports

                reloading = Reloading(request, wishes, detector, intake, take_up, attendant)
                while not wishes.stops():
                    if reloading.turn():
                        figuring.figures.reload = reloading.account
                        bell.settings(reloading.account.refused)
                        collect()
                    figuring.tick(service.tally, intake.counters)
                    keeping.turn()  # its first turn sweeps what no catalogue lists, so nothing may be sealed before
                    sealer.turn(merge=not forgetting.waits)
                    busy = patience.does(service.turn) | (not service.waits and forgetting.turn())
                    intake.attend(
                        0.0 if busy else 0.1 if forgetting.waits else 1.0
                    )  # however busy: it may be gone
                    signs.listens = intake.lives()
                    signs.judged = signs.judged if patience.refused else request.now()
                clean = intake.stop()
                signs.listens = False
            while service.turn():
                figuring.tick(service.tally, intake.counters)
            store.note({_SETTING: _STOPPED if clean else _RUNS})
            figuring.tick(service.tally, intake.counters, stopped=True)
        finally:
            intake.kill()
            sealer.stop()
            if forgetting is not None:
                forgetting.stop()
    return service.tally


def _absences(request: ServeRequest, store: Store) -> Absences | None:
    if request.awaited is None:
        return None
    return Absences(request.awaited, Known(store.state.watched(), store.state.incidents_of))


class _Intake:
    """Keeps an intake process running.

    Attributes:
        answer: To the last `ask`: empty where it holds, else why not; None while there is none.
    """

    def __init__(self, request: ServeRequest, attendant: Attendant) -> None:
        self._request, self._attendant = request, attendant
        self._child: Child | None = None
        self._end = Position(0, 0)
        self._pause = 0.0
        self._again: int | None = None
        self._store: Store | None = None
        self._asked: ServeRequest | None = None
        self.answer: str | None = None
        self.counters = Counters()
        self.ports: tuple[int, ...] = ()
        self.listens = False
        self._sign = (Position(0, 0), 0)  # how far it had come, and when (instant)

    def end(self) -> Position:
        """Where the acknowledged log ends."""
        if self._child is not None:
            self._end = max(self._end, self._child.end)
        return self._end

    def begin(self, store: Store) -> None:
        """Starts the first process, and comes back when it listens.

        Raises:
            OperatorError: it cannot listen.
        """
        self._store = store
        clean = store.state.settings().get(_SETTING) == _STOPPED
        store.note({_SETTING: _RUNS})
        self._start(clean=clean)
        while self._child is not None:
            for said in self._child.wait(1.0):
                self._hear(said)
                if isinstance(said, Ready):
                    return
            if self._child.died is not None:
                raise OperatorError(
                    f"The process that takes events in ended at its start (exit code {self._child.died}).",
                    "Look above for what it said last.",
                )

    def _start(self, *, clean: bool) -> None:
        assert self._store is not None
        request = self._request
        position = self._store.position  # before the marks: what they say beyond it the log says again
        files = replace(request.files, marks=self._store.file_marks())
        self._child = Child(
            IntakeSettings(
                request.store / "wal", position, self._store.sealed, request.listeners, request.tokens, clean, files,
            ),
            request.now,
        )  # fmt: skip

    def attend(self, seconds: float) -> None:
        """Waits for news of it, and starts it anew where it died."""
        assert self._child is not None
        for said in self._child.wait(seconds):
            self._hear(said)
        if self._child.died is None:
            return
        self.listens = False
        if self._asked is not None:
            self._asked, self.answer = (
                None,
                "The process that takes events in ended over it; what ran before is started again.",
            )
        if self._again is None:
            self._pause = min(max(2 * self._pause, 1.0), bounds.INTAKE_PAUSE_SECONDS)
            self._again = self._request.now() + round(self._pause * SECOND)
            self._attendant.on_notice(
                f"The process that takes events in ended (exit code {self._child.died}); it is started again in "
                f"{self._pause:.0f} s. Senders hold what they could not deliver."
            )
        elif not 0 < self._again - self._request.now() <= self._pause * SECOND:  # or the clock was set back
            self.end()
            self._again = None
            self._start(clean=False)

    def ask(self, request: ServeRequest) -> None:
        """Asks for what `request` says of listeners, tokens and files; `answer` says in time what came of it."""
        assert self._store is not None
        if self._child is None or not self.listens:
            self.answer = "The process that takes events in does not run just now."
            return
        self._asked, self.answer = request, None
        position = self._store.position  # before the marks, as at a start
        files = replace(request.files, marks=self._store.file_marks())
        self._child.order(Change(request.listeners, request.tokens, files, position))

    def lives(self) -> bool:
        """Whether it listens, and said something or moved on within `bounds.WORKING_SECONDS`: one that hangs does not."""
        end, now = self.end(), self._request.now()
        if end != self._sign[0]:
            self._sign = (end, now)
        return self.listens and abs(now - self._sign[1]) <= bounds.WORKING_SECONDS * SECOND

    def rotate(self) -> None:
        """Lets it leave the present segment of the log."""
        if self._child is not None:
            self._child.order(Rotate())

    def stop(self) -> bool:
        """Stops it; whether it answered all that was in flight."""
        clean = False
        if self._child is not None:
            for said in self._child.stop():
                self._hear(said)
                clean = clean or isinstance(said, Stopped)
            self.end()
        return clean

    def kill(self) -> None:
        """Ends it at once, if it still runs."""
        if self._child is not None:
            self._child.kill()

    def _hear(self, said: Report) -> None:
        self._sign = (self._end, self._request.now())
        if isinstance(said, Failed):
            raise OperatorError(said.what, said.next_step)
        if isinstance(said, Told):
            self._attendant.on_notice(said.text)
        elif isinstance(said, Counted | Stopped):
            self.counters = said.counters
        elif isinstance(said, Ready):
            self._pause = 0.0
            self.ports = said.ports
            self.listens = True
            self._attendant.on_ready(said.ports)
        elif isinstance(said, Refused):
            self._asked, self.answer = None, said.why
        elif isinstance(said, Changed):
            self._changed(said)

    def _changed(self, said: Changed) -> None:
        assert self._asked is not None
        asked, self._asked, self.answer = self._asked, None, ""
        self._request = replace(
            self._request, listeners=asked.listeners, tokens=asked.tokens, files=asked.files
        )
        if said.ports != self.ports:
            self.ports = said.ports
            self._attendant.on_ready(said.ports)
