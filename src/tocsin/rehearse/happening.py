"""What a simulated plant or grid meets beside its routine, and how it is drawn from a seed: what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

import numpy as np

HOUR: Final = 3600
DAY: Final = 24 * HOUR

_SUMMER: Final = (152, 274)
"""Days of the year from June to September."""

_USUAL_HOURS: Final = (12.0, 72.0)
"""How long an attack lasts whose kind does not say."""


class AnyKind(StrEnum):
    """What happens; each simulated process has kinds of its own."""

    @property
    def is_attack(self) -> bool:
        """Whether it is one; else it is upkeep."""
        raise NotImplementedError


T = TypeVar("T")
Kind = TypeVar("Kind", bound=AnyKind)


@dataclass(frozen=True)  # no slots: with them Python 3.11 cannot make one by a name such as `Happening[Kind]`
class Happening(Generic[Kind]):
    """One thing that happens.

    Attributes:
        kind: What.
        start: When, in seconds from the start of the play.
        end: Until when; the first second after it.
        target: What it is done to: a link, tank, junction, bus, branch or tag.
        size: How much, in the kind's own measure (feet, a factor, MW, kV, taps, …).
        tags: The tags that show it, or lie.
    """

    kind: Kind
    start: int
    end: int
    target: str
    size: float
    tags: tuple[str, ...]

    @property
    def is_attack(self) -> bool:
        """Whether it is one; else it is upkeep."""
        return self.kind.is_attack


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds in which attacks are drawn, and the rest between two of them."""

    first: int
    last: int
    gap: int


@dataclass(frozen=True, slots=True)
class Chance:
    """What was drawn for one happening: a sign, a share of 0 to 1, and a number to pick by."""

    sign: float
    share: float
    pick: int

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Chance:
        """The next one."""
        sign = 1.0 if random.random() < 0.5 else -1.0
        return cls(sign, float(random.random()), int(random.integers(0, 2**31)))

    def of(self, among: Sequence[T]) -> T:
        """The one that it picks."""
        return among[self.pick % len(among)]


Aim = tuple[str, float, tuple[str, ...]]
"""Target, size, tags at fault."""

DrawOne = Callable[[Kind, tuple[int, int]], Happening[Kind] | None]
"""Draws a happening of a kind from a first second to a last; None where nothing can meet it."""


def in_turn(
    random: np.random.Generator, draw_one: DrawOne[Kind], kinds: Sequence[Kind],
    hours: Mapping[Kind, tuple[float, float]], span: Span,
) -> tuple[Happening[Kind], ...]:  # fmt: skip
    """One happening after the other within `span`, of `kinds` in turn; each lasts for what `hours` says of its kind.

    Kinds that nothing can meet are left out, and so is what would end too late.
    """
    found: list[Happening[Kind]] = []
    at = span.first
    for kind in kinds:
        length = int(random.uniform(*hours.get(kind, _USUAL_HOURS))) * HOUR
        start = at + int(random.integers(0, 24)) * HOUR
        one = draw_one(kind, (start, start + length))
        if one is not None and one.end <= span.last:
            found.append(one)
            at = one.end + span.gap
    return tuple(found)


def in_order(found: Sequence[Happening[Kind] | None], days: int) -> tuple[Happening[Kind], ...]:
    """Those of `found` that begin within `days`, as time goes."""
    kept = [one for one in found if one is not None and one.start < days * DAY]
    return tuple(sorted(kept, key=lambda one: (one.start, one.kind)))


def summers(days: int) -> list[tuple[int, int]]:
    """The seconds of each summer that begins within so many years of 365 days."""
    return [((year + _SUMMER[0]) * DAY, (year + _SUMMER[1]) * DAY) for year in range(0, days, 365)]
