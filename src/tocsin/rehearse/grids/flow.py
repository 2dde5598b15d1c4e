"""The alternating-current power flow of one grid, solved for one row after the other.

Newton's method with the Jacobian of the last switching state (a "very dishonest" Newton): as exact as the full method, since it goes
on until what is left of each bus's power is nothing, and many times as fast where only loads change. The admittances are pandapower's.
Stott, "Review of load-flow calculation methods", Proc. IEEE 62 (1974), sections II and III.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tocsin.records.readings import Values
from tocsin.rehearse.grids.network import STATUS, TAP, Network

TOLERANCE: Final = 1e-9
"""What may be left of any bus's power, in MVA."""
ROUNDS: Final = 60
"""Steps until a power flow counts as having no solution; every tenth takes a new Jacobian."""

Phasors = np.ndarray[Any, np.dtype[np.complex128]]
"""Shape (buses,) or (branches,)."""


@dataclass(frozen=True, slots=True)
class Switching:
    """What stands how: ratios as a factor of each branch's own, by branch, and the branches that are open."""

    ratios: tuple[tuple[int, float], ...]
    out: frozenset[int]


@dataclass(slots=True, eq=False)
class _Matrices:
    buses: Phasors
    starts: Phasors
    inverse: Values


class Flow:
    """The solver of one network. It remembers the matrices of each switching state that it met, and the last voltages."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._known: dict[Switching, _Matrices] = {}
        count = len(network.kv)
        self._held = np.ones(count)
        for bus, volts, _ in network.generators:
            self._held[bus] = volts
        fixed = {network.slack[0], *(bus for bus, _, _ in network.generators)}
        self._angles = np.array([at for at in range(count) if at != network.slack[0]])
        self._sizes = np.array([at for at in range(count) if at not in fixed], np.int64)
        self._from = np.array([one.start for one in network.branches])

    def solve(self, injected: Phasors, feeding: float, switching: Switching, near: Phasors | None) -> Phasors:
        """The voltage of each bus, per unit.

        Args:
            injected: MVA that flow into each bus from loads and generators, shape (buses,).
            feeding: Voltage of the feeding bus, per unit.
            switching: What stands how.
            near: Where to begin: the voltages of the row before.

        Raises:
            ValueError: there is no solution: the grid would collapse.
        """
        matrices = self._matrices(switching)
        volts = self._begin(feeding, near)
        wanted = injected / self._network.base
        limit = TOLERANCE / self._network.base
        for round_ in range(ROUNDS):
            left = volts * np.conj(matrices.buses @ volts) - wanted
            gap = np.concatenate([left.real[self._angles], left.imag[self._sizes]])
            if not np.isfinite(gap).all():
                break
            if np.abs(gap).max() < limit:
                return volts
            if round_ % 10 == 9:
                matrices.inverse = _inverse(self._jacobian(matrices.buses, volts))
            volts = self._moved(volts, matrices.inverse @ gap)
        raise ValueError(f"the grid {self._network.name} has no power flow here")

    def flows(self, volts: Phasors, switching: Switching) -> Phasors:
        """MVA that flow into each branch at its start, shape (branches,)."""
        flowing: Phasors = (
            volts[self._from] * np.conj(self._matrices(switching).starts @ volts) * self._network.base
        )
        return flowing

    def injections(self, volts: Phasors, switching: Switching) -> Phasors:
        """MVA that flow into each bus from outside, shape (buses,)."""
        flowing: Phasors = volts * np.conj(self._matrices(switching).buses @ volts) * self._network.base
        return flowing

    def _begin(self, feeding: float, near: Phasors | None) -> Phasors:
        volts = self._held.astype(np.complex128) if near is None else near.copy()
        for bus, held, _ in self._network.generators:
            volts[bus] *= held / abs(volts[bus])
        volts[self._network.slack[0]] = feeding
        return volts

    def _moved(self, volts: Phasors, step: Values) -> Phasors:
        angles, sizes = np.angle(volts), np.abs(volts)
        angles[self._angles] -= step[: len(self._angles)]
        sizes[self._sizes] -= step[len(self._angles) :]
        moved: Phasors = sizes * np.exp(1j * angles)
        return moved

    def _matrices(self, switching: Switching) -> _Matrices:
        if switching not in self._known:
            from pandapower.pypower.makeYbus import makeYbus  # noqa: PLC0415 - for development only

            rows = self._network.branch_rows.copy()
            for branch, factor in switching.ratios:
                rows[branch, TAP] *= factor
            rows[list(switching.out), STATUS] = 0.0
            buses, starts, _ = makeYbus(self._network.base, self._network.bus_rows, rows)
            dense = buses.toarray()
            inverse = _inverse(self._jacobian(dense, self._held.astype(np.complex128)))
            self._known[switching] = _Matrices(dense, starts.toarray(), inverse)
        return self._known[switching]

    def _jacobian(self, admittance: Phasors, volts: Phasors) -> Values:
        """Derivatives of the power of each bus by angle and size of each voltage (Stott, section III)."""
        flowing = admittance @ volts
        by_angle = 1j * volts[:, None] * np.conj(np.diag(flowing) - admittance * volts)
        unit = volts / np.abs(volts)
        by_size = volts[:, None] * np.conj(admittance * unit) + np.diag(np.conj(flowing) * unit)
        angles, sizes = self._angles, self._sizes
        jacobian: Values = np.block(
            [
                [by_angle.real[np.ix_(angles, angles)], by_size.real[np.ix_(angles, sizes)]],
                [by_angle.imag[np.ix_(sizes, angles)], by_size.imag[np.ix_(sizes, sizes)]],
            ]
        )
        return jacobian


def _inverse(matrix: Values) -> Values:
    inverse: Values = np.linalg.inv(matrix).astype(np.float64)
    return inverse
