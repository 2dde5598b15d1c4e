"""The service: what another process took in is judged in the order of the log, and committed.

Rules:

1. Events are judged from the committed position on, never beyond what was acknowledged (`store/followed.py`).
2. One commit holds findings, incidents, all state and the position: a crash anywhere judges the rest again from that
   state, and what it finds again has the ids that it had.
3. How much is judged at once follows the load, and changes no answer: windows over several events are judged where the
   events' own time passes a multiple of `bounds.TICK_SECONDS`, which depends on the log alone.
4. An event that claims a time too far from its arrival counts at its arrival, and is marked (`Event.time_known`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tocsin.config import bounds
from tocsin.detect.interface import Detector
from tocsin.detect.sigma.correlations.lateness import Lateness, counted_at
from tocsin.engine.absence import Absences
from tocsin.engine.books import Books, Ringer
from tocsin.engine.flow import Listener, Tally
from tocsin.incidents.desk import IncidentDesk
from tocsin.notify.changes import Ringing
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.records.finding import Finding
from tocsin.records.instants import SECOND
from tocsin.records.received import Received
from tocsin.store.entries import Entry, Passed, RuleSet
from tocsin.store.segment import Position
from tocsin.store.state import Notes
from tocsin.store.store import Store


@dataclass(frozen=True, slots=True)
class Portion:
    """Events that are judged and committed together.

    Attributes:
        position: To commit once they are judged.
        batch: The events, and what could not be read among them.
        watermark: To advance the detectors to afterwards; None where no tick passed.
    """

    position: Position
    batch: EventBatch
    watermark: int | None


class LogReader:
    """Cuts what the log holds behind the committed position into portions.

    Args:
        store: Whose log it is.
        absences: Follows it too; None for nobody.
    """

    def __init__(self, store: Store, absences: Absences | None = None) -> None:
        self._store, self.absences = store, absences
        self._lateness = Lateness(bounds.LATENESS_SECONDS)
        watermark = store.state.watermark()
        if watermark is not None:
            self._lateness.progress = watermark + bounds.LATENESS_SECONDS * SECOND

    @property
    def watermark(self) -> int | None:
        """How far the events' own time came, less the lateness; None where none was seen."""
        return self._lateness.watermark if self._lateness.progress > 0 else None

    def portion(self) -> Portion | None:
        """The next one; None where everything was judged. What it gave is to be committed before the next call."""
        events: list[Event] = []
        set_aside: list[SetAside] = []
        size, last, tick = 0, None, self._tick()
        for position, entry in self._store.pending():
            last = position
            batch = self._batch(entry)
            events += batch.events
            set_aside += batch.set_aside
            size += len(entry.body) if isinstance(entry, Received) else 0
            if size >= bounds.PORTION_BYTES or self._tick() != tick:
                break
        if last is None:
            return None
        passed = self.watermark if self._tick() != tick else None
        return Portion(last, EventBatch(tuple(events), tuple(set_aside)), passed)

    def _batch(self, entry: Entry) -> EventBatch:
        """What there is to judge in `entry`; takes note of the time that it tells."""
        if isinstance(entry, Passed):
            self._lateness.progress = max(self._lateness.progress, entry.instant)
        if isinstance(entry, Received):
            self._store.saw(entry)
        batch = self._store.batch(entry) or EventBatch(())
        self._lateness.saw(batch)
        if self.absences is not None:
            self.absences.take(entry, batch)
        return batch

    def _tick(self) -> int:
        return self._lateness.progress // (bounds.TICK_SECONDS * SECOND)


def counted(batch: EventBatch) -> EventBatch:
    """`batch`, each event at the instant at which it counts; one that claims another is marked by `time_known`."""
    return replace(batch, events=tuple(map(_counted, batch.events)))


def _counted(event: Event) -> Event:
    instant = counted_at(event.time, event.ingest)
    return event if instant == event.time else replace(event, time=instant, time_known=False)


class Service:
    """Judges what a store's log holds, portion by portion.

    Args:
        store: To judge; a store that is followed (`Store.follow`), whose events `counted` gave.
        detectors: Who judges, asked in order.
        desk: Who groups.
        listener: Who is told what was committed.
        ringer: Whom to tell of incidents; None for nobody.
        absences: Who notices what does not come; None for nobody.

    Attributes:
        tally: What was judged since the start.
    """

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self,
        store: Store,
        detectors: Sequence[Detector],
        desk: IncidentDesk,
        listener: Listener,
        ringer: Ringer | None = None,
        absences: Absences | None = None,
    ) -> None:
        self._store, self._detectors, self._desk, self._listener = store, detectors, desk, listener
        self._ringer = ringer
        self._absences = absences
        self._books = Books(store, detectors, desk, ringer)
        self._reader = LogReader(store, absences)
        self._rule_sets: list[tuple[Position, str, int]] = []
        self.tally = Tally()

    def judged_by(self, rules: RuleSet) -> None:
        """Notes for the next commit which rules judge from here on, where that changed."""
        known = self._rule_sets[-1][1] if self._rule_sets else self._store.rules_version
        if rules.version != known:
            self._rule_sets.append((self._store.position, rules.version, rules.rules))

    def take_up_again(self, absences: Absences | None) -> None:
        """Goes on with what the store says now, which somebody changed between two turns; `absences` are read from it anew."""
        self._absences = absences
        self._reader.absences = absences
        self._desk = IncidentDesk()
        self._books = Books(self._store, self._detectors, self._desk, self._ringer)

    def ring_for(self, ringing: Ringing) -> None:
        """Whom to tell of incidents from the next commit on."""
        if self._ringer is not None:
            self._ringer = replace(self._ringer, ringing=ringing)
        self._books.ringing = ringing

    def turn(self) -> bool:
        """Judges and commits one portion; False where there was none.

        Raises:
            OperatorError: the disk refused, or the log is damaged; nothing of the portion is stored.
        """
        portion = self._reader.portion()
        if portion is None:
            return False
        findings = self._judge(portion)
        self._desk.add(findings)
        beside = Notes(portion.batch.set_aside, self._rule_sets, watermark=self._reader.watermark)
        absent = self._absences.turn() if self._absences is not None else None
        if absent is not None:
            findings += absent.findings
        new = set(self._books.write(portion.position, findings, beside, portion.batch, absent))
        if self._absences is not None and self._books.resolved:
            self._absences.resolved(self._books.resolved)
        self._rule_sets = []
        self._tell(portion.batch, [finding for finding in findings if finding.id in new])
        return True

    def _judge(self, portion: Portion) -> list[Finding]:
        findings = [finding for one in self._detectors for finding in one.process(portion.batch)]
        if portion.watermark is not None:
            findings += [finding for one in self._detectors for finding in one.advance(portion.watermark)]
        return findings

    def _tell(self, batch: EventBatch, findings: Iterable[Finding]) -> None:
        for record in batch.set_aside:
            self._listener.on_set_aside(record)
        for finding in findings:
            self._listener.on_finding(finding)
            self.tally.findings += 1
        self._listener.on_batch(batch)
        self.tally.events += len(batch)
        self.tally.set_aside += len(batch.set_aside)
