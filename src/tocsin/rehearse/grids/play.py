"""A grid at play: power flow, regulators, meters and what happens to them, one row after the other.

Same seed, same bytes; and a play with attacks and its twin without are the same to the last bit until the first one begins.
Each number has few decimals and is what a 32-bit float shows, so that it is the same after a way through `wire.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tocsin.records.instants import SECOND
from tocsin.records.readings import Readings, Values
from tocsin.rehearse.grids.flow import Flow, Phasors, Switching
from tocsin.rehearse.grids.happenings import Happening
from tocsin.rehearse.grids.site import TAP_STEP, TAPS, Grid, Regulator
from tocsin.rehearse.grids.tampering import Tampering

BEGINS: Final = 1_704_067_200
"""Monday, 1 January 2024, in seconds since 1970: when every play begins."""

MOVES: Final = 4
"""Steps that a tap changer goes between two rows, at most."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a play gave.

    Attributes:
        readings: As the control centre has them.
        labels: What happened beside the routine, oldest first.
    """

    readings: Readings
    labels: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """A grid in one row, as it is or as it is told."""

    volts: Phasors
    switching: Switching
    drawn: Phasors


def play(grid: Grid, happenings: Sequence[Happening]) -> Played:
    """Plays all days of `grid`."""
    times, values = [], []
    for time, row in rows(grid, happenings):
        times.append(time)
        values.append(row)
    table = np.array(values).reshape(len(times), len(grid.tags))
    return Played(Readings(grid.tags, np.array(times, np.int64) * SECOND, table), tuple(happenings))


def rows(grid: Grid, happenings: Sequence[Happening], first: int = 0) -> Iterator[tuple[int, Values]]:
    """(seconds since 1970, what each tag shows) of one row after the other, from row `first` on; shape (tags,)."""
    running = _Running(grid, Tampering(grid, happenings))
    random = np.random.default_rng([grid.seed, 1])
    spread = np.array([meter.noise for meter in grid.meters])
    for at in range(len(grid.feeding)):
        noise = random.standard_normal(len(spread)) * spread
        row = running.row(at, noise)
        if at >= first:
            yield BEGINS + at * grid.step, row


class _Running:
    """The loop's memory: where the taps stand, and the voltages to begin from."""

    def __init__(self, grid: Grid, tampering: Tampering) -> None:
        self._grid = grid
        self._tampering = tampering
        self._flow = Flow(grid.network)
        self._stand = dict.fromkeys((one.branch for one in grid.regulators), 0)
        self._near: Phasors | None = None
        self._busy = float(grid.network.loads.real.sum())

    def row(self, at: int, noise: Values) -> Values:
        """What the control centre gets in row `at`."""
        now = at * self._grid.step
        true = self._regulated(at, now, self._tampering.drawn(now, self._grid.drawn[at]))
        measured = self._measured(at, true)
        told = self._tampering.told(now, self._grid.drawn[at])
        if told is not None:
            drawn, out, lying = told
            switching = Switching(true.switching.ratios, out)
            state = _State(self._solved(at, drawn, switching, true.volts), switching, drawn)
            measured = np.where(lying, self._measured(at, state), measured)
        out = self._tampering.shown_out(now)
        states = [float(branch not in out) for branch in self._grid.breakers]
        states += [float(self._stand[one.branch]) for one in self._grid.regulators]
        return self._tampering.recorded(now, measured + noise, np.array(states))

    def _regulated(self, at: int, now: int, drawn: Phasors) -> _State:
        """The grid once its regulators rest."""
        out = self._tampering.out(now)
        volts = self._near
        for moved in range(MOVES + 1):
            switching = Switching(self._ratios(now), out)
            volts = self._solved(at, drawn, switching, volts)
            if moved == MOVES or not self._step(now, volts):
                break
        assert volts is not None
        self._near = volts
        return _State(volts, switching, drawn)

    def _ratios(self, now: int) -> tuple[tuple[int, float], ...]:
        """A tap upwards makes fewer turns on the feeding side, and more voltage behind it."""
        stand = {branch: stand + self._tampering.taps(now, branch) for branch, stand in self._stand.items()}
        return tuple((branch, 1.0 - TAP_STEP * step) for branch, step in stand.items())

    def _step(self, now: int, volts: Phasors) -> bool:
        """Moves each tap changer by one step towards its band; whether any moved."""
        before = dict(self._stand)
        for one in self._grid.regulators:
            self._stand[one.branch] = self._next(now, one, float(abs(volts[one.bus])))
        return self._stand != before

    def _next(self, now: int, one: Regulator, voltage: float) -> int:
        beside = voltage + self._tampering.sensed(now, one.branch) - one.wanted
        beside -= self._tampering.wanted(now, one.branch)
        stand = self._stand[one.branch]
        if abs(beside) <= one.band:
            return stand
        return min(TAPS, stand + 1) if beside < 0 else max(-TAPS, stand - 1)

    def _solved(self, at: int, drawn: Phasors, switching: Switching, near: Phasors | None) -> Phasors:
        grid = self._grid
        injected = -drawn
        busy = float(drawn.real.sum()) / self._busy
        np.add.at(injected, np.array(grid.infeeds), grid.fed[at])
        for bus, _, power in grid.network.generators:  # a dispatcher shares the load out
            injected[bus] += power * busy
        return self._flow.solve(injected, float(grid.feeding[at]), switching, near)

    def _measured(self, at: int, state: _State) -> Values:
        """What perfect meters would show, shape (meters,)."""
        flows = self._flow.flows(state.volts, state.switching)
        kilovolts = np.abs(state.volts) * self._grid.network.kv
        of = {
            "V": kilovolts, "P": state.drawn.real, "Q": state.drawn.imag,
            "PF": flows.real, "QF": flows.imag, "G": self._grid.fed[at],
        }  # fmt: skip
        return np.array([of[meter.quantity][meter.place] for meter in self._grid.meters])
