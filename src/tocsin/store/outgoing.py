"""What left this host through the gate, byte for byte, and what the gate refused: bounded, the oldest go first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from tocsin.config import bounds
from tocsin.store.database import Database

BEGUN: Final = "begun"
"""The outcome of a hand-over that was begun and, should the process have died, may have succeeded."""

_COLUMNS: Final = "number, purpose, ident, destination, first, last, times, unsure, outcome, body"


class Left(NamedTuple):
    """One body to one destination.

    Attributes:
        purpose: What it was for: `bell`, `heartbeat`.
        ident: The message's id; the same one marks a repeat.
        destination: Where to, without secrets.
        first: When it was first handed over (instant).
        last: When it last was.
        times: How often.
        unsure: How often of these the process ended before the answer was known: so often it may have arrived unseen.
        outcome: `begun`, `sent`, `refused: …` or `failed: …`, of the last time.
        body: The bytes.
    """

    number: int
    purpose: str
    ident: str
    destination: str
    first: int
    last: int
    times: int
    unsure: int
    outcome: str
    body: bytes


class Outgoing:
    """The bodies in `database`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, purpose: str, ident: str, destination: str, body: bytes, outcome: str, now: int) -> int:  # noqa: PLR0913, PLR0917
        """Keeps a body before it leaves, or with why it did not; gives its number. The same one again is counted."""
        digest = hashlib.sha256(body).digest()
        with self._db.transaction():
            self._db.put(
                "INSERT INTO outgoing (purpose, ident, destination, digest, first, last, times, unsure, outcome, body)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1, 0, ?6, ?7) ON CONFLICT (ident, destination, digest) DO UPDATE SET"
                " last = ?5, times = times + 1, unsure = unsure + (outcome = ?8), outcome = ?6",
                purpose, ident, destination, digest, now, outcome, body, BEGUN,
            )  # fmt: skip
            number = self._db.all(
                "SELECT number FROM outgoing WHERE ident = ? AND destination = ? AND digest = ?",
                ident,
                destination,
                digest,
            )[0][0]
            self._make_room()
        return int(number)

    def was_sent(self, ident: str, destination: str, body: bytes) -> bool:
        """Whether this body arrived there under `ident`."""
        row = self._db.maybe(
            "SELECT outcome FROM outgoing WHERE ident = ? AND destination = ? AND digest = ?",
            ident,
            destination,
            hashlib.sha256(body).digest(),
        )
        return row is not None and str(row[0]).startswith("sent")

    def end(self, number: int, outcome: str) -> None:
        """Keeps what came of it."""
        with self._db.transaction():
            self._db.put("UPDATE outgoing SET outcome = ? WHERE number = ?", outcome, number)

    def all(self) -> Iterator[Left]:
        """All that is kept, the newest last."""
        numbers = self._db.all("SELECT number FROM outgoing ORDER BY last, number")
        for (number,) in numbers:  # one at a time: the bodies together may be large
            for row in self._db.all(f"SELECT {_COLUMNS} FROM outgoing WHERE number = ?", number):  # noqa: S608
                yield Left(*row)

    def _make_room(self) -> None:
        count, size = self._db.all("SELECT count(*), coalesce(sum(length(body)), 0) FROM outgoing")[0]
        while count > bounds.OUTBOUND_KEPT or size > bounds.OUTBOUND_KEPT_BYTES:
            number, length = self._db.all(
                "SELECT number, length(body) FROM outgoing ORDER BY last, number LIMIT 1"
            )[0]
            self._db.put("DELETE FROM outgoing WHERE number = ?", number)
            count, size = count - 1, size - length
