"""The clock of a day, and who is where when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from random import Random
from typing import Literal

from tocsin.records.instants import DAY, HOUR, MINUTE, SECOND, from_datetime
from tocsin.rehearse.townhall.hosts import Network
from tocsin.rehearse.townhall.people import Person, Town

Place = Literal["office", "home", "abroad", "away"]

_MOST_ABSENT = 3
_TRIES = 20  # draws until a moment falls outside breaks; then the break is simply worked through


@dataclass(frozen=True, slots=True)
class Day:
    """One day, 00:00 to 24:00 UTC; the town's clocks show UTC too.

    Attributes:
        start: Instant of its midnight.
    """

    start: int

    @property
    def end(self) -> int:
        """Instant of the next midnight."""
        return self.start + DAY

    def at(self, hour: float) -> int:
        """The instant `hour` hours after midnight."""
        return self.start + int(hour * HOUR)

    def moments(self, rng: Random, count: int, first: float = 0, last: float = 24) -> list[int]:
        """`count` random instants between the hours `first` and `last`, in order."""
        return sorted(rng.randrange(self.at(first), self.at(last)) for _ in range(count))

    def every(self, rng: Random, minutes: float, first: float = 0, last: float = 24) -> list[int]:
        """Instants every `minutes`, off by up to two seconds, between the hours `first` and `last`."""
        step = int(minutes * MINUTE)
        ticks = range(self.at(first), self.at(last) - 3 * SECOND, step)
        return [tick + rng.randrange(2 * SECOND) for tick in ticks]


def day_of(when: date) -> Day:
    """The day `when`."""
    return Day(from_datetime(datetime.combine(when, time(), UTC)))


@dataclass(frozen=True, slots=True)
class Presence:
    """A person's day.

    Attributes:
        arrive, leave: Instants; equal for somebody who is away.
        breaks: Lunch and meetings as (from, to) instants.
        address: The public address that their cloud traffic comes from.
    """

    person: Person
    place: Place
    arrive: int
    leave: int
    breaks: tuple[tuple[int, int], ...]
    address: str

    @property
    def works(self) -> bool:
        """Whether the person sits at the own computer today."""
        return self.place in {"office", "home"}

    def moments(self, rng: Random, count: float) -> list[int]:
        """About `count` instants at which the person uses a computer, in order."""
        if self.leave <= self.arrive:
            return []
        return sorted(self._moment(rng) for _ in range(round(count)))

    def _moment(self, rng: Random) -> int:
        moment = rng.randrange(self.arrive, self.leave)
        for _ in range(_TRIES):
            if not any(first <= moment < last for first, last in self.breaks):
                break
            moment = rng.randrange(self.arrive, self.leave)
        return moment


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the writers of logs need to know about the day."""

    town: Town
    network: Network
    day: Day
    presences: tuple[Presence, ...]

    @property
    def working(self) -> tuple[Presence, ...]:
        """Those at their own computers, in the office or at home."""
        return tuple(presence for presence in self.presences if presence.works)

    @property
    def technician(self) -> Presence:
        """The technician's day."""
        return next(presence for presence in self.presences if presence.person is self.town.technician)


def set_scene(rng: Random, town: Town, network: Network, when: date) -> Scene:
    """Who comes, who works at home, who is on leave, and the one councillor who travels."""
    day = day_of(when)
    traveller = next(person for person in town.people if person.role == "Councillor")
    absent = rng.sample(
        [one for one in town.people if one is not town.technician and one is not traveller],
        rng.randrange(_MOST_ABSENT + 1),
    )
    presences = tuple(
        _presence(rng, person, "away" if person in absent else _place(rng, person, traveller), day, network)
        for person in town.people
    )
    return Scene(town, network, day, presences)


def _place(rng: Random, person: Person, traveller: Person) -> Place:
    if person is traveller:
        return "abroad"
    if person.department == "IT":
        return "office"
    if person.remote and rng.random() < 0.35:
        return "home"
    return "office"


def _presence(rng: Random, person: Person, place: Place, day: Day, network: Network) -> Presence:
    arrive = day.start + (person.starts + rng.randrange(-12, 13)) * MINUTE + rng.randrange(MINUTE)
    leave = day.start + (person.ends + rng.randrange(-20, 21)) * MINUTE + rng.randrange(MINUTE)
    lunch = day.start + rng.randrange(11 * 60 + 45, 13 * 60) * MINUTE
    breaks = [(lunch, lunch + rng.randrange(30, 60) * MINUTE)]
    for _ in range(rng.randrange(3)):
        begin = rng.randrange(arrive, leave)
        breaks.append((begin, begin + rng.choice((30, 45, 60)) * MINUTE))
    internet = network.internet
    login = person.account.name
    address = {
        "office": internet.office, "home": internet.homes[login], "abroad": internet.hotel,
        "away": internet.homes[login],
    }[place]  # fmt: skip
    return Presence(person, place, arrive, arrive if place == "away" else leave, tuple(breaks), address)
