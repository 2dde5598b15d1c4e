"""Which change of an incident people are told, once: it is new and needs somebody, it became graver, it came back; and
those who were told of an absence, that it is over.

Its place among the others is no change of its own: it moves whenever another one comes or goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from tocsin.advise.tell import tell
from tocsin.config.bell import Bell, Channel
from tocsin.incidents.ranking import needs_you
from tocsin.notify.quiet import awake
from tocsin.notify.wording import OVER, over_text, text_of, title_of
from tocsin.records.finding import LEVELS
from tocsin.records.incident import Incident
from tocsin.records.instants import MINUTE
from tocsin.store.outbox import Message, Rung


@dataclass(frozen=True, slots=True)
class Ringing:
    """Whom to tell, and when: the settings, the zone that their hours are of, and how Tocsin is called on its own host."""

    bell: Bell
    zone: tzinfo = UTC
    command: str = "tocsin"


@dataclass(frozen=True, slots=True)
class Rings:
    """Messages for one commit, and what they say of which incident."""

    messages: tuple[Message, ...] = ()
    rung: tuple[Rung, ...] = ()


def rings(changed: Iterable[Incident], rung: Mapping[str, Rung], ringing: Ringing, now: int) -> Rings:
    """What people are to be told of the incidents in `changed`.

    Args:
        changed: Those that are new, or no more what they were.
        rung: What people were told before.
        ringing: Whom to tell.
        now: The present instant.
    """
    if not ringing.bell.channels:
        return Rings()
    messages: list[Message] = []
    told: list[Rung] = []
    for incident in changed:
        change = change_of(incident, rung)
        if change is not None:
            messages += _messages(incident, change, ringing, now)
        before = _before(incident, rung)
        if change is not None or (before is not None and before.status != incident.status):
            told.append(_rung(incident, before))
    return Rings(tuple(messages), tuple(told))


def heard_again(
    incident: Incident, channels: Collection[str], ringing: Ringing, now: int
) -> tuple[Message, ...]:
    """That what `incident` says was absent was heard again, through those `channels` that told of it."""
    told = tell(incident)
    due = awake(ringing.bell.quiet, now, ringing.zone)
    return tuple(
        Message(
            message_id(incident.id, OVER, one.name), "incident", incident.id, OVER, one.name, "informational", now, due,
            title_of(told, OVER, one.detail), over_text(incident.id, ringing.command),
        )
        for one in ringing.bell.channels
        if one.name in channels
    )  # fmt: skip


def change_of(incident: Incident, rung: Mapping[str, Rung]) -> str | None:
    """What of `incident` is news: `new`, `severity:critical`, `regressed:…` by what it is then; None for nothing."""
    if not needs_you(incident) or incident.origin != "live" or incident.status in ("resolved", "dismissed"):
        return None
    before = _before(incident, rung)
    if before is None:
        return "new"
    if incident.status == "regressed" and before.status != "regressed":
        return f"regressed:{incident.last}:{incident.count}"  # a finding more need not be a later one
    if LEVELS.index(incident.severity) > LEVELS.index(_level(before)):
        return f"severity:{incident.severity}"
    return None


def message_id(subject: str, change: str, channel: str) -> str:
    """The id that a message bears however often it is made or handed over."""
    return "msg-" + hashlib.sha256(f"{subject}\0{change}\0{channel}".encode()).hexdigest()[:20]


def stepped(parts: Sequence[Channel], first: int, minutes: int) -> Iterable[tuple[Channel, int]]:
    """Each channel and from when on it rings: the first at once, each next one `minutes` later."""
    return ((channel, first + step * minutes * MINUTE) for step, channel in enumerate(parts))


def _before(incident: Incident, rung: Mapping[str, Rung]) -> Rung | None:
    """The gravest that people were told of `incident`, or of one that was merged into it."""
    known = [rung[one] for one in (incident.id, *incident.aliases) if one in rung]
    if not known:
        return None
    gravest = max(known, key=lambda one: LEVELS.index(_level(one)))
    own = rung.get(incident.id, gravest)
    return Rung(incident.id, gravest.severity, own.status)


def _level(rung: Rung) -> str:
    return rung.severity if rung.severity in LEVELS else LEVELS[0]


def _rung(incident: Incident, before: Rung | None) -> Rung:
    """What people know now; what was graver once stays told."""
    severity = max(incident.severity, _level(before) if before else LEVELS[0], key=LEVELS.index)
    return Rung(incident.id, severity, incident.status)


def _messages(incident: Incident, change: str, ringing: Ringing, now: int) -> Iterable[Message]:
    bell, told = ringing.bell, tell(incident)
    first = now if incident.severity == "critical" else awake(bell.quiet, now, ringing.zone)
    for channel, due in stepped(bell.channels, first, bell.escalate_minutes):
        yield Message(
            message_id(incident.id, change, channel.name), "incident", incident.id, change, channel.name,
            incident.severity, now, due,
            title_of(told, change, channel.detail), text_of(told, channel.detail, ringing.command),
        )  # fmt: skip
