"""What does not come, told once: follows the log beside the detectors, and makes incidents of absences.

An absence is an incident of its own (docs/decisions/0024): it is never linked with others, and ends by itself when what
was absent is heard again. All that it rests on is committed with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Final, NamedTuple, TypeVar

import msgspec

from tocsin.config import bounds
from tocsin.detect.absence import findings
from tocsin.detect.absence.expected import (
    Expectation,
    Missing,
    Waiting,
    judge_parts,
    meet,
    meet_group,
    overdue,
    set_back,
)
from tocsin.detect.absence.listening import Listening
from tocsin.detect.absence.silence import SilenceRule, Voice, habit
from tocsin.detect.absence.voices import Spoke, Voices, named
from tocsin.engine.absent_words import Stands, written
from tocsin.incidents.absence import absence
from tocsin.records.errors import PluginError
from tocsin.records.event import Event, EventBatch
from tocsin.records.finding import Finding, Level
from tocsin.records.incident import Incident
from tocsin.records.instants import DAY, to_datetime
from tocsin.records.received import Received
from tocsin.store.entries import Entry, Passed

_Kind = TypeVar("_Kind", Listening, Waiting)
_CLOCK: Final = "clock"
_EXPECTED: Final = "expected "


@dataclass(frozen=True, slots=True)
class Awaited:
    """What is awaited.

    Attributes:
        rule: What counts as silence.
        rings: Whether silence rings.
        expectations: What is expected.
        zone: Whose days are meant.
        site: The place that the alarms belong to.
    """

    rule: SilenceRule = field(default_factory=SilenceRule)
    rings: bool = True
    expectations: Sequence[Expectation] = ()
    zone: tzinfo = UTC
    site: str = "local"


class Known(NamedTuple):
    """What an earlier run left: rows by name, and incidents by their ids."""

    rows: Mapping[str, bytes] = {}
    incidents: Callable[[Collection[str]], Iterable[Incident]] = lambda _: ()


class Turn(NamedTuple):
    """What the log's last entries brought, for one commit.

    Attributes:
        findings: Absences that are new.
        open: Incidents of all that are not over.
        over: Incidents of those that ended.
        rows: What changed, by name.
        said: What people are told beside incidents, as JSON; None where it is what it was.
        again: Ids of those that ended because what was absent was heard again.
    """

    findings: Sequence[Finding]
    open: Sequence[Incident]
    over: Sequence[Incident]
    rows: Mapping[str, bytes | None]
    said: str | None
    again: Collection[str] = ()


class Absences:
    """Follows the log.

    Args:
        awaited: What is awaited.
        known: What an earlier run left.

    Raises:
        PluginError: that is damaged.
    """

    def __init__(self, awaited: Awaited, known: Known = Known()) -> None:  # noqa: B008  a tuple
        self._awaited = awaited
        self._voices = Voices(awaited.rule)
        rows = dict(known.rows)
        self._listening = _decoded(rows.pop(_CLOCK, b"{}"), Listening)
        before = {name: rows.pop(name) for name in list(rows) if name.startswith(_EXPECTED)}
        self._waiting = {name.removeprefix(_EXPECTED): _decoded(row, Waiting) for name, row in before.items()}
        self._voices.restore(rows)
        held = {one.incident for one in self._voices.all.values()}
        held |= {one.incident for one in self._waiting.values()}
        self._open = {one.id: one for one in known.incidents(held)}
        self._told: dict[str, int] = {}  # group → silences told one by one
        self._more: dict[str, set[str]] = {}  # incident of more → keys
        for key, voice in self._voices.all.items():
            if voice.incident:
                self._count(key, voice)
        self._new: list[Finding] = []
        self._over: list[Incident] = []
        self._again: set[str] = set()
        self._changed: set[str] = set()
        self._said = ""
        self._day = self._listening.listened // DAY
        self._stopped: dict[str, int] = {}
        self._drop_unknown()

    # --- the log ------------------------------------------------------------------------------------------

    def take(self, entry: Entry, batch: EventBatch) -> None:
        """Takes note of the log's next entry and of the events in it."""
        stamp = entry.arrived if isinstance(entry, Received) else 0
        stamp = entry.instant if isinstance(entry, Passed) else stamp
        if stamp <= 0:
            return
        grain = self._awaited.rule.grain
        listening = self._listening
        looked = listening.listened // grain
        listening.reach(stamp, self._awaited.rule.apart)
        if listening.turned_back:
            self._set_back(stamp)
        for one in self._awaited.expectations:
            if one.said.name not in self._waiting:
                self._waiting[one.said.name] = Waiting(stamp, listening.listened, stamp)
                self._changed.add(one.said.name)
        if listening.turned_back or listening.listened // grain != looked:
            self._look()
        self._hear(batch.events)

    def _set_back(self, stamp: int) -> None:
        for name, waiting in self._waiting.items():
            set_back(waiting, stamp, self._awaited.zone)
            self._changed.add(name)

    def turn(self) -> Turn:
        """What to commit now."""
        rows = self._voices.written()
        rows[_CLOCK] = msgspec.json.encode(self._listening)
        for name in self._changed:
            waiting = self._waiting.get(name)
            rows[_EXPECTED + name] = msgspec.json.encode(waiting) if waiting is not None else None
        made, over, again = self._new, self._over, frozenset(self._again)
        said = self._words()
        self._new, self._over, self._again, self._changed = [], [], set(), set()
        changed = said if said != self._said else None
        self._said = said
        return Turn(made, tuple(self._open.values()), over, rows, changed, again)

    def resolved(self, idents: Collection[str]) -> None:
        """An operator says that these are over: what is expected and does not come again is told again."""
        for name, waiting in self._waiting.items():
            if waiting.incident in idents:
                self._open.pop(waiting.incident, None)
                waiting.incident = ""
                waiting.begun = self._listening.listened
                self._changed.add(name)

    # --- hearing ------------------------------------------------------------------------------------------

    def _hear(self, events: Sequence[Event]) -> None:
        fresh, spoke = self._voices.hear(events, self._listening)
        for one in spoke:
            self._spoke(one)
        for expectation in self._awaited.expectations:
            waiting, said = self._waiting[expectation.said.name], expectation.said
            if said.count is None:
                met = [event for event in events if self._meets(expectation, event)]
                changed = [
                    event for event in met if meet(waiting, event, self._listening, self._awaited.rule.grain)
                ]
                if changed and waiting.incident:
                    self._close(waiting.incident, again=True)
                    waiting.incident = ""
            else:
                changed = [
                    event
                    for event in fresh
                    if expectation.meets(event)
                    and meet_group(waiting, said, event, self._listening.stamp, self._awaited.zone)
                ]
            if changed:
                self._changed.add(said.name)

    def _meets(self, one: Expectation, event: Event) -> bool:
        """Whether it does; an expression that takes too long says no, and after some times is asked no more."""
        if self._stopped.get(one.said.name, 0) >= bounds.REGEX_TIMEOUTS:
            return False
        try:
            return one.meets(event)
        except TimeoutError:
            self._stopped[one.said.name] = self._stopped.get(one.said.name, 0) + 1
            return False

    def _spoke(self, one: Spoke, *, again: bool = True) -> None:
        if one.incident in self._more:
            self._more[one.incident].discard(one.key)
            if self._more[one.incident]:
                return
            del self._more[one.incident]
        else:
            voice = self._voices.all.get(one.key)
            group = _group(one.key, "low" if voice is None or self._is_low(one.incident) else "medium")
            self._told[group] = max(0, self._told.get(group, 0) - 1)
        self._close(one.incident, again=again)

    def _is_low(self, ident: str) -> bool:
        incident = self._open.get(ident)
        return incident is None or incident.severity == "low"

    # --- looking ------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Whether something is missing by now."""
        for key in list(self._voices.silent(self._listening)):
            self._fell_silent(key, self._voices.all[key])
        for expectation in self._awaited.expectations:
            said, waiting = expectation.said, self._waiting[expectation.said.name]
            before = msgspec.json.encode(waiting)
            late = overdue(waiting, said, self._listening)
            if late is not None:
                self._missed(expectation, waiting, late)
            for judged in judge_parts(waiting, said, self._listening, self._awaited.zone):
                if judged is not None and not waiting.incident:
                    self._missed(expectation, waiting, judged)
                elif judged is None and waiting.incident:
                    self._close(waiting.incident, again=True)
                    waiting.incident = ""
            if msgspec.json.encode(waiting) != before:
                self._changed.add(said.name)
        if self._listening.listened // DAY != self._day:
            self._day = self._listening.listened // DAY
            self._voices.unwatched = 0
            for one in self._voices.forget(bounds.KEEP_DAYS * DAY, self._listening.listened):
                self._spoke(one, again=False)

    def _fell_silent(self, key: str, voice: Voice) -> None:
        steady = habit(voice, self._awaited.rule) == "steady"
        level: Level = "medium" if steady and self._awaited.rings else "low"
        group = _group(key, level)
        site = self._awaited.site
        if self._told.get(group, 0) < bounds.SILENCE_OPEN:
            self._told[group] = self._told.get(group, 0) + 1
            voice.incident = self._open_for(findings.silence(key, voice, self._awaited.rule, level, site))
        else:
            who = group.removeprefix(f"{level} ")
            more = next(
                (
                    one
                    for one in self._more
                    if self._open[one].findings[0].group["who"] == findings.MORE + group
                ),
                None,
            )
            if more is None:
                more = self._open_for(findings.more_silent(who, voice, level, site))
                self._more[more] = set()
            self._more[more].add(key)
            voice.incident = more
        self._voices.changed.add(key)

    def _missed(self, expectation: Expectation, waiting: Waiting, what: Missing) -> None:
        awaited = self._awaited
        found = findings.missing(expectation.said, waiting, what, awaited.zone, awaited.site)
        waiting.incident = self._open_for(found)

    def _open_for(self, finding: Finding) -> str:
        incident = absence(finding)
        self._new.append(finding)
        self._open[incident.id] = incident
        return incident.id

    def _close(self, ident: str, *, again: bool) -> None:
        """It is over: what was absent was heard `again`, or nobody waits for it any more."""
        incident = self._open.pop(ident, None)
        if incident is not None:
            self._again |= {ident} if again else set()
            self._over.append(replace(incident, status="resolved"))

    def _count(self, key: str, voice: Voice) -> None:
        """Takes up under which incident the silence of `key` was told."""
        incident = self._open.get(voice.incident)
        if incident is None:
            voice.incident = ""
            return
        if incident.findings[0].group.get("who", "").startswith(findings.MORE):
            self._more.setdefault(incident.id, set()).add(key)
        else:
            group = _group(key, incident.severity)
            self._told[group] = self._told.get(group, 0) + 1

    def _drop_unknown(self) -> None:
        """What is expected no more is over."""
        expected = {one.said.name for one in self._awaited.expectations}
        for name in [name for name in self._waiting if name not in expected]:
            self._close(self._waiting.pop(name).incident, again=False)
            self._changed.add(name)
        for waiting in self._waiting.values():
            if waiting.incident not in self._open:
                waiting.incident = ""

    # --- words --------------------------------------------------------------------------------------------

    def _words(self) -> str:
        today = to_datetime(self._listening.stamp).astimezone(self._awaited.zone).date()
        return written(self._stands(), today, len(self._voices.all), self._voices.unwatched)

    def _stands(self) -> Iterator[Stands]:
        for one in self._awaited.expectations:
            waiting = self._waiting.get(one.said.name)
            if waiting is not None:
                slow = self._stopped.get(one.said.name, 0) >= bounds.REGEX_TIMEOUTS
                yield Stands(one.said, waiting, slow)


def _group(key: str, level: str) -> str:
    """Together with whom the silence of `key` is counted, and told where there are too many."""
    source, host = named(key)
    if host:
        return f"{level} computers behind {source}"
    proven = "unproven" if key.startswith("none ") else "proven"
    return f"{level} {proven} sources"


def _decoded(row: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(row, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as damage:
        raise PluginError("absence", f"its state cannot be read: {damage}") from damage
