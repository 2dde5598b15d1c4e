"""What operators decided of incidents. Any process may write it down; the service takes it up with its next commit."""

from __future__ import annotations

from dataclasses import replace

from tocsin.records.incident import Decision, Incident
from tocsin.store import bodies
from tocsin.store.database import Database
from tocsin.store.outbox import spare


class Decisions:
    """The decisions in `database`; one thread at a time may use it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def since(self, number: int) -> tuple[int, tuple[Decision, ...]]:
        """Those that were taken after the one with that number (0: all), and the number of the last one."""
        rows = self._db.all("SELECT number, body FROM decided WHERE number > ? ORDER BY number", number)
        return (rows[-1][0] if rows else number), tuple(bodies.unpack(row[1], Decision) for row in rows)

    def decide(self, incident: Incident, decision: Decision) -> None:
        """Stores `decision` of `incident`, as it was read from here; what waits to be said of it is not said any more.

        Raises:
            OperatorError: SQLite could not write.
        """
        with self._db.transaction():
            self._db.put("DELETE FROM decided WHERE incident = ?", decision.incident)
            self._db.put(
                "INSERT INTO decided (incident, body) VALUES (?, ?)", decision.incident, bodies.pack(decision)
            )
            spare(self._db, [(one, decision.at) for one in (incident.id, *incident.aliases)])
            self._db.put(
                "UPDATE rung SET status = ? WHERE incident = ?", decision.status, decision.incident
            )  # so that coming back is news, however often it does
            row = self._db.maybe("SELECT body FROM incidents WHERE id = ?", incident.id)
            if row is not None:  # else it was merged into another one just now
                body = bodies.pack(replace(bodies.unpack(row[0], Incident), status=decision.status))
                self._db.put(
                    "UPDATE incidents SET status = ?, body = ? WHERE id = ?",
                    decision.status,
                    body,
                    incident.id,
                )
