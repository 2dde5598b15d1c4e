"""Messages to people, kept until they are handed over; and what the daily one counts.

Rules:

1. A message comes into the outbox in the very commit that stores what it is about, once: the same id again changes nothing.
2. It leaves by being sent, by being spared (somebody acknowledged, or another way reached people), or by being given up,
   which is remembered with the reason.
3. What is to be handed over has its parcel's id written down before, so that a repeat after a crash carries the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from tocsin.config import bounds
from tocsin.records.instants import DAY, HOUR
from tocsin.store.database import Database

Kind = Literal["incident", "digest"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel.

    Attributes:
        id: Stable: what it is about, what changed, and the channel.
        subject: An incident's id; the day of a digest.
        change: What changed: `new`, `severity:high`, `regressed:…`.
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


class Heard(NamedTuple):
    """How many events came, of how many sources."""

    events: int
    sources: int


class Failure(NamedTuple):
    """A message that was given up, and why."""

    channel: str
    title: str
    trouble: str


def put_to_tell(database: Database, told: ToTell) -> None:
    """Stores `told`, inside a transaction."""
    put_messages(database, told.messages)
    database.put_all("INSERT OR REPLACE INTO rung VALUES (?, ?, ?)", told.rung)
    database.put_all("INSERT OR REPLACE INTO acknowledged VALUES (?, ?)", told.ended)
    for hour in sorted({hour for hour, _ in told.heard}):
        _put_heard(
            database, hour, {source: count for (at, source), count in told.heard.items() if at == hour}
        )


def put_messages(database: Database, messages: Sequence[Message]) -> None:
    """Stores those of `messages` whose ids are not there yet, inside a transaction."""
    database.put_all(
        "INSERT OR IGNORE INTO outbox (id, kind, subject, change, channel, severity, made, next, title, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.id, one.kind, one.subject, one.change, one.channel, one.severity, one.made, one.next,
                _plain(one.title), _plain(one.text),
            )
            for one in messages
        ],
    )  # fmt: skip


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # SQLite takes no lone surrogate


def _put_heard(database: Database, hour: int, heard: Mapping[str, int]) -> None:
    """Adds to the counts of `hour`; sources beyond the bound count together, as one without a name."""
    known = {row[0] for row in database.all("SELECT source FROM heard WHERE hour = ?", hour)}
    if not known:
        database.put("DELETE FROM heard WHERE hour < ?", hour - bounds.HEARD_HOURS)
    counts: dict[str, int] = {}
    for source, events in heard.items():
        name = _plain(source)
        if name not in known:
            name = name if len(known) < bounds.HEARD_SOURCES else ""
            known.add(name)
        counts[name] = counts.get(name, 0) + events
    database.put_all(
        "INSERT INTO heard VALUES (?, ?, ?) ON CONFLICT (hour, source) DO UPDATE SET events = events + excluded.events",
        [(hour, name, events) for name, events in counts.items()],
    )


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
            "SELECT id, kind, subject, change, channel, severity, made, next, title, text, tries, parcel FROM outbox"
            " WHERE state = 'waiting' AND channel = ? AND next <= ? AND (severity = 'critical' OR kind = 'digest' OR ?"
            " OR parcel IN (SELECT parcel FROM outbox WHERE state = 'waiting' AND severity = 'critical'))"
            " ORDER BY parcel IS NULL, CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 ELSE 2 END, made, id LIMIT ?",
            channel, now, not critical, bounds.OUTBOX_MESSAGES,
        )  # fmt: skip
        return tuple(Message(*row) for row in rows)

    def parcels_since(self, channel: str, instant: int) -> int:
        """How many parcels were handed to `channel` since."""
        rows = self._db.all(
            "SELECT count(DISTINCT parcel) FROM outbox WHERE channel = ? AND state = 'sent' AND ended >= ?",
            channel,
            instant,
        )
        return int(rows[0][0])

    def has(self, ident: str) -> bool:
        """Whether there is a message with this id."""
        return self._db.maybe("SELECT 1 FROM outbox WHERE id = ?", ident) is not None

    def failures(self, since: int) -> tuple[Failure, ...]:
        """What was given up since."""
        rows = self._db.all(
            "SELECT channel, title, trouble FROM outbox WHERE state = 'failed' AND ended >= ? ORDER BY ended LIMIT 100",
            since,
        )
        return tuple(Failure(*row) for row in rows)

    def counts(self) -> dict[str, int]:
        """How many messages are in which state."""
        return dict(self._db.all("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state"))

    def unacknowledged(self) -> int:
        """How many incidents that people were told of nobody has acknowledged since."""
        rows = self._db.all(
            "SELECT count(*) FROM rung JOIN incidents ON incidents.id = rung.incident"
            " LEFT JOIN acknowledged ON acknowledged.incident = rung.incident"
            " WHERE incidents.status = 'regressed' OR (incidents.status = 'open' AND acknowledged.at IS NULL)"
        )
        return int(rows[0][0])

    def heard(self, since: int) -> Heard:
        """What came in the hours from that of `since` on."""
        rows = self._db.all(
            "SELECT coalesce(sum(events), 0), count(DISTINCT source) FROM heard WHERE hour >= ?",
            since // HOUR,
        )
        return Heard(*rows[0])

    # --- what changes -------------------------------------------------------------------------------------

    def add(self, messages: Sequence[Message]) -> None:
        """Adds those that are not there yet."""
        with self._db.transaction():
            put_messages(self._db, messages)

    def acknowledge(self, idents: Sequence[str], now: int) -> None:
        """Somebody looks after an incident (its id and aliases): what waits to be said of it so far is not said any more."""
        with self._db.transaction():
            self._db.put_all(
                "INSERT OR REPLACE INTO acknowledged VALUES (?, ?)", [(one, now) for one in idents]
            )

    def spare(self, now: int) -> int:
        """Ends what waits and was acknowledged after it was made; gives how many. A parcel of several stays whole."""
        if not self._db.all(_ACKNOWLEDGED_WAITING)[0][0]:
            return 0
        with self._db.transaction():
            return self._db.put(
                "UPDATE outbox SET state = 'spared', ended = ? WHERE state = 'waiting' AND kind = 'incident'"
                " AND (parcel IS NULL OR parcel = id) AND made <= (SELECT at FROM acknowledged WHERE incident = outbox.subject)",
                now,
            )

    def pack(self, parcel: str, messages: Sequence[Message]) -> None:
        """Writes down that `messages` are to be handed over as `parcel`."""
        with self._db.transaction():
            self._db.put_all(
                "UPDATE outbox SET parcel = ? WHERE id = ?", [(parcel, one.id) for one in messages]
            )

    def sent(self, messages: Sequence[Message], now: int) -> None:
        """They were handed over; the other channels need not say what is said once a day."""
        with self._db.transaction():
            self._end(messages, "sent", None, now)
            self._db.put_all(
                "UPDATE outbox SET state = 'spared', ended = ? WHERE state = 'waiting' AND kind = 'digest' AND subject = ?",
                [(now, one.subject) for one in messages if one.kind == "digest"],
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


_ACKNOWLEDGED_WAITING: Final = (
    "SELECT count(*) FROM outbox JOIN acknowledged ON incident = subject"
    " WHERE state = 'waiting' AND kind = 'incident' AND (parcel IS NULL OR parcel = id) AND made <= at"
)
