"""What judging brought, kept in a store: one commit holds findings, incidents, all state, and how far judging came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tocsin.config import bounds
from tocsin.detect.interface import Detector, KeepsRows
from tocsin.engine.absence import Turn
from tocsin.engine.absent_words import SAID
from tocsin.incidents.absence import placed
from tocsin.incidents.desk import VERSION as DESK_VERSION
from tocsin.incidents.desk import IncidentDesk
from tocsin.incidents.lifecycle import is_done, status_of
from tocsin.notify.changes import Ringing, Rings, heard_again, rings
from tocsin.records.event import Event
from tocsin.records.finding import Finding
from tocsin.records.incident import Decision, Incident
from tocsin.records.instants import HOUR
from tocsin.records.state_changes import WHOLE, StateChanges
from tocsin.store.detectors import DetectorState
from tocsin.store.outbox import Message, Rung, ToTell
from tocsin.store.segment import Position
from tocsin.store.state import Notes
from tocsin.store.store import Store

DESK = "incidents"
"""Under which name the desk's state is kept beside the detectors'."""


@dataclass(frozen=True, slots=True)
class Ringer:
    """Whom to tell of incidents, and the present instant."""

    ringing: Ringing
    now: Callable[[], int]


class Books:
    """Keeps what `detectors` and `desk` know in `store`; takes up there what an earlier run left.

    With a `ringer`, what people are to be told comes into the outbox in the same commit.

    Attributes:
        ringing: Whom to tell from the next commit on; None without a `ringer`.
        resolved: Ids of incidents that operators resolved last, from before the start too.
        owes: How many commits in a row made no incidents of their findings.

    Raises:
        PluginError: a detector cannot take up its state.
    """

    def __init__(
        self, store: Store, detectors: Sequence[Detector], desk: IncidentDesk, ringer: Ringer | None = None
    ) -> None:
        self._store, self._desk = store, desk
        self.ringing = ringer.ringing if ringer is not None else None
        self._now = ringer.now if ringer is not None else None
        self._rung: dict[str, Rung] = {}
        self._incidents: dict[str, Incident] = {one.id: one for one in store.incidents()}
        self._decided = self.owes = 0
        self._decisions: dict[str, Decision] = {}
        self.resolved: set[str] = set()
        self._hear_operators()
        self._rung = store.outbox.rung() if ringer is not None else {}  # as operators left it
        self._states = [
            *(_StateOf(one.name, one.version, one) for one in detectors),
            _StateOf(DESK, DESK_VERSION, desk),
        ]
        for one in self._states:
            one.take_up(store)
        if {*map(_made_of, desk.all())} - {*map(_made_of, self._incidents.values())}:
            self.owes = 1  # an earlier run ended with findings of which it had made no incidents

    def write(  # noqa: PLR0913  what one commit holds
        self,
        position: Position,
        findings: Sequence[Finding],
        beside: Notes = Notes(),  # noqa: B008  frozen
        heard: Iterable[Event] = (),
        absent: Turn | None = None,
        *,
        more_waits: bool = False,
    ) -> tuple[str, ...]:
        """Commits all that judging up to `position` brought; gives the ids of the new findings.

        Where `more_waits`, incidents are made of them with one of the next commits: grouping and ranking look at everything
        that the desk holds, which under load would take longer than judging. What the desk holds is committed each time.

        Raises:
            OperatorError: the disk refused; nothing of it is stored.
        """
        self._hear_operators()
        owes = self.owes + 1 if more_waits and self.owes < bounds.COMMITS_WITHOUT_INCIDENTS else 0
        now = dict(self._incidents) if owes else {one.id: self._standing(one) for one in self._desk.all()}
        over: Sequence[Incident] = ()
        if absent is not None:
            over = [
                one if is_done(one) else replace(one, status="resolved")
                for one in self._absent(absent.over, now)
            ]
            now |= {one.id: one for one in (*self._absent(absent.open, now), *over)}
        changed = [one for one in now.values() if self._incidents.get(one.id) != one]
        states = [state for one in self._states if (state := one.changed()).changes]
        rung = self._rings(changed)
        messages = [*rung.messages, *(self._heard_again(over, absent.again) if absent is not None else ())]
        ended = [(one.id, self._now()) for one in over] if self._now is not None else []
        beside = replace(beside, told=ToTell(messages, rung.rung, heard_by(heard), ended))
        if absent is not None:
            said = () if absent.said is None else ((SAID, absent.said),)
            beside = replace(beside, watched=absent.rows, settings=(*beside.settings, *said))
        try:
            new = self._store.commit(position, findings, changed, states, beside)
        except BaseException:
            for one in self._states:
                one.unwrite()
            raise
        self._incidents, self.owes = now, owes
        self._rung |= {one.incident: one for one in rung.rung}
        return new

    def _hear_operators(self) -> None:
        """Takes up what operators decided since the last commit."""
        self._decided, decisions = self._store.decisions.since(self._decided)
        for one in decisions:
            self._decisions[one.incident] = one
            (self.resolved.add if one.status == "resolved" else self.resolved.discard)(one.incident)
            if one.incident in self._rung:
                self._rung[one.incident] = self._rung[one.incident]._replace(status=one.status)

    def _absent(self, absences: Iterable[Incident], others: Mapping[str, Incident]) -> list[Incident]:
        """`absences` with the rank that they were given when they began, and as operators left them."""
        found = []
        for one in absences:
            known = self._incidents.get(one.id)
            rank = known.rank if known is not None else placed(one, others.values()).rank
            found.append(self._standing(replace(one, status="open", rank=rank)))
        return found

    def _standing(self, incident: Incident) -> Incident:
        status = status_of(incident, self._decisions)
        return incident if status == incident.status else replace(incident, status=status)

    def _heard_again(self, over: Iterable[Incident], again: Collection[str]) -> Iterator[Message]:
        """What is said of those that ended by themselves to those who were told of them."""
        if self.ringing is not None and self._now is not None:
            for one in over:
                if one.id in again and one.status == "resolved" and one.id not in self.resolved:
                    yield from heard_again(one, self._store.outbox.told(one.id), self.ringing, self._now())

    def _rings(self, changed: Sequence[Incident]) -> Rings:
        if self.ringing is None or self._now is None or not changed:
            return Rings()
        return rings(changed, self._rung, self.ringing, self._now())


class _Keeps(Protocol):
    """Whose state is kept."""

    def snapshot(self) -> bytes:
        """The whole of it."""

    def restore(self, state: bytes, version: str) -> None:
        """Takes it up."""


class _StateOf:
    """The kept state of `owner`: in rows where that can tell them, else as one blob."""

    def __init__(self, name: str, version: str, owner: _Keeps) -> None:
        self._name, self._version, self._owner = name, version, owner
        self._written: bytes | None = None

    def take_up(self, store: Store) -> None:
        """What the store keeps, if it keeps any."""
        kept = store.state.detector(self._name)
        if kept is None:
            return
        if isinstance(self._owner, KeepsRows):
            self._owner.restore_rows(kept.rows, kept.version)
        else:
            self._owner.restore(kept.rows[WHOLE], kept.version)

    def changed(self) -> DetectorState:
        """What changed since the last call."""
        if isinstance(self._owner, KeepsRows):
            changes = self._owner.changes()
        else:
            state = self._owner.snapshot()
            changes = StateChanges() if state == self._written else StateChanges.whole(state)
            self._written = state
        return DetectorState(self._name, self._version, changes)

    def unwrite(self) -> None:
        """The last change was not stored."""
        self._written = None
        if isinstance(self._owner, KeepsRows):
            self._owner.unwrite()


def _made_of(incident: Incident) -> tuple[str, int, frozenset[str]]:
    """What tells an incident from the same one with fewer findings."""
    return incident.id, incident.further, frozenset(finding.id for finding in incident.findings)


def heard_by(events: Iterable[Event]) -> dict[tuple[int, str], int]:
    """How many of `events` came by hour of arrival (since the epoch) and source."""
    return dict(Counter((event.ingest // HOUR, event.source) for event in events))
