"""All settings are read anew while the service runs.

Rules:

1. Reading, parsing and planning happen in a thread; the flow takes the new rules up between two portions
   (`live_rules.py`), so no event is missed or judged twice.
2. All or nothing, in this order: everything is read and checked; then the process that takes events in is asked, because
   only it can say whether a port is free and a certificate good; only where it agrees, all the rest follows, of which
   nothing can fail. Where anything cannot be used, or a file whose rules judge now is broken, nothing changes.
3. Where data is, and how records are read (zone, site), holds until the next start: what is stored was read that way.
4. What came of it is told at once, stands in `status.json` for `tocsin status` and `tocsin doctor`, and is rung.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from tocsin.detect.sigma.ruleset import RuleSet
from tocsin.engine.figures import Reload
from tocsin.engine.live_rules import LiveDetector, Prepared
from tocsin.engine.serve_request import Attendant, Reloaded, ServeRequest, Wishes
from tocsin.records.errors import OperatorError

_SHOWN = 5
_NOTHING_CHANGED = "Nothing was reloaded, and what ran goes on. "


@dataclass(frozen=True, slots=True)
class Read:
    """What was read and can be used as far as this process can tell; `rules` where other ones are to judge."""

    request: ServeRequest
    rules: Prepared | None
    sentences: Sequence[str]


class Intake(Protocol):
    """Who listens.

    Attributes:
        answer: To the last `ask`: empty where it holds, else why nothing changed; None while there is none.
    """

    answer: str | None

    def ask(self, request: ServeRequest) -> None:
        """Asks for what `request` says of listeners, tokens and files."""


class Reloading:
    """Reads settings anew when that is asked for.

    Args:
        request: What runs.
        wishes: Says when, and reads.
        detector: Takes up new rules.
        intake: Takes up listeners, tokens and files.
        take_up: Takes up all the rest; it cannot fail.
        attendant: Told what came of it.

    Attributes:
        account: What came of it so far.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self,
        request: ServeRequest,
        wishes: Wishes,
        detector: LiveDetector,
        intake: Intake,
        take_up: Callable[[ServeRequest], None],
        attendant: Attendant,
    ) -> None:
        self._current = request
        self._wishes, self._detector, self._intake = wishes, detector, intake
        self._take_up, self._attendant = take_up, attendant
        self.account = Reload(request.now())
        self._wanted = False
        self._thread: Thread | None = None
        self._done: SimpleQueue[Read | str] = SimpleQueue()
        self._asked: Read | None = None

    def turn(self) -> bool:
        """Goes one step on; whether something came of it."""
        self._wanted = self._wishes.reloads() or self._wanted
        if self._asked is not None:
            return self._answered(self._asked)
        if self._thread is None:
            if self._wanted:
                self._wanted = False
                self._thread = Thread(target=self._read, name="tocsin-reload", daemon=True)
                self._thread.start()
            return False
        try:
            read = self._done.get_nowait()
        except Empty:
            return False
        self._thread = None
        if isinstance(read, str):
            return self._refused(read)
        self._asked = read
        self._intake.ask(read.request)
        return False

    def _answered(self, read: Read) -> bool:
        why = self._intake.answer
        if why is None:
            return False
        self._asked = None
        if why:
            return self._refused(why)
        if read.rules is not None:
            self._detector.offer(read.rules)
        kept, waits = self._kept(read.request)
        self._current = kept
        self._take_up(kept)
        later = [f"A change of {' and '.join(waits)} holds only once Tocsin is restarted."] if waits else []
        for sentence in (*read.sentences, *later):
            self._attendant.on_notice(sentence)
        self.account = Reload(kept.now(), "", waits)
        rules = kept.rules.ruleset
        self._attendant.on_reloaded(Reloaded(len(rules.rules) + len(rules.correlations), len(kept.tokens)))
        return True

    def _refused(self, why: str) -> bool:
        self._attendant.on_notice(_NOTHING_CHANGED + why)
        self.account = Reload(self.account.read, why, self.account.waits)
        return True

    def _read(self) -> None:
        """The thread's work: reads, checks, and makes rules ready."""
        try:
            request, sentences = self._wishes.reread()
            gone = lost(self._current.rules.ruleset, request.rules.ruleset, request.unreadable)
            if gone:
                self._done.put(gone)
                return
            same = request.rules.note.version == self._current.rules.note.version
            read = Read(request, None if same else self._detector.prepare(request.rules), sentences)
        except OperatorError as error:
            self._done.put(str(error))
        except Exception as error:  # noqa: BLE001  a defect of ours ends no service that runs
            self._done.put(f"Reading failed: {error!r}")
        else:
            self._done.put(read)

    def _kept(self, new: ServeRequest) -> tuple[ServeRequest, tuple[str, ...]]:
        """`new` with what holds until a restart as it was, and what of that differs."""
        old = self._current
        waits = tuple(
            name
            for name, differs in (
                ("the data folder", old.store != new.store),
                ("zone", old.reading.zone != new.reading.zone),
                ("site", old.reading.site != new.reading.site),
            )
            if differs
        )
        ringing = replace(new.ringing, zone=old.ringing.zone)
        awaited = new.awaited and replace(new.awaited, zone=old.reading.zone, site=old.reading.site)
        kept = replace(new, store=old.store, reading=old.reading, ringing=ringing, awaited=awaited)
        return kept, waits


def lost(old: RuleSet, new: RuleSet, unreadable: Collection[str]) -> str:
    """Which rules of `old` are not in `new` because their file is broken now, as sentences; empty where there is none.

    A rule that was removed is none: its file, or what is left of it, is whole.
    """
    broken = {problem.path: problem.why for problem in new.problems} | dict.fromkeys(
        unreadable, "it cannot be read"
    )
    kept = _paths(new)
    gone = [path for rule, path in _paths(old).items() if rule not in kept and path in broken]
    if not gone:
        return ""
    named = "; ".join(f"{path}: {broken[path]}" for path in gone[:_SHOWN])
    return f"{len(gone)} rules that judge now would be lost: {named}. Mend the files, or remove them."


def _paths(rules: RuleSet) -> dict[str, str]:
    """Id of a rule → path of its file."""
    return {one.id: one.meta.path for one in rules.rules} | {
        one.id: one.meta.path for one in rules.correlations
    }
