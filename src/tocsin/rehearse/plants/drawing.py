"""What happens to a plant, drawn from a seed: when, to what, how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from tocsin.rehearse.happening import Aim, Chance, Span, in_order, in_turn, summers
from tocsin.rehearse.plants.happenings import DAY, HOUR, Happening, Kind
from tocsin.rehearse.plants.site import Point, Site

_HOURS: Final[dict[Kind, tuple[float, float]]] = {
    Kind.STEPWISE_DRIFT: (14 * 24, 28 * 24),
    Kind.SETPOINT_DRIFT: (72, 168),
    Kind.FLOW_SCALED: (24, 96),
    Kind.NOISE_RAISED: (24, 96),
    Kind.LEAK: (24, 120),
    Kind.PUMP_SERVICE: (3, 8),
}
"""How long a kind lasts, in hours; others 12 to 72. Swaps, precision and season last."""

_QUARTERLY: Final = (Kind.PUMP_SERVICE, Kind.PUMP_SERVICE, Kind.LEAK)
_HALF_YEARLY: Final = (Kind.SENSOR_SWAP, Kind.PRECISION)


def draw(random: np.random.Generator, site: Site, kinds: Sequence[Kind], span: Span) -> tuple[Happening, ...]:
    """One happening after the other within `span`, of `kinds` in turn.

    Kinds that the plant has nothing for (a pump where there is none) are left out, and so is what would end too late.
    """
    return in_turn(random, partial(_one, random, site), kinds, _HOURS, span)


def upkeep(random: np.random.Generator, site: Site, days: int) -> tuple[Happening, ...]:
    """A plant's upkeep over `days`: two pump services and a leak each quarter, a new sensor and another precision each
    half-year, other levels from June to September. They may overlap, as they do.
    """
    found: list[Happening | None] = []
    for quarter in range(0, days, 91):
        for kind in _QUARTERLY:
            start = (quarter + int(random.integers(0, 91))) * DAY + int(random.integers(7, 15)) * HOUR
            found.append(_one(random, site, kind, (start, start + int(random.uniform(*_HOURS[kind])) * HOUR)))
    for half in range(0, days, 182):
        for kind in _HALF_YEARLY:
            start = (half + int(random.integers(0, 182))) * DAY + 9 * HOUR
            found.append(_one(random, site, kind, (start, days * DAY)))
    found += [_one(random, site, Kind.SEASON, summer) for summer in summers(days)]
    return in_order(found, days)


def _one(random: np.random.Generator, site: Site, kind: Kind, when: tuple[int, int]) -> Happening | None:
    """A happening of `kind`, with its target and size drawn; None where the plant has no target for it."""
    chance = Chance.drawn(random)
    aim = _AIMS[kind](site, kind, chance)
    return None if aim is None else Happening(kind, when[0], when[1], *aim)


def _at_level(site: Site, kind: Kind, chance: Chance) -> Aim | None:
    """On the level that rules a machine, or on the rule."""
    if not site.rules:
        return None
    rule = chance.of(site.rules)
    size = {
        Kind.STUCK_LEVEL: 0.0,
        Kind.REPLAY: 7.0 * DAY,
        Kind.OFFSET_LEVEL: chance.sign * (rule.high - rule.low) * (0.3 + 0.5 * chance.share),
    }.get(kind, chance.sign * (rule.high - rule.low) * (0.4 + 0.4 * chance.share))
    target = rule.link if kind in {Kind.SETPOINT_DRIFT, Kind.REPLAY} else rule.tank
    return target, size, (site.level_of(rule.tank).tag, *site.tags_of(rule.link))


def _at_pump(site: Site, kind: Kind, chance: Chance) -> Aim | None:
    pumps = [link for link in site.links if site.is_pump(link)]
    if not pumps:
        return None
    link = chance.of(pumps)
    if kind is Kind.FORCED_ON and site.rules:  # one that is not always on anyway
        link = chance.of(site.rules).link
    lied_on = kind is Kind.HIDDEN_PUMP and link not in site.always and chance.sign > 0
    return link, float(kind is Kind.FORCED_ON or lied_on), site.tags_of(link)


def _at_valve(site: Site, _: Kind, chance: Chance) -> Aim | None:
    metered = [point for point in site.of("flow") if point.name in site.valves]
    if not metered:
        return None
    point = chance.of(metered)
    return point.name, 0.0, (point.tag,)


def _at_sensor(site: Site, kind: Kind, chance: Chance) -> Aim | None:
    among: Sequence[Point] = site.points
    if kind is Kind.FLOW_SCALED:
        among = [one for one in site.of("flow") if one.name in site.links] or site.of("flow")
    elif kind is Kind.NOISE_RAISED:
        among = site.of("level")
    point = chance.of(among)
    size = {
        Kind.FLOW_SCALED: 1.0 + chance.sign * (0.15 + 0.25 * chance.share),
        Kind.NOISE_RAISED: 10.0 + 20.0 * chance.share,
        Kind.SENSOR_SWAP: chance.sign * (0.002 + 0.006 * chance.share),
    }.get(kind, 10.0 if point.quantity == "level" else 5.0)
    return point.tag, size, (point.tag,)


def _leak(site: Site, _: Kind, chance: Chance) -> Aim | None:
    return chance.of(site.junctions), 0.3 + 0.7 * chance.share, ()


def _season(site: Site, _: Kind, chance: Chance) -> Aim | None:
    return (chance.of(site.rules).link, chance.sign * 0.1 * (1 + chance.share), ()) if site.rules else None


_AIMS: Final[dict[Kind, Callable[[Site, Kind, Chance], Aim | None]]] = {
    **dict.fromkeys(
        (Kind.STUCK_LEVEL, Kind.OFFSET_LEVEL, Kind.REPLAY, Kind.SETPOINT_DRIFT, Kind.STEPWISE_DRIFT),
        _at_level,
    ),
    **dict.fromkeys((Kind.HIDDEN_PUMP, Kind.FORCED_ON, Kind.FORCED_OFF, Kind.PUMP_SERVICE), _at_pump),
    **dict.fromkeys((Kind.FLOW_SCALED, Kind.NOISE_RAISED, Kind.SENSOR_SWAP, Kind.PRECISION), _at_sensor),
    Kind.VALVE_CLOSED: _at_valve,
    Kind.LEAK: _leak,
    Kind.SEASON: _season,
}
