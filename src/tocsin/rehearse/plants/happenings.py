"""What happens to a plant beside its routine: upkeep, which is normal, and attacks. Each is a label.

An attack is a manipulation of the simulated process, of what the controller is told, or of what is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from tocsin.rehearse.plants.site import Point, Site

HOUR: Final = 3600
DAY: Final = 24 * HOUR


class Kind(StrEnum):
    """What happens; attacks first."""

    STUCK_LEVEL = "stuck level"
    OFFSET_LEVEL = "offset level"
    REPLAY = "replayed readings"
    HIDDEN_PUMP = "hidden pump"
    FORCED_ON = "pump forced on"
    FORCED_OFF = "pump forced off"
    SETPOINT_DRIFT = "setpoint drift"
    VALVE_CLOSED = "valve closed"
    FLOW_SCALED = "flow scaled"
    NOISE_RAISED = "noise raised"
    STEPWISE_DRIFT = "stepwise drift"
    LEAK = "leak"
    PUMP_SERVICE = "pump service"
    SENSOR_SWAP = "sensor swap"
    PRECISION = "precision change"
    SEASON = "season change"


ATTACKS: Final = tuple(Kind)[:11]
UPKEEP: Final = tuple(Kind)[11:]

_HOURS: Final[dict[Kind, tuple[float, float]]] = {
    Kind.STEPWISE_DRIFT: (14 * 24, 28 * 24),
    Kind.SETPOINT_DRIFT: (72, 168),
    Kind.FLOW_SCALED: (24, 96),
    Kind.NOISE_RAISED: (24, 96),
    Kind.LEAK: (24, 120),
    Kind.PUMP_SERVICE: (3, 8),
}
"""How long a kind lasts, in hours; others 12 to 72. Swaps, precision and season last."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One of them.

    Attributes:
        kind: What happens.
        start: When, in seconds from the start of the play.
        end: Until when; the first second after it.
        target: The link, tank, junction or tag that it is done to.
        size: How much, in the kind's own measure (feet, a factor, …).
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
        return self.kind in ATTACKS


def draw(
    random: np.random.Generator, site: Site, kinds: Sequence[Kind], first: int, last: int, gap: int
) -> tuple[Happening, ...]:
    """One happening after the other from second `first` to `last`, of `kinds` in turn, at least `gap` seconds apart.

    Kinds that the plant has nothing for (a pump where there is none) are left out.
    """
    found: list[Happening] = []
    at = first
    for kind in kinds:
        low, high = _HOURS.get(kind, (12, 72))
        length = int(random.uniform(low, high)) * HOUR
        start = at + int(random.integers(0, 24)) * HOUR
        one = _one(random, site, kind, start, start + length)
        if one is not None and one.end <= last:
            found.append(one)
            at = one.end + gap
    return tuple(found)


def upkeep(random: np.random.Generator, site: Site, days: int) -> tuple[Happening, ...]:
    """A plant's upkeep over `days`: two pump services and a leak or so each quarter, a swap and a change of precision each
    half-year, other levels from June to September. They may overlap, as they do."""
    found: list[Happening | None] = []
    for quarter in range(0, days, 91):
        for kind in (Kind.PUMP_SERVICE, Kind.PUMP_SERVICE, Kind.LEAK):
            low, high = _HOURS[kind]
            start = (quarter + int(random.integers(0, 91))) * DAY + int(random.integers(7, 15)) * HOUR
            found.append(_one(random, site, kind, start, start + int(random.uniform(low, high)) * HOUR))
    for half in range(0, days, 182):
        for kind in (Kind.SENSOR_SWAP, Kind.PRECISION):
            start = (half + int(random.integers(0, 182))) * DAY + 9 * HOUR
            found.append(_one(random, site, kind, start, days * DAY))
    found += [_one(random, site, Kind.SEASON, (at + 152) * DAY, (at + 274) * DAY) for at in range(0, days, 365)]
    kept = [one for one in found if one is not None and one.start < days * DAY]
    return tuple(sorted(kept, key=lambda one: (one.start, one.kind)))


def _one(random: np.random.Generator, site: Site, kind: Kind, start: int, end: int) -> Happening | None:
    """A happening of `kind`, with its target and size drawn; None where the plant has no target for it."""
    sign = 1.0 if random.random() < 0.5 else -1.0
    share = float(random.random())
    pick = int(random.integers(0, 2**31))
    rules, levels = site.rules, site.of("level")
    flows, pumps = site.of("flow"), [link for link in site.links if site.is_pump(link)]

    def made(target: str, size: float, tags: Sequence[str]) -> Happening:
        return Happening(kind, start, end, target, size, tuple(tags))

    def chosen(among: Sequence[Point]) -> Point:
        return among[pick % len(among)]

    if kind in {Kind.STUCK_LEVEL, Kind.OFFSET_LEVEL, Kind.STEPWISE_DRIFT, Kind.REPLAY, Kind.SETPOINT_DRIFT}:
        if not rules:
            return None
        rule = rules[pick % len(rules)]
        level, span = site.level_of(rule.tank), rule.high - rule.low
        own = (level.tag, *site.tags_of(rule.link))
        size = {
            Kind.OFFSET_LEVEL: sign * span * (0.3 + 0.5 * share),
            Kind.STEPWISE_DRIFT: sign * span * (0.4 + 0.4 * share),
            Kind.SETPOINT_DRIFT: sign * span * (0.4 + 0.4 * share),
            Kind.REPLAY: 7.0 * 24 * HOUR,
        }.get(kind, 0.0)
        target = rule.link if kind in {Kind.SETPOINT_DRIFT, Kind.REPLAY} else rule.tank
        return made(target, size, own)
    if kind in {Kind.HIDDEN_PUMP, Kind.FORCED_ON, Kind.FORCED_OFF, Kind.PUMP_SERVICE}:
        if not pumps:
            return None
        link = pumps[pick % len(pumps)]
        if kind is Kind.FORCED_ON and site.rules:  # one that is not always on anyway
            link = site.rules[pick % len(site.rules)].link
        size = 1.0 if kind is Kind.FORCED_ON or (kind is Kind.HIDDEN_PUMP and link not in site.always and sign > 0) else 0.0
        return made(link, size, site.tags_of(link))
    if kind is Kind.VALVE_CLOSED:
        metered = [point for point in flows if point.name in site.valves]
        return made(chosen(metered).name, 0.0, (chosen(metered).tag,)) if metered else None
    if kind is Kind.FLOW_SCALED:
        point = chosen([one for one in flows if one.name in site.links] or flows)
        return made(point.tag, 1.0 + sign * (0.15 + 0.25 * share), (point.tag,))
    if kind is Kind.NOISE_RAISED:
        return made(chosen(levels).tag, 10.0 + 20.0 * share, (chosen(levels).tag,))
    if kind is Kind.LEAK:
        return made(site.junctions[pick % len(site.junctions)], 0.3 + 0.7 * share, ())
    if kind is Kind.SENSOR_SWAP:
        point = chosen(site.points)
        return made(point.tag, sign * (0.002 + 0.006 * share), (point.tag,))
    if kind is Kind.PRECISION:
        point = chosen(site.points)
        return made(point.tag, 10.0 if point.quantity == "level" else 5.0, (point.tag,))
    return made(rules[pick % len(rules)].link, sign * 0.1 * (1 + share), ()) if rules else None
