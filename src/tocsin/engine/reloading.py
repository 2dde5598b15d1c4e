"""Rules and tokens are read anew while the service runs.

Rules:

1. Reading, parsing and planning happen in a thread; the flow takes the new rules up between two portions
   (`live_rules.py`), so no event is missed or judged twice.
2. All or nothing: where settings, tokens or a path of rules cannot be used, or a file whose rules judge now is broken,
   nothing changes, and that is told.
3. Where to listen, where data is and how records are read holds until the next start; that is told where it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from queue import Empty, SimpleQueue
from threading import Thread

from tocsin.detect.sigma.ruleset import RuleSet
from tocsin.engine.live_rules import LiveDetector
from tocsin.engine.serve_request import ServeRequest, Wishes
from tocsin.records.errors import OperatorError

Outcome = tuple[ServeRequest, Sequence[str]] | str

_SHOWN = 5
_NOTHING_CHANGED = "Nothing was reloaded, and what ran goes on. "


class Reloading:
    """Reads settings anew when that is asked for.

    Args:
        request: What runs.
        wishes: Says when, and reads.
        detector: Takes up new rules.
        tell: Told in sentences of what cannot be used or is not taken up.
    """

    def __init__(
        self, request: ServeRequest, wishes: Wishes, detector: LiveDetector, tell: Callable[[str], None]
    ) -> None:
        self._started = self._current = request
        self._wishes, self._detector, self._tell = wishes, detector, tell
        self._wanted = False
        self._thread: Thread | None = None
        self._done: SimpleQueue[Outcome] = SimpleQueue()

    def turn(self) -> ServeRequest | None:
        """Begins to read where that is asked for; what was read and shall hold, once it is ready."""
        self._wanted = self._wishes.reloads() or self._wanted
        if self._wanted and self._thread is None:
            self._wanted = False
            self._thread = Thread(target=self._read, name="tocsin-reload", daemon=True)
            self._thread.start()
        try:
            outcome = self._done.get_nowait()
        except Empty:
            return None
        self._thread = None
        if isinstance(outcome, str):
            self._tell(_NOTHING_CHANGED + outcome)
            return None
        self._current, sentences = outcome
        for sentence in (*sentences, *self._later()):
            self._tell(sentence)
        return self._current

    def _read(self) -> None:
        """The thread's work: reads, checks, and offers the rules."""
        try:
            request, sentences = self._wishes.reread()
            gone = lost(self._current.rules.ruleset, request.rules.ruleset, request.unreadable)
            if gone:
                self._done.put(gone)
                return
            if request.rules.note.version != self._current.rules.note.version:
                self._detector.offer(request.rules)
        except OperatorError as error:
            self._done.put(str(error))
        except Exception as error:  # noqa: BLE001  a defect of ours ends no service that runs
            self._done.put(f"Reading failed: {error!r}")
        else:
            self._done.put((request, sentences))

    def _later(self) -> list[str]:
        """What needs a restart."""
        old, new = self._started, self._current
        changed = [
            name
            for name, differs in (
                ("listeners", old.listeners != new.listeners),
                ("the data folder", old.store != new.store),
                ("how much to keep", old.keep != new.keep),
                ("zone or site", old.reading != new.reading),
                ("what is expected", _said(old) != _said(new)),
            )
            if differs
        ]
        return (
            [f"A change of {' and '.join(changed)} holds only once Tocsin is restarted."] if changed else []
        )


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


def _said(request: ServeRequest) -> tuple[object, ...]:
    """What the settings say is awaited."""
    awaited = request.awaited
    return (
        () if awaited is None else (awaited.rule, awaited.rings, [one.said for one in awaited.expectations])
    )
