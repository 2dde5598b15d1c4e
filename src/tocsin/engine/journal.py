"""The journal of a run: the store's append and commit, timed so that a scan is safe and quick.

1. A batch is acknowledged by the store before it is judged.
2. Findings, incidents, the detectors' and the desk's state and the position are committed together, at the end and
   whenever one of `bounds.COMMIT_…` is reached: a crash in between judges the batches since the last commit again,
   from that commit's state, and gives the same findings with the same ids.
3. Judging again uses today's rules; if they differ from those recorded in the log, a notice says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tocsin.config import bounds
from tocsin.detect.interface import Detector
from tocsin.engine.books import Books
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.event import EventBatch
from tocsin.records.finding import Finding
from tocsin.store.entries import Events
from tocsin.store.entries import RuleSet as RuleSetNote
from tocsin.store.segment import Position
from tocsin.store.store import Store


class StoreJournal:
    """Keeps one run in a store. A context manager: leaving it seals what is judged and closes the store.

    Attributes:
        streams: What the reader names its streams with.
        notices: What opening the store mended or noticed, one sentence each.
    """

    def __init__(
        self, store: Store, detectors: Sequence[Detector], desk: IncidentDesk, rules: RuleSetNote
    ) -> None:
        self._store, self._rules = store, rules
        self._books = Books(store, detectors, desk)
        self._findings: list[Finding] = []
        self._note: tuple[RuleSetNote, ...] = ()
        self._records = 0
        self.streams = store.streams
        self.notices = [*store.notices]
        self._restore()

    def pending(self) -> Iterator[tuple[Position, EventBatch]]:
        """Batches that an earlier run acknowledged and did not commit."""
        for position, entry in self._store.pending():
            if isinstance(entry, Events):
                yield position, entry.batch

    def acknowledge(self, batch: EventBatch) -> tuple[Position, EventBatch]:
        """What of `batch` was not read before, durable; the first batch of a run also records the rules' version."""
        appended = self._store.append(batch, self._note)
        self._note = ()
        return appended.position, appended.batch

    def commit(self, position: Position, batch: EventBatch, findings: Sequence[Finding]) -> None:
        """Keeps `findings` for the next commit, and commits when enough came together."""
        self._findings.extend(findings)
        self._records += len(batch) + len(batch.set_aside)
        self._position = position
        if self._is_due():
            self._write()
            self._store.seal()

    def close_books(self, findings: Sequence[Finding]) -> None:
        """Commits everything, and seals it."""
        self._findings.extend(findings)
        self._write()
        self._store.seal(all_of_it=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()

    def _is_due(self) -> bool:
        return (
            self._records >= bounds.COMMIT_EVENTS
            or len(self._findings) >= bounds.COMMIT_FINDINGS
            or self._position.segment - self._written.segment >= bounds.COMMIT_SEGMENTS
        )

    def _write(self) -> None:
        self._books.write(self._position, self._findings)
        self._findings, self._records = [], 0
        self._written = self._position

    def _restore(self) -> None:
        self._position = self._written = self._store.position
        recorded = self._store.rules_version
        if recorded != self._rules.version:
            self._note = (self._rules,)
        if recorded and self._note and any(True for _ in self.pending()):
            self.notices.append(
                "The last run stopped half way, and the rules have changed since: what it left is judged by today's."
            )


def open_journal(
    root: Path, detectors: Sequence[Detector], desk: IncidentDesk, rules: RuleSetNote
) -> StoreJournal:
    """The journal over the store in the folder `root`.

    Raises:
        OperatorError: the store cannot be opened.
    """
    store = Store.open(root)
    try:
        return StoreJournal(store, detectors, desk, rules)
    except BaseException:
        store.close()
        raise
