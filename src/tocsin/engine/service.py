"""The service: what another process took in is judged in the order of the log, and committed.

Rules:

1. Events are judged from the committed position on, never beyond what was acknowledged (`store/followed.py`).
2. One commit holds findings, incidents, all state and the position: a crash anywhere judges the rest again from that
   state, and what it finds again has the ids that it had.
3. Where the log's own instants go back behind the watermark, the clock had run ahead: what waits for windows is judged and
   closed, and the events' time begins anew. Else nothing that came before that wrong time would count.
4. How much is judged at once follows the load, and changes no answer: windows over several events are judged where the
   events' own time passes a multiple of `bounds.TICK_SECONDS`, which depends on the log alone.
5. Under load, where a portion is full and more waits, incidents are made of the findings of several portions at once.
6. An event that claims a time too far from its arrival counts at its arrival, and is marked (`Event.time_known`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tocsin.config import bounds
from tocsin.detect.interface import END_OF_TIME, Detector
from tocsin.detect.sigma.correlations.lateness import Lateness, counted_at
from tocsin.engine.absence import Absences, Turn
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
        anew: Whether the clock was set back before it: what the detectors hold is to be judged first.
        full: Whether it is as large as may be, so that more waits.
    """

    position: Position
    batch: EventBatch
    watermark: int | None
    anew: bool = False
    full: bool = False


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
        size, last, tick, anew = 0, None, self._tick(), False
        for position, entry in self._store.pending():
            instant = self._goes_back_to(entry)
            if instant is not None:
                if last is not None:
                    break  # what came before is judged first
                anew, self._lateness.progress = True, instant
                tick = self._tick()
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
        full = size >= bounds.PORTION_BYTES
        return Portion(last, EventBatch(tuple(events), tuple(set_aside)), passed, anew, full)

    def _goes_back_to(self, entry: Entry) -> int | None:
        """The instant of `entry` where it is behind the watermark: the clock was set back; else None."""
        instant = entry.arrived if isinstance(entry, Received) else 0
        instant = entry.instant if isinstance(entry, Passed) else instant
        return instant if 0 < instant < (self.watermark or 0) else None

    def _batch(self, entry: Entry) -> EventBatch:
        """What there is to judge in `entry`; takes note of the time that it tells."""
        if isinstance(entry, Passed):
            self._lateness.progress = max(self._lateness.progress, entry.instant)
        if isinstance(entry, Received):
            self._store.saw(entry)
        batch = self._store.batch(entry)
        if batch is None:  # one without events may have what was set aside
            batch = EventBatch(())
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


@dataclass(frozen=True, slots=True)
class _Judged:
    """A portion that was judged, and what its commit is to hold."""

    portion: Portion
    findings: Sequence[Finding]
    beside: Notes
    absent: Turn | None


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
        self._judged: _Judged | None = None
        self._awaits: Callable[[], Absences | None] | None = None
        self.tally = Tally()

    def judged_by(self, rules: RuleSet) -> None:
        """Notes for the next commit which rules judge from here on, where that changed."""
        known = self._rule_sets[-1][1] if self._rule_sets else self._store.rules_version
        if rules.version != known:
            position = self._store.position if self._judged is None else self._judged.portion.position
            self._rule_sets.append((position, rules.version, rules.rules))

    @property
    def waits(self) -> bool:
        """Whether something is judged that the disk did not take yet."""
        return self._judged is not None

    def await_(self, absences: Callable[[], Absences | None]) -> None:
        """Who notices from the next portion on what does not come; made once all that was judged is stored."""
        self._awaits = absences

    def take_up_again(self, absences: Absences | None) -> None:
        """Goes on with what the store says now, which somebody changed between two turns; `absences` are read from it anew.

        Not while something `waits`.
        """
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
            TryAgain: the disk refused for now; the next turn commits what this one judged.
            OperatorError: the disk refused, or the log is damaged; nothing of the portion is stored.
        """
        if self._judged is None:
            if self._awaits is not None:
                self._absences = self._reader.absences = self._awaits()
                self._awaits = None
            portion = self._reader.portion() or self._owed()
            if portion is None:
                return False
            self._judged = self._judge(portion)
        self._commit(self._judged)
        self._judged = None
        return True

    def _owed(self) -> Portion | None:
        """A portion without events, to make the incidents that full portions left for later; None where there are none."""
        return Portion(self._store.position, EventBatch(()), None) if self._books.owes else None

    def _commit(self, judged: _Judged) -> None:
        portion, findings = judged.portion, judged.findings
        new = set(
            self._books.write(
                portion.position,
                findings,
                judged.beside,
                portion.batch,
                judged.absent,
                more_waits=portion.full,
            )
        )
        if self._absences is not None and self._books.resolved:
            self._absences.resolved(self._books.resolved)
        del self._rule_sets[: len(judged.beside.rule_sets)]
        self._tell(portion.batch, [finding for finding in findings if finding.id in new])

    def _judge(self, portion: Portion) -> _Judged:
        findings = self._findings(portion)
        self._desk.add(findings)
        beside = Notes(portion.batch.set_aside, (*self._rule_sets,), watermark=self._reader.watermark)
        absent = self._absences.turn() if self._absences is not None else None
        return _Judged(portion, [*findings, *(absent.findings if absent is not None else ())], beside, absent)

    def _findings(self, portion: Portion) -> list[Finding]:
        findings: list[Finding] = []
        if portion.anew:
            findings += [finding for one in self._detectors for finding in one.advance(END_OF_TIME)]
        findings += [finding for one in self._detectors for finding in one.process(portion.batch)]
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
