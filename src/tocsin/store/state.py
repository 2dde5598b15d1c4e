"""What the store remembers beside events, in SQLite: positions, findings, incidents, detectors' state.

Rules:

1. `commit` is one transaction: findings, incident changes, messages to people (`outbox.py`), detectors' changed state,
   stream marks and the position up to which the log was judged are stored together or not at all. It is synced when it returns.
2. A finding is inserted once; the same id again changes nothing, its pinned evidence included.
3. The position never goes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.event import SetAside
from tocsin.records.finding import Finding
from tocsin.records.incident import Incident
from tocsin.store import bodies
from tocsin.store.catalogue import StreamMark, put_marks
from tocsin.store.database import Database
from tocsin.store.detectors import DetectorState, KeptState, kept_state, put_state
from tocsin.store.outbox import ToTell, put_to_tell
from tocsin.store.segment import Position
from tocsin.store.watched import put_watched, watched


@dataclass(frozen=True, slots=True)
class Notes:
    """What the log's other frames say up to a position, and what people are to be told of it."""

    set_aside: Sequence[SetAside] = ()
    rule_sets: Sequence[tuple[Position, str, int]] = ()
    settings: Sequence[tuple[str, str]] = ()
    watermark: int | None = None
    told: ToTell = field(default_factory=ToTell)
    watched: Mapping[str, bytes | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """All that one commit stores."""

    position: Position
    findings: Sequence[Finding] = ()
    incidents: Sequence[Incident] = ()
    states: Sequence[DetectorState] = ()
    marks: Sequence[StreamMark] = ()
    notes: Notes = Notes()


class State:
    """Progress, findings, incidents and detectors' state in `database`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- progress -----------------------------------------------------------------------------------------

    def position(self) -> Position:
        """How far the log was judged."""
        return Position(*self._db.all("SELECT segment, offset FROM progress")[0])

    def watermark(self) -> int | None:
        """The last watermark that was committed (instant)."""
        value: int | None = self._db.all("SELECT watermark FROM progress")[0][0]
        return value

    def commit(self, judged: Judged) -> tuple[str, ...]:
        """Stores all of it in one synced transaction; gives the ids of the findings that are new.

        Raises:
            ValueError: the position is behind the one committed before.
            OperatorError: SQLite could not write.
        """
        if judged.position < self.position():
            raise ValueError(f"position {judged.position} is behind {self.position()}")
        with self._db.transaction():
            new = tuple(finding.id for finding in judged.findings if self._add_finding(finding))
            for incident in judged.incidents:
                self._put_incident(incident)
            for state in judged.states:
                put_state(self._db, state)
            put_marks(self._db, judged.marks)
            self._put_notes(judged.notes)
            put_to_tell(self._db, judged.notes.told)
            self._db.put("UPDATE progress SET segment = ?, offset = ?", *judged.position)
        return new

    # --- findings and incidents ---------------------------------------------------------------------------

    def finding(self, ident: str) -> Finding | None:
        """The finding with this id."""
        row = self._db.maybe("SELECT body FROM findings WHERE id = ?", ident)
        return bodies.unpack(row[0], Finding) if row else None

    def findings(self, incident: str | None = None) -> tuple[Finding, ...]:
        """The findings of the incident with this id, or all, in order of time."""
        if incident is None:
            rows = self._db.all("SELECT body FROM findings ORDER BY time, id")
        else:
            rows = self._db.all(
                "SELECT body FROM findings JOIN incident_findings ON finding = id WHERE incident = ? ORDER BY time, id",
                incident,
            )
        return tuple(bodies.unpack(row[0], Finding) for row in rows)

    def incidents(self) -> tuple[Incident, ...]:
        """All incidents with their findings, the most urgent first."""
        rows = self._db.all("SELECT id, body FROM incidents ORDER BY rank, last DESC, id")
        return tuple(self._incident(ident, body) for ident, body in rows)

    def absences(self) -> tuple[Incident, ...]:
        """The incidents that tell of an absence and are not over, nor dismissed; the most urgent first."""
        rows = self._db.all(
            "SELECT id, body FROM incidents WHERE id >= 'abs-' AND id < 'abs.' AND status IN ('open', 'acknowledged')"
            " ORDER BY rank, last DESC, id"
        )
        return tuple(self._incident(ident, body) for ident, body in rows)

    def incidents_of(self, idents: Collection[str]) -> tuple[Incident, ...]:
        """The incidents with these ids."""
        rows = (self._db.maybe("SELECT id, body FROM incidents WHERE id = ?", one) for one in idents)
        return tuple(self._incident(*row) for row in rows if row is not None)

    def watched(self) -> dict[str, bytes]:
        """What is known of who speaks and what is expected, by name."""
        return watched(self._db)

    def incident(self, text: str) -> Incident:
        """The incident whose id or alias is `text` or, where only one does, begins with it.

        Raises:
            OperatorError: there is none, or more than one.
        """
        exact = self._db.maybe(
            "SELECT id, body FROM incidents WHERE id = ?1 OR id = (SELECT incident FROM aliases WHERE alias = ?1)",
            text,
        )
        if exact:
            return self._incident(*exact)
        found = self._db.all(
            "SELECT DISTINCT i.id, i.body FROM incidents i LEFT JOIN aliases a ON a.incident = i.id"
            " WHERE substr(i.id, 1, length(?1)) = ?1 OR substr(a.alias, 1, length(?1)) = ?1 LIMIT 2",
            text,
        )
        if len(found) == 1 and text:
            return self._incident(*found[0])
        what = (
            f"No incident has the id {text!r}."
            if not found
            else f"More than one incident's id begins with {text!r}."
        )
        raise OperatorError(what, "`tocsin incidents` lists them all.")

    def detector(self, name: str) -> KeptState | None:
        """The state that was last committed for the detector `name`."""
        return kept_state(self._db, name)

    def set_aside(self) -> tuple[SetAside, ...]:
        """The records that were set aside, as kept (at most `bounds.SET_ASIDE_KEPT`)."""
        rows = self._db.all("SELECT body FROM set_aside ORDER BY number")
        return tuple(bodies.unpack(row[0], SetAside) for row in rows)

    def new_set_aside(self, records: Sequence[SetAside]) -> tuple[SetAside, ...]:
        """Those of `records` that are not kept yet."""
        return tuple(
            record
            for record in records
            if self._db.maybe("SELECT 1 FROM set_aside WHERE key = ?", _key(record)) is None
        )

    def set_aside_dropped(self) -> int:
        """How many more were set aside than are kept; one that is read again may count again."""
        return int(self._db.all("SELECT aside_dropped FROM progress")[0][0])

    def rule_sets(self) -> tuple[tuple[Position, str, int], ...]:
        """From which position on which version of the rules judged, and how many rules it had."""
        rows = self._db.all("SELECT segment, offset, version, rules FROM rule_sets ORDER BY segment, offset")
        return tuple((Position(row[0], row[1]), row[2], row[3]) for row in rows)

    def settings(self) -> dict[str, str]:
        """The settings that hold."""
        return dict(self._db.all("SELECT name, value FROM settings ORDER BY name"))

    # --- inside -------------------------------------------------------------------------------------------

    def _add_finding(self, finding: Finding) -> bool:
        if self._db.maybe("SELECT 1 FROM findings WHERE id = ?", finding.id):
            return False
        self._db.put(
            "INSERT INTO findings VALUES (?, ?, ?, ?, ?)",
            finding.id, finding.rule_id, finding.level, finding.time, bodies.pack(finding),
        )  # fmt: skip
        return True

    def _put_incident(self, incident: Incident) -> None:
        """Stores `incident`; the incidents that were merged into it live on as its aliases."""
        body = bodies.pack(replace(incident, findings=()))
        self._db.put(
            "INSERT INTO incidents VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " rank = excluded.rank, status = excluded.status, last = excluded.last, body = excluded.body",
            incident.id, incident.rank, incident.status, incident.last, body,
        )  # fmt: skip
        self._link_findings(incident)
        for alias in incident.aliases:
            self._db.put("UPDATE aliases SET incident = ? WHERE incident = ?", incident.id, alias)
            self._db.put("INSERT OR REPLACE INTO aliases VALUES (?, ?)", alias, incident.id)
            self._db.put("DELETE FROM incidents WHERE id = ?", alias)

    def _link_findings(self, incident: Incident) -> None:
        """Makes the stored links of `incident` those that it has now."""
        findings = {finding.id: finding for finding in incident.findings}
        linked = {
            row[0]
            for row in self._db.all("SELECT finding FROM incident_findings WHERE incident = ?", incident.id)
        }
        for ident in findings.keys() - linked:
            self._add_finding(findings[ident])
        added = [(incident.id, ident) for ident in findings.keys() - linked]
        gone = [(incident.id, ident) for ident in linked - findings.keys()]
        self._db.put_all("INSERT INTO incident_findings VALUES (?, ?)", added)
        self._db.put_all("DELETE FROM incident_findings WHERE incident = ? AND finding = ?", gone)

    def _incident(self, ident: str, body: bytes) -> Incident:
        return replace(bodies.unpack(body, Incident), findings=self.findings(ident))

    def _put_notes(self, notes: Notes) -> None:
        rows = [(*position, version, rules) for position, version, rules in notes.rule_sets]
        self._db.put_all("INSERT OR REPLACE INTO rule_sets VALUES (?, ?, ?, ?)", rows)
        self._db.put_all("INSERT OR REPLACE INTO settings VALUES (?, ?)", notes.settings)
        put_watched(self._db, notes.watched)
        if notes.watermark is not None:
            self._db.put("UPDATE progress SET watermark = ?", notes.watermark)
        if notes.set_aside:
            self._put_set_aside(notes.set_aside)

    def _put_set_aside(self, records: Sequence[SetAside]) -> None:
        """Keeps each once, up to the bound; counts those beyond it."""
        room = bounds.SET_ASIDE_KEPT - self._db.all("SELECT count(*) FROM set_aside")[0][0]
        for record in records:
            if room > 0:
                room -= self._db.put(
                    "INSERT OR IGNORE INTO set_aside (key, body) VALUES (?, ?)",
                    _key(record),
                    bodies.pack(record),
                )
            else:
                self._db.put("UPDATE progress SET aside_dropped = aside_dropped + 1")


def _key(record: SetAside) -> bytes:
    # its text too: another file may have come under the same name (rotation), broken at the same place
    identity = repr((record.source, record.record, record.offset, record.reason, record.raw))
    return hashlib.sha256(identity.encode()).digest()
