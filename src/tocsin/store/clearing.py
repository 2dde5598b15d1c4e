"""What the state says of somebody, table by table, and what stands there instead."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from tocsin.records.errors import OperatorError
from tocsin.records.event import SetAside
from tocsin.records.finding import Finding
from tocsin.records.forgetting import Subject, finding_without, incident_without
from tocsin.records.incident import Decision, Incident
from tocsin.records.state_changes import StateChanges
from tocsin.store import bodies
from tocsin.store.database import Database
from tocsin.store.detectors import DetectorState, kept_state, put_state
from tocsin.store.mail_text import readable

_ABSENCE: Final = re.compile(rb'"(abs-[0-9a-f]+)"')

StateWithout = Callable[[Mapping[str, bytes], str, Subject], tuple[Mapping[str, bytes], int]]
"""What the rows of a detector's state are without somebody, and how much of them named them; from rows and version."""


def clear(database: Database, subject: Subject, states: Mapping[str, StateWithout]) -> dict[str, int]:
    """Clears all tables of what names `subject`, inside a transaction; gives how much it was, by what.

    Raises:
        OperatorError: a detector's state is of one that `states` does not know.
        PluginError: a detector's state cannot be read.
    """
    messages, parcels = _clear_messages(database, subject)
    return {
        "findings": _clear_findings(database, subject),
        "incidents": _clear_incidents(database, subject),
        "messages": messages,
        "bodies": _clear_bodies(database, subject, parcels),
        "set_aside": _clear_set_aside(database, subject),
        "states": _clear_states(database, subject, states),
        "watched": _clear_watched(database, subject),
        "decisions": _clear_decided(database, subject),
        "counts": _clear_heard(database, subject),
        "columns": _clear_columns(database, subject),
    }


def _clear_findings(database: Database, subject: Subject) -> int:
    several = 0
    for (ident,) in database.all("SELECT id FROM findings"):
        ((body,),) = database.all("SELECT body FROM findings WHERE id = ?", ident)
        finding = bodies.unpack(body, Finding)
        clean = finding_without(finding, subject)
        if clean is not finding:
            several += database.put("UPDATE findings SET body = ? WHERE id = ?", bodies.pack(clean), ident)
    return several


def _clear_incidents(database: Database, subject: Subject) -> int:
    several = 0
    for ident, body in database.all("SELECT id, body FROM incidents"):
        incident = bodies.unpack(body, Incident)
        clean = incident_without(incident, subject)
        if clean != incident:
            several += database.put("UPDATE incidents SET body = ? WHERE id = ?", bodies.pack(clean), ident)
    return several


def _clear_messages(database: Database, subject: Subject) -> tuple[int, set[str]]:
    several, parcels = 0, set()
    rows = database.all("SELECT id, parcel, title, text, trouble FROM outbox")
    for ident, parcel, title, text, trouble in rows:
        if any(map(subject.in_text, (title, text, trouble))):
            parcels |= {one for one in (ident, parcel) if one}
            several += database.put(
                "UPDATE outbox SET title = ?, text = ?, trouble = NULL WHERE id = ?",
                subject.mark,
                subject.mark,
                ident,
            )
    return several, parcels


def _clear_bodies(database: Database, subject: Subject, parcels: set[str]) -> int:
    """Of what left this host it stays known that it left, and where to."""
    several = 0
    for (number,) in database.all("SELECT number FROM outgoing"):
        ident, destination, body = database.all(
            "SELECT ident, destination, body FROM outgoing WHERE number = ?", number
        )[0]
        if ident in parcels or any(map(subject.in_text, readable(body))):
            mark = subject.mark.encode()
            digest = hashlib.sha256(mark + str(number).encode()).digest()
            place = subject.mark if subject.in_text(destination) else destination
            several += database.put(
                "UPDATE outgoing SET body = ?, digest = ?, destination = ? WHERE number = ?",
                mark,
                digest,
                place,
                number,
            )
    return several


def _clear_set_aside(database: Database, subject: Subject) -> int:
    several = 0
    for number, body in database.all("SELECT number, body FROM set_aside"):
        if subject.in_set_aside(bodies.unpack(body, SetAside)):
            several += database.put("DELETE FROM set_aside WHERE number = ?", number)
    return several


def _clear_states(database: Database, subject: Subject, states: Mapping[str, StateWithout]) -> int:
    several = 0
    for (name,) in database.all("SELECT name FROM detectors"):
        kept = kept_state(database, name)
        assert kept is not None
        if name not in states:
            raise OperatorError(
                f"The store keeps state of {name!a}, which this Tocsin does not know.", "Use a newer one."
            )
        clean, named = states[name](kept.rows, kept.version, subject)
        several += named
        if named:
            put_state(database, DetectorState(name, kept.version, StateChanges(reset=True, put=clean)))
    return several


def _clear_watched(database: Database, subject: Subject) -> int:
    """Whose silence was watched under their name is watched no more, and rings no more."""
    several = 0
    for name, body in database.all("SELECT name, body FROM watched"):
        row = msgspec.json.decode(body)
        if subject.in_text(name):
            several += database.put("DELETE FROM watched WHERE name = ?", name)
            _end_absences(database, body)
        elif (clean := _without(row, subject)) != row:
            several += database.put(
                "UPDATE watched SET body = ? WHERE name = ?", msgspec.json.encode(clean), name
            )
    for name, value in database.all("SELECT name, value FROM settings"):
        if subject.in_text(value):  # what was told of absences; the next commit tells it anew
            several += database.put("DELETE FROM settings WHERE name = ?", name)
    return several


def _end_absences(database: Database, row: bytes) -> None:
    """Nobody would hear them again."""
    for ident in {one.decode() for one in _ABSENCE.findall(row)}:
        for (body,) in database.all("SELECT body FROM incidents WHERE id = ?", ident):
            over = bodies.pack(replace(bodies.unpack(body, Incident), status="resolved"))
            database.put("UPDATE incidents SET status = 'resolved', body = ? WHERE id = ?", over, ident)


def _without(value: Any, subject: Subject) -> Any:
    if isinstance(value, str):
        return subject.mark if subject.in_text(value) else value
    if isinstance(value, list):
        return [_without(one, subject) for one in value]
    if isinstance(value, dict):
        return {_without(name, subject): _without(one, subject) for name, one in value.items()}
    return value


def _clear_decided(database: Database, subject: Subject) -> int:
    """Of what operators said why is struck out, and that they said it stays."""
    several = 0
    for number, body in database.all("SELECT number, body FROM decided"):
        decided = bodies.unpack(body, Decision)
        if subject.in_text(decided.reason):
            clean = replace(decided, reason=subject.mark)
            several += database.put(
                "UPDATE decided SET body = ? WHERE number = ?", bodies.pack(clean), number
            )
    return several


def _clear_heard(database: Database, subject: Subject) -> int:
    """Events that were counted under their name count as those without one."""
    several = 0
    for hour, source, events in database.all("SELECT hour, source, events FROM heard"):
        if subject.in_text(source):
            several += database.put("DELETE FROM heard WHERE hour = ? AND source = ?", hour, source)
            database.put(
                "INSERT INTO heard VALUES (?, '', ?) ON CONFLICT (hour, source) DO UPDATE SET events = events + excluded.events",
                hour, events,
            )  # fmt: skip
    return several


def _clear_columns(database: Database, subject: Subject) -> int:
    several = 0
    for slug, ordinal, name in database.all("SELECT slug, ordinal, name FROM columns"):
        if subject.in_text(name):
            several += database.put(
                "UPDATE columns SET name = ? WHERE slug = ? AND ordinal = ?",
                f"{subject.mark}-{ordinal}",
                slug,
                ordinal,
            )
    return several
