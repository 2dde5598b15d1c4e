"""Messages to people, kept until they are handed over; and what the daily one counts.

Rules:

1. A message comes into the outbox in the very commit that stores what it is about, once: the same id again changes nothing.
2. It leaves by being sent, by being spared (somebody acknowledged, or another way reached people), or by being given up,
   which is remembered with the reason.
3. What is to be handed over has its parcel's id written down before, so that a repeat after a crash carries the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from tocsin.config import bounds
from tocsin.records.instants import DAY, SECOND
from tocsin.store.database import Database
from tocsin.store.heard import Heard, heard_between, put_heard

Kind = Literal["incident", "digest", "notice"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel.

    Attributes:
        id: Stable: what it is about, what changed, and the channel.
        subject: An incident's id; the day of a digest; what a notice is about.
        change: What changed: `new`, `severity:high`, `regressed:…`, `over`.
        made: When (instant).
        next: Not to be handed over before (instant).
        tries: How often that failed.
        parcel: Id under which it is handed over, once that was decided.
    """

    id: str
    kind: Kind
    subject: str
    change: str
    channel: str
    severity: str
    made: int
    next: int
    title: str
    text: str
    tries: int = 0
    parcel: str | None = None


class Rung(NamedTuple):
    """What people were last told of an incident."""

    incident: str
    severity: str
    status: str


@dataclass(frozen=True, slots=True)
class ToTell:
    """What one commit adds: messages, what they say of which incident, events heard by (hour, source), and which incidents
    ended by themselves, and when: what waits to be said of those is not said any more.
    """

    messages: Sequence[Message] = ()
    rung: Sequence[Rung] = ()
    heard: Mapping[tuple[int, str], int] = field(default_factory=dict)
    ended: Sequence[tuple[str, int]] = ()


_COLUMNS: Final = "id, kind, subject, change, channel, severity, made, next, title, text, tries, parcel"


class Failure(NamedTuple):
    """A message that could not be handed over, and why."""

    channel: str
    title: str
    trouble: str


def put_to_tell(database: Database, told: ToTell) -> None:
    """Stores `told`, inside a transaction."""
    spare(database, told.ended)
    put_messages(database, told.messages)  # that something ended may be one of them
    database.put_all("INSERT OR REPLACE INTO rung VALUES (?, ?, ?)", told.rung)
    put_heard(database, told.heard)


def spare(database: Database, ended: Sequence[tuple[str, int]]) -> None:
    """Somebody looks after these incidents since then, or they are over: what waits to be said of them so far is not said
    any more, but in a parcel of several, which stays whole. Inside a transaction.
    """
    database.put_all("INSERT OR REPLACE INTO acknowledged VALUES (?, ?)", ended)
    database.put_all(
        "UPDATE outbox SET state = 'spared', ended = ? WHERE state = 'waiting' AND kind = 'incident' AND subject = ?"
        " AND (parcel IS NULL OR parcel = id)",
        [(at, incident) for incident, at in ended],
    )


def put_messages(database: Database, messages: Sequence[Message]) -> None:
    """Stores those of `messages` whose ids are not there yet, inside a transaction."""
    database.put_all(
        "INSERT OR IGNORE INTO outbox (id, kind, subject, change, channel, severity, made, next, title, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.id, one.kind, one.subject, one.change, one.channel, one.severity, one.made, one.next,
                *(text.encode("utf-8", "replace").decode() for text in (one.title, one.text)),  # no lone surrogate
            )
            for one in messages
        ],
    )  # fmt: skip


class Outbox:
    """The messages in `database`; one thread at a time may use it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- what is there ------------------------------------------------------------------------------------

    def rung(self) -> dict[str, Rung]:
        """What people were last told, by incident."""
        return {row[0]: Rung(*row) for row in self._db.all("SELECT incident, severity, status FROM rung")}

    def due(self, channel: str, now: int, *, critical: bool = False) -> tuple[Message, ...]:
        """What waits for `channel`, the gravest and then the oldest first; with `critical` no incident below that,
        unless it was packed with one that is.
        """
        rows = self._db.all(
            f"SELECT {_COLUMNS} FROM outbox"  # noqa: S608
            " WHERE state = 'waiting' AND channel = ? AND next <= ? AND (severity = 'critical' OR kind = 'digest' OR ?"
            " OR parcel IN (SELECT parcel FROM outbox WHERE state = 'waiting' AND severity = 'critical'))"
            " ORDER BY parcel IS NULL, CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 ELSE 2 END, made, id LIMIT ?",
            channel, now, not critical, bounds.OUTBOX_MESSAGES,
        )  # fmt: skip
        return tuple(Message(*row) for row in rows)

    def parcels_between(self, channel: str, since: int, until: int) -> int:
        """How many parcels were handed to `channel` meanwhile."""
        rows = self._db.all(
            "SELECT count(DISTINCT parcel) FROM outbox WHERE channel = ? AND state = 'sent' AND ended BETWEEN ? AND ?",
            channel, since, until,
        )  # fmt: skip
        return int(rows[0][0])

    def channels_of(self, subject: str, change: str) -> frozenset[str]:
        """Which channels have a message that says this, waiting or done."""
        rows = self._db.all("SELECT channel FROM outbox WHERE subject = ? AND change = ?", subject, change)
        return frozenset(row[0] for row in rows)

    def told(self, subject: str) -> frozenset[str]:
        """Which channels said something of it, or are about to for the first time."""
        rows = self._db.all(
            "SELECT channel FROM outbox WHERE subject = ?"
            " AND (state = 'sent' OR (state = 'waiting' AND parcel IS NOT NULL AND tries = 0))",
            subject,
        )
        return frozenset(row[0] for row in rows)

    def strays(self, channels: Collection[str]) -> tuple[Message, ...]:
        """What waits for a channel that is none of `channels`, the oldest first."""
        rows = self._db.all(f"SELECT {_COLUMNS} FROM outbox WHERE state = 'waiting' ORDER BY made, next, id")  # noqa: S608
        return tuple(one for row in rows if (one := Message(*row)).channel not in channels)

    def failures(self, since: int, until: int) -> tuple[Failure, ...]:
        """What was given up meanwhile, and what failed and is tried again."""
        rows = self._db.all(
            "SELECT channel, title, trouble FROM outbox WHERE (state = 'failed' AND ended BETWEEN ? AND ?)"
            " OR (state = 'waiting' AND tries > 0) ORDER BY coalesce(ended, next) LIMIT 100",
            since, until,
        )  # fmt: skip
        return tuple(Failure(*row) for row in rows)

    def counts(self) -> dict[str, int]:
        """How many messages are in which state."""
        return dict(self._db.all("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state"))

    def unacknowledged(self) -> int:
        """How many incidents that people were told of nobody has acknowledged since they were last told of it."""
        rows = self._db.all(
            "SELECT count(*) FROM rung JOIN incidents ON incidents.id = rung.incident"
            " LEFT JOIN acknowledged ON acknowledged.incident = rung.incident"
            " WHERE incidents.status IN ('open', 'regressed') AND (acknowledged.at IS NULL OR acknowledged.at <"
            " (SELECT max(made) FROM outbox WHERE subject = rung.incident))"
        )
        return int(rows[0][0])

    def heard(self, since: int, until: int) -> Heard:
        """What came from the hour of `since` to that of `until`, both whole."""
        return heard_between(self._db, since, until)

    # --- what changes -------------------------------------------------------------------------------------

    def add(self, messages: Sequence[Message]) -> None:
        """Adds those that are not there yet."""
        with self._db.transaction():
            put_messages(self._db, messages)

    def withdraw(self, subject: str, now: int) -> None:
        """What waits to be said of `subject` is true no more, and not said."""
        with self._db.transaction():
            self._db.put(
                "UPDATE outbox SET state = 'spared', ended = ? WHERE state = 'waiting' AND subject = ?",
                now,
                subject,
            )

    def readdress(self, moved: Sequence[tuple[Message, str, str]], left: Sequence[Message], now: int) -> None:
        """The channel of some messages is named no more: (message, its new id, the channel that says it instead), and
        those that every channel says already; where nobody was told yet, the next one is at once.
        """
        with self._db.transaction():
            self._db.put_all(
                "UPDATE outbox SET id = ?, channel = ?, parcel = NULL, tries = 0, trouble = NULL WHERE id = ?",
                [(ident, channel, one.id) for one, ident, channel in moved],
            )
            self._end(left, "spared", "its channel is named no more", now)
            self._hasten(left, now)

    def try_now(self, now: int) -> None:
        """What failed before is tried again from `now` on: channels may have been mended."""
        with self._db.transaction():
            self._db.put(
                "UPDATE outbox SET next = ? WHERE state = 'waiting' AND tries > 0 AND next > ?", now, now
            )

    def pack(self, parcel: str, messages: Sequence[Message]) -> None:
        """Writes down that `messages` are to be handed over as `parcel`."""
        with self._db.transaction():
            self._db.put_all(
                "UPDATE outbox SET parcel = ? WHERE id = ?", [(parcel, one.id) for one in messages]
            )

    def sent(self, messages: Sequence[Message], now: int) -> None:
        """They were handed over; of what is no incident one channel's word is enough."""
        with self._db.transaction():
            self._end(messages, "sent", None, now)
            self._db.put_all(
                "UPDATE outbox SET state = 'spared', ended = ? WHERE state = 'waiting' AND subject = ? AND change = ?",
                [(now, one.subject, one.change) for one in messages if one.kind != "incident"],
            )

    def put_off(self, messages: Sequence[Message], until: int, trouble: str, now: int) -> None:
        """They could not be handed over: to be tried again from `until` on, and other channels ring from `now` on."""
        with self._db.transaction():
            self._db.put_all(
                "UPDATE outbox SET tries = tries + 1, next = ?, trouble = ? WHERE id = ?",
                [(until, trouble, one.id) for one in messages],
            )
            self._hasten(messages, now)

    def give_up(self, messages: Sequence[Message], trouble: str, now: int) -> None:
        """They will not be tried again; other channels ring from `now` on."""
        with self._db.transaction():
            self._end(messages, "failed", trouble, now)
            self._hasten(messages, now)

    def tidy(self, now: int) -> int:
        """Forgets what is long done, and gives up the oldest mild messages beyond the bound; gives how many of these."""
        (over,) = self._db.all(
            "SELECT count(*) - ? FROM outbox WHERE state = 'waiting'", bounds.OUTBOX_MESSAGES
        )[0]
        self._mend_times(now)
        old = self._db.maybe("SELECT 1 FROM outbox WHERE ended < ? LIMIT 1", now - bounds.OUTBOX_DAYS * DAY)
        if over <= 0 and old is None:
            return 0
        with self._db.transaction():
            self._db.put("DELETE FROM outbox WHERE ended < ?", now - bounds.OUTBOX_DAYS * DAY)
            if over > 0:
                self._db.put(
                    "UPDATE outbox SET state = 'failed', ended = ?, trouble = 'more waited than are kept' WHERE id IN"
                    " (SELECT id FROM outbox WHERE state = 'waiting'"
                    " ORDER BY CASE severity WHEN 'critical' THEN 2 WHEN 'high' THEN 1 ELSE 0 END, made LIMIT ?)",
                    now, over,
                )  # fmt: skip
        return max(0, int(over))

    def _mend_times(self, now: int) -> None:
        """What was made, or put off, by a clock that ran far ahead must not wait until that time truly comes."""
        pause = bounds.BELL_PAUSE_MOST_SECONDS * SECOND
        ahead = "state = 'waiting' AND (made > ?1 OR (tries > 0 AND next > ?1))"
        if self._db.maybe(f"SELECT 1 FROM outbox WHERE {ahead} LIMIT 1", now + pause) is None:  # noqa: S608
            return
        with self._db.transaction():
            self._db.put(
                "UPDATE outbox SET next = CASE WHEN tries > 0 THEN ?2 ELSE ?2 + max(0, next - made) END,"  # noqa: S608
                f" made = min(made, ?2) WHERE {ahead}",
                now + pause, now,
            )  # fmt: skip

    def _end(self, messages: Sequence[Message], state: str, trouble: str | None, now: int) -> None:
        self._db.put_all(
            "UPDATE outbox SET state = ?, ended = ?, trouble = ? WHERE id = ?",
            [(state, now, trouble, one.id) for one in messages],
        )

    def _hasten(self, messages: Sequence[Message], now: int) -> None:
        """Who could not be reached has not been told: the next channel need not wait, where nobody was told yet."""
        self._db.put_all(
            "UPDATE outbox SET next = ?1 WHERE state = 'waiting' AND subject = ?2 AND change = ?3 AND next > ?1 AND tries = 0"
            " AND id IN (SELECT id FROM outbox WHERE state = 'waiting' AND tries = 0 AND subject = ?2 AND change = ?3"
            " ORDER BY next LIMIT 1)"
            " AND NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'sent' AND subject = ?2 AND change = ?3)",
            [(now, one.subject, one.change) for one in messages],
        )
