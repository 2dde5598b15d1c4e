"""What is expected: an event in a part of each day or every so often, and how many of a group of hosts are heard in a day.

1. A part of a day is judged once its end and the grace passed. A night in which Tocsin did not listen for a while is not:
   what came then may be lost; that is told (`Watched.unjudged`).
2. What is to come every so often is missing after that long and the grace, in the time that Tocsin listened.
3. Once something proven met an expectation, or was counted of a group, nothing unproven is.
4. When it comes again, the silence is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from tocsin.config import bounds
from tocsin.config.expect import Expected, Window
from tocsin.detect.absence.listening import Listening
from tocsin.detect.absence.silence import encodable, last_heard
from tocsin.records.event import Event
from tocsin.records.finding import Evidence
from tocsin.records.instants import DAY, from_datetime, to_datetime


@dataclass(frozen=True, slots=True)
class Expectation:
    """An expected event or group, ready to be asked: `matches` is its `where`, or its rule."""

    said: Expected
    matches: Callable[[Event], bool]

    def meets(self, event: Event) -> bool:
        """Whether `event` is such a one."""
        said = self.said
        if said.source is not None and not fnmatchcase(event.source, said.source):
            return False
        return (not said.hosts or _named(event.host, said.hosts)) and self.matches(event)


def _named(host: str | None, patterns: tuple[str, ...]) -> bool:
    return host is not None and any(fnmatchcase(host.casefold(), one) for one in patterns)


class Part(NamedTuple):
    """A part of a day that is judged: its day, and its instants."""

    day: date
    start: int
    end: int


def part_of(window: Window, day: date, zone: tzinfo) -> Part:
    """The part of `day` that `window` means; over midnight it ends on the next day."""
    start = datetime.combine(day, time(window.start // 60, window.start % 60), zone)
    over = window.end <= window.start or window.end == 24 * 60
    minute = window.end % (24 * 60)
    end = datetime.combine(day + timedelta(days=over), time(minute // 60, minute % 60), zone)
    return Part(day, from_datetime(start), from_datetime(end))


def parts_between(window: Window, zone: tzinfo, after: int, until: int) -> Iterator[Part]:
    """The parts that end after `after` and no later than `until`, in order; of a long time the last ones."""
    after = max(after, until - bounds.EXPECTED_GAPS * DAY)
    day = to_datetime(after).astimezone(zone).date() - timedelta(days=2)
    last = to_datetime(until).astimezone(zone).date() + timedelta(days=1)
    while day <= last:
        part = part_of(window, day, zone)
        if day.weekday() in window.days and after < part.end <= until:
            yield part
        day += timedelta(days=1)


class Waiting(msgspec.Struct):
    """What is known of one expectation.

    Attributes:
        since: When it came into the settings (instant).
        begun: The same in listened time.
        proven: Whether something proven met it.
        met: When something met it last (instant).
        heard: The same in listened time; -1 for never.
        evidence: What met it last.
        judged: Up to which instant parts of days are judged.
        incident: Id of the incident that tells that it is missing; empty for none.
        unjudged: Day of the last part that could not be judged; empty for none.
        hosts: Of a group: host → the day when it was heard last (ordinal).
        told: Of a group: the last day that was counted, how many were heard, and of how many.
    """

    since: int
    begun: int
    judged: int
    proven: bool = False
    met: int = 0
    heard: int = -1
    evidence: Evidence | None = None
    incident: str = ""
    unjudged: str = ""
    hosts: dict[str, int] = {}
    told: tuple[str, int, int] | None = None


def meet(waiting: Waiting, event: Event, listening: Listening, grain: int) -> bool:
    """Takes note that `event` met an expected event; False where that is known already, or it is proven too little."""
    if waiting.proven and event.auth == "none":
        return False
    newer = event.time - waiting.met >= grain or listening.listened - waiting.heard >= grain
    if waiting.heard >= 0 and not newer and not waiting.incident:
        return False
    waiting.proven = waiting.proven or event.auth != "none"
    waiting.met = max(waiting.met, event.time)
    waiting.heard = listening.listened
    waiting.evidence = last_heard(event)
    return True


def meet_group(waiting: Waiting, said: Expected, event: Event, stamp: int, zone: tzinfo) -> bool:
    """Takes note that a host of a group was heard at the instant `stamp`; False where that changes nothing."""
    assert said.window is not None
    if event.host is None or (waiting.proven and event.auth == "none"):
        return False
    here = to_datetime(stamp).astimezone(zone).date()
    parts = (part_of(said.window, day, zone) for day in (here, here - timedelta(days=1)))
    part = next((one for one in parts if one.start <= stamp < one.end), None)
    if part is None:
        return False
    host = encodable(event.host.casefold()[: bounds.WATCHED_NAME_CHARS])
    if waiting.hosts.get(host) == part.day.toordinal():
        return False
    if host not in waiting.hosts and len(waiting.hosts) >= bounds.GROUP_HOSTS:
        return False
    waiting.proven = waiting.proven or event.auth != "none"
    waiting.hosts[host] = part.day.toordinal()
    waiting.evidence = last_heard(event)
    return True


def set_back(waiting: Waiting, stamp: int, zone: tzinfo) -> None:
    """The clock was set back to `stamp`: what it said to be later is no later than that."""
    waiting.since = min(waiting.since, stamp)
    waiting.judged = min(waiting.judged, stamp)
    waiting.met = min(waiting.met, stamp)
    today = to_datetime(stamp).astimezone(zone).date().toordinal()
    waiting.hosts = {host: min(day, today) for host, day in waiting.hosts.items()}


def heard_on(waiting: Waiting, said: Expected, day: date) -> tuple[int, int]:
    """How many of a group were heard on `day`, and of how many."""
    ordinal = day.toordinal()
    heard = sum(last == ordinal for last in waiting.hosts.values())
    if said.count:
        return min(heard, said.count), said.count
    plain = [host for host in said.hosts if not any(sign in host for sign in "*?[")]
    if said.hosts and len(plain) == len(said.hosts):
        return heard, len(plain)
    known = sum(last > ordinal - bounds.GROUP_LEARN_DAYS for last in waiting.hosts.values())
    return heard, known


class Missing(NamedTuple):
    """An expectation that was not met: in which part of a day (None: for too long), and of a group how many were heard."""

    part: Part | None
    heard: int = 0
    of: int = 0


def overdue(waiting: Waiting, said: Expected, listening: Listening) -> Missing | None:
    """Whether what is to come every so often is missing now."""
    if waiting.incident or not said.every:
        return None
    last = max(waiting.heard, waiting.begun, listening.resumed)
    return Missing(None) if listening.listened - last > said.every + said.grace else None


def judge_parts(
    waiting: Waiting, said: Expected, listening: Listening, zone: tzinfo
) -> Iterator[Missing | None]:
    """What the parts of days that are over by now say, in order: missing, or (None) heard."""
    if said.window is None:
        return
    until = listening.stamp - said.grace
    if until <= waiting.judged:
        return
    for part in parts_between(said.window, zone, waiting.judged, until):
        waiting.judged = part.end
        if part.start < waiting.since:
            continue
        if said.count is not None:
            yield from _judge_group(waiting, said, listening, part)
        elif waiting.heard >= 0 and waiting.met >= part.start:
            yield None
        elif listening.was_away(part.start, part.end + said.grace):
            waiting.unjudged = part.day.isoformat()
        else:
            yield Missing(part)


def _judge_group(
    waiting: Waiting, said: Expected, listening: Listening, part: Part
) -> Iterator[Missing | None]:
    heard, of = heard_on(waiting, said, part.day)
    waiting.told = (part.day.isoformat(), heard, of)
    old = part.day.toordinal() - bounds.GROUP_LEARN_DAYS
    waiting.hosts = {host: one for host, one in waiting.hosts.items() if one > old}
    if not said.least:
        return
    if heard >= said.least:
        yield None
    elif listening.was_away(part.start, part.end):
        waiting.unjudged = part.day.isoformat()
    else:
        yield Missing(part, heard, of)
