"""What happens to a grid, drawn from a seed: when, to what, how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np

from tocsin.rehearse.grids.happenings import DAY, HOUR, Happening, Kind
from tocsin.rehearse.grids.site import Grid, Meter
from tocsin.rehearse.happening import Aim, Chance, Span, in_order, in_turn, summers

_HOURS: Final[dict[Kind, tuple[float, float]]] = {
    Kind.RAMP: (5 * 24, 14 * 24),
    Kind.LOAD_SCALED: (24, 96),
    Kind.CONSISTENT: (24, 96),
    Kind.NOISE_RAISED: (24, 96),
    Kind.LINE_SERVICE: (4, 10),
    Kind.RING_MOVED: (14 * 24, 42 * 24),
}
"""How long a kind lasts, in hours; others 12 to 72. Swaps, precision and season last."""

_QUARTERLY: Final = (Kind.LINE_SERVICE, Kind.LINE_SERVICE)
_HALF_YEARLY: Final = (Kind.METER_SWAP, Kind.PRECISION, Kind.RING_MOVED)
SUMMER_SHIFT: Final = -0.01
"""By how much a set point is lower then, each year alike: the sun lifts voltages."""


def draw(random: np.random.Generator, grid: Grid, kinds: Sequence[Kind], span: Span) -> tuple[Happening, ...]:
    """One happening after the other within `span`, of `kinds` in turn.

    Kinds that the grid has nothing for (a tap changer where there is none) are left out, and so is what would end too late.
    """
    return in_turn(random, partial(_one, random, grid), kinds, _HOURS, span)


def upkeep(random: np.random.Generator, grid: Grid, days: int) -> tuple[Happening, ...]:
    """A grid's upkeep over `days`: two lines out each quarter, a new meter, another precision and another open point each
    half-year, other set points from June to September. They may overlap, as they do.
    """
    found: list[Happening | None] = []
    for kinds, span in ((_QUARTERLY, 91), (_HALF_YEARLY, 182)):
        for first in range(0, days, span):
            for kind in kinds:
                start = (first + int(random.integers(0, span))) * DAY + int(random.integers(7, 15)) * HOUR
                lasts = kind not in _HOURS
                length = int(random.uniform(*_HOURS.get(kind, (1, 2)))) * HOUR
                found.append(_one(random, grid, kind, (start, days * DAY if lasts else start + length)))
    found += [_one(random, grid, Kind.SEASON, summer) for summer in summers(days)]
    return in_order(found, days)


def _one(random: np.random.Generator, grid: Grid, kind: Kind, when: tuple[int, int]) -> Happening | None:
    """A happening of `kind`, with its target and size drawn; None where the grid has no target for it."""
    chance = Chance.drawn(random)
    aim = _AIMS[kind](grid, kind, chance)
    return None if aim is None else Happening(kind, when[0], when[1], *aim)


def _at_load(grid: Grid, kind: Kind, chance: Chance) -> Aim | None:
    """On the reading of a load, or on what all readings say of it."""
    meter = chance.of(grid.of("P"))
    tags = tuple(one.tag for one in grid.of("P", "Q") if one.place == meter.place)
    size = 1.0 + chance.sign * (0.25 + 0.35 * chance.share)
    if kind is Kind.REPLAY:
        return str(meter.place), 7.0 * DAY, grid.tags_of_bus(meter.place)
    return str(meter.place), size, tags


def _at_line(grid: Grid, kind: Kind, chance: Chance) -> Aim | None:
    lines = grid.serviceable
    if kind is Kind.RING_MOVED:
        lines = tuple(line for line in lines if grid.network.backing(line))
    if not lines:
        return None
    line = chance.of(lines)
    ties = grid.network.backing(line) or ()
    tags = tuple(tag for branch in (line, *ties) for tag in grid.tags_of_branch(branch))
    return grid.network.branches[line].name, 0.0, tags


def _at_regulator(grid: Grid, kind: Kind, chance: Chance) -> Aim | None:
    if not grid.regulators:
        return None
    one = grid.regulators[0] if kind is Kind.SEASON else chance.of(grid.regulators)
    size = {
        Kind.HIDDEN_TAP: chance.sign * round(2 + 2 * chance.share),
        Kind.DECEIVED_REGULATOR: chance.sign * (0.03 + 0.03 * chance.share),
        Kind.SEASON: SUMMER_SHIFT,
    }[kind]
    voltage = tuple(meter.tag for meter in grid.of("V") if meter.place == one.bus)
    return grid.network.branches[one.branch].name, size, (*voltage, grid.tap_tag(one.branch))


def _at_meter(grid: Grid, kind: Kind, chance: Chance) -> Aim | None:
    among: Sequence[Meter] = grid.meters
    if kind is Kind.RAMP:
        among = grid.of("V", "PF")
    elif kind in {Kind.BIAS, Kind.FROZEN}:
        among = grid.of("V", "P", "PF")
    meter = chance.of(among)
    shift = (0.02 + 0.03 * chance.share if meter.quantity == "V" else 0.1 + 0.2 * chance.share) * meter.rated
    size = {
        Kind.BIAS: chance.sign * shift,
        Kind.RAMP: chance.sign * shift,
        Kind.FROZEN: 0.0,
        Kind.NOISE_RAISED: 10.0 + 20.0 * chance.share,
        Kind.METER_SWAP: 1.0 + chance.sign * (0.002 + 0.004 * chance.share),
    }.get(kind, 10.0 if chance.share < 0.5 else 5.0)
    return meter.tag, size, (meter.tag,)


_AIMS: Final[dict[Kind, Callable[[Grid, Kind, Chance], Aim | None]]] = {
    **dict.fromkeys((Kind.CONSISTENT, Kind.LOAD_SCALED, Kind.REPLAY), _at_load),
    **dict.fromkeys(
        (Kind.CONCEALED_OUTAGE, Kind.HIDDEN_BREAKER, Kind.LINE_SERVICE, Kind.RING_MOVED), _at_line
    ),
    **dict.fromkeys((Kind.HIDDEN_TAP, Kind.DECEIVED_REGULATOR, Kind.SEASON), _at_regulator),
    **dict.fromkeys(
        (Kind.BIAS, Kind.RAMP, Kind.FROZEN, Kind.NOISE_RAISED, Kind.METER_SWAP, Kind.PRECISION), _at_meter
    ),
}
