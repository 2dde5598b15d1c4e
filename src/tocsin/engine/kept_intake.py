"""The process that takes events in, kept running: started first, asked to change, and started anew where it died."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tocsin.config import bounds
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
from tocsin.engine.serve_request import Attendant, ServeRequest
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.store.segment import Position
from tocsin.store.store import Store

_SETTING: Final = "intake"
_RUNS, _STOPPED = "runs", "stopped"


class KeptIntake:
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
        self._began = False  # whether one listened: from then on none ends the service
        self._failed = ""  # why the last one could not listen
        self._clean = False
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
                request.plants,
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
            why = f"ended (exit code {self._child.died})"
            if self._failed:
                why, self._failed = f"could not listen again: {self._failed}", ""
            self._attendant.on_notice(
                f"The process that takes events in {why}; it is started again in {self._pause:.0f} s. Senders hold what "
                "they could not deliver."
            )
        elif not 0 < self._again - self._request.now() <= self._pause * SECOND:  # or the clock was set back
            self.end()
            self._again = None
            self._start(clean=False)

    def ask(self, request: ServeRequest) -> None:
        """Asks for what `request` says of listeners, tokens, files and plants; `answer` says in time what came of it."""
        assert self._store is not None
        if self._child is None or not self.listens:
            self.answer = "The process that takes events in does not run just now."
            return
        self._asked, self.answer = request, None
        position = self._store.position  # before the marks, as at a start
        files = replace(request.files, marks=self._store.file_marks())
        self._child.order(Change(request.listeners, request.tokens, files, position, request.plants))

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

    def stop(self) -> None:
        """Stops it."""
        if self._child is not None:
            for said in self._child.stop():
                self._hear(said)
                self._clean = self._clean or isinstance(said, Stopped)
            self.end()

    def note_end(self) -> None:
        """Notes in the store whether the process answered all that was in flight when it was stopped."""
        assert self._store is not None
        self._store.note({_SETTING: _STOPPED if self._clean else _RUNS})

    def kill(self) -> None:
        """Ends it at once, if it still runs."""
        if self._child is not None:
            self._child.kill()

    def _hear(self, said: Report) -> None:
        self._sign = (self._end, self._request.now())
        if isinstance(said, Failed) and not self._began:
            raise OperatorError(said.what, said.next_step)
        if isinstance(said, Failed):
            self._failed = f"{said.what} {said.next_step}"
        elif isinstance(said, Told):
            self._attendant.on_notice(said.text)
        elif isinstance(said, Counted | Stopped):
            self.counters = said.counters
        elif isinstance(said, Ready):
            self._pause = 0.0
            self.ports = said.ports
            self.listens = self._began = True
            self._attendant.on_ready(said.ports)
        elif isinstance(said, Refused):
            self._asked, self.answer = None, said.why
        elif isinstance(said, Changed):
            self._changed(said)

    def _changed(self, said: Changed) -> None:
        assert self._asked is not None
        asked, self._asked, self.answer = self._asked, None, ""
        self._request = replace(
            self._request,
            listeners=asked.listeners,
            tokens=asked.tokens,
            files=asked.files,
            plants=asked.plants,
        )
        if said.ports != self.ports:
            self.ports = said.ports
            self._attendant.on_ready(said.ports)
