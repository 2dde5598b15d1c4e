"""How upkeep and attacks change a grid, and what the control centre is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tocsin.records.readings import Values
from tocsin.rehearse.grids.flow import Phasors
from tocsin.rehearse.grids.happenings import Happening, Kind
from tocsin.rehearse.grids.site import Grid

HIDDEN_LOAD: Final = 1.5
"""By how much more is drawn at a bus whose readings are replayed: what the replay hides."""

_OPENING: Final = (Kind.CONCEALED_OUTAGE, Kind.HIDDEN_BREAKER, Kind.LINE_SERVICE, Kind.RING_MOVED)
_SHOWN: Final = (Kind.LINE_SERVICE, Kind.RING_MOVED)


class Tampering:
    """All happenings of one play, and what they must remember."""

    def __init__(self, grid: Grid, happenings: Sequence[Happening]) -> None:
        self._grid = grid
        self._all = tuple(sorted(happenings, key=lambda one: not one.is_attack))
        self._column = {tag: at for at, tag in enumerate(grid.tags)}
        self._branch = {one.name: at for at, one in enumerate(grid.network.branches)}
        self._per = np.array([10.0**meter.decimals for meter in grid.meters])
        self._held: dict[Happening, float] = {}
        self._open: dict[tuple[Happening, ...], frozenset[int]] = {}
        self._past: dict[int, Values] = {}
        self._replays = max((int(one.size) for one in self._all if one.kind is Kind.REPLAY), default=0)
        self._now: tuple[int, tuple[Happening, ...]] = (-1, ())

    def out(self, now: int) -> frozenset[int]:
        """The branches that stand open."""
        return self._opened(tuple(one for one in self._on(now) if one.kind in _OPENING))

    def shown_out(self, now: int) -> frozenset[int]:
        """The branches that are said to stand open."""
        return self._opened(tuple(one for one in self._on(now) if one.kind in _SHOWN))

    def drawn(self, now: int, drawn: Phasors) -> Phasors:
        """MVA that the buses draw, shape (buses,)."""
        return self._scaled(now, drawn, {Kind.REPLAY: HIDDEN_LOAD})

    def wanted(self, now: int, branch: int) -> float:
        """By how much the set point of a regulator is moved, per unit."""
        name = self._grid.network.branches[branch].name
        return sum(one.size for one in self._on(now) if one.kind is Kind.SEASON and one.target == name)

    def sensed(self, now: int, branch: int) -> float:
        """By how much a regulator reads its voltage wrongly, per unit."""
        return self._at(now, Kind.DECEIVED_REGULATOR, branch)

    def taps(self, now: int, branch: int) -> int:
        """How many steps a tap changer stands beside what it says."""
        return int(self._at(now, Kind.HIDDEN_TAP, branch))

    def told(self, now: int, drawn: Phasors) -> tuple[Phasors, frozenset[int], Values] | None:
        """The grid that is told instead of the true one: its loads, its open branches, and of which meters (flags).

        None while every meter tells of the true one.
        """
        lies = [one for one in self._on(now) if one.kind in {Kind.CONSISTENT, Kind.CONCEALED_OUTAGE}]
        if not lies:
            return None
        column = np.zeros(len(self._grid.meters), bool)
        for one in lies:
            if one.kind is Kind.CONSISTENT:
                column[:] = True
            else:
                places = [self._column[tag] for tag in one.tags]
                column[[at for at in places if at < len(column)]] = True
        loads = self._told_loads(now, drawn)
        return loads, self.shown_out(now), column

    def recorded(self, now: int, measured: Values, states: Values) -> Values:
        """What the control centre gets, shape (tags,), each meter with its own decimals.

        Args:
            now: Seconds from the start.
            measured: What meters saw, with noise, shape (meters,).
            states: What breakers and taps say.
        """
        row = np.concatenate([measured, states])
        coarse = np.ones(len(measured))
        for one in self._on(now):
            self._metered(one, now, row, coarse)
        shown = row[: len(measured)]
        row[: len(measured)] = np.rint(np.rint(shown * self._per / coarse) * coarse) / self._per
        for one in self._on(now):
            if one.kind is Kind.REPLAY:
                self._replay(one, now, row)
        if self._replays:
            self._past[now] = row.copy()
            self._past.pop(now - self._replays, None)
        return row

    def _on(self, now: int) -> tuple[Happening, ...]:
        if self._now[0] != now:
            self._now = now, tuple(one for one in self._all if one.start <= now < one.end)
        return self._now[1]

    def _at(self, now: int, kind: Kind, branch: int) -> float:
        name = self._grid.network.branches[branch].name
        return sum(one.size for one in self._on(now) if one.kind is kind and one.target == name)

    def _opened(self, ones: tuple[Happening, ...]) -> frozenset[int]:
        """Attacks first; what would cut somebody off does not happen."""
        if ones not in self._open:
            network = self._grid.network
            out = frozenset(network.ties)
            for one in ones:
                line = self._branch[one.target]
                wanted = (out | {line}) - set(network.backing(line) or ())
                if network.connected(wanted):
                    out = wanted
            self._open[ones] = out
        return self._open[ones]

    def _scaled(self, now: int, drawn: Phasors, factors: dict[Kind, float]) -> Phasors:
        scaled = drawn.copy()
        for one in self._on(now):
            if one.kind in factors:
                scaled[int(one.target)] *= factors[one.kind]
        return scaled

    def _told_loads(self, now: int, drawn: Phasors) -> Phasors:
        told = self.drawn(now, drawn)
        for one in self._on(now):
            if one.kind is Kind.CONSISTENT:
                told[int(one.target)] *= one.size
        return told

    def _metered(self, one: Happening, now: int, row: Values, coarse: Values) -> None:
        """Changes what the meters of one happening show."""
        meters = [self._column[tag] for tag in one.tags if self._column[tag] < len(coarse)]
        part = (now - one.start) / (one.end - one.start)
        for at in meters:
            if one.kind in {Kind.BIAS, Kind.DECEIVED_REGULATOR} and at == meters[0]:
                per_unit = self._grid.meters[at].rated if one.kind is Kind.DECEIVED_REGULATOR else 1.0
                row[at] += one.size * per_unit
            elif one.kind is Kind.RAMP:
                row[at] += one.size * part
            elif one.kind is Kind.LOAD_SCALED or (one.kind is Kind.METER_SWAP):
                row[at] *= one.size
            elif one.kind is Kind.FROZEN:
                row[at] = self._held.setdefault(one, float(row[at]))
            elif one.kind is Kind.NOISE_RAISED:
                chance = np.random.default_rng([self._grid.seed, one.start, now])
                row[at] += chance.standard_normal() * self._grid.meters[at].noise * one.size
            elif one.kind is Kind.PRECISION:
                coarse[at] = one.size

    def _replay(self, one: Happening, now: int, row: Values) -> None:
        before = self._past.get(now - int(one.size))
        if before is not None:
            for tag in one.tags:
                row[self._column[tag]] = before[self._column[tag]]
