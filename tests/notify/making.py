"""A bell made to order, on a real store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from tests.incidents.making import finding

from tocsin.config.bell import Bell, Channel, Web
from tocsin.incidents.desk import IncidentDesk
from tocsin.notify.changes import Ringing
from tocsin.notify.delivery import Delivery
from tocsin.outbound.gate import Gate
from tocsin.records.instants import HOUR, parse_rfc3339
from tocsin.store.outbox import Message, ToTell
from tocsin.store.outgoing import Outgoing
from tocsin.store.state import Notes
from tocsin.store.store import Store

NOON = parse_rfc3339("2026-03-02T12:00:00Z")
NIGHT = NOON + 11 * HOUR


def incident(host="ws1", level="high", rule="r1", at=0):
    desk = IncidentDesk()
    desk.add([finding(rule, at, host=host, level=level)])
    return desk.all()[0]


def webhook(name, url):
    return Channel(name, "webhook", Web(f"{url}/{name}"))


def message(ident, channel="phone", *, severity="high", made=NOON, due=None, change="new", subject=None):
    return Message(
        ident, "incident", subject or f"inc-{ident}", change, channel, severity, made, made if due is None else due,
        f"Title {ident}", f"Text {ident}",
    )  # fmt: skip


@dataclass
class Ringer:
    """A store, its outbox, and a delivery through the gate."""

    root: Path
    bell: Bell
    told: list[str] = field(default_factory=list)

    def __enter__(self):
        self.store = Store.open(self.root)
        self.outbox = self.store.outbox
        self.now = NOON
        self.ringing = Ringing(self.bell, UTC)
        self.kept = Outgoing(self.store._database)
        self.gate = Gate(self.bell.allowed, self.kept, lambda: self.now)
        self.delivery = Delivery(self.outbox, self.gate, self.ringing, self.told.append)
        return self

    def __exit__(self, *_):
        self.store.close()

    def turn(self, now):
        self.now = now
        return self.delivery.turn(now)

    def look_after(self, incident, at):
        """Somebody looks after it, or it is over."""
        self.store.commit(self.store.position, beside=Notes(told=ToTell(ended=[(incident, at)])))
