"""A state estimator by weighted least squares, as a control centre runs one, and its residual test.

Abur and Expósito, "Power System State Estimation" (2004), chapters 2 and 5. It knows the meters, their noise and which branches
are closed; it knows nothing of how the grid was played.
"""

import numpy as np

from tocsin.rehearse.grids.flow import Flow, Switching
from tocsin.rehearse.grids.site import TAP_STEP

QUANTITIES = ("V", "P", "Q", "PF", "QF")


class Estimator:
    def __init__(self, grid):
        self._grid, self._flow = grid, Flow(grid.network)
        self.columns = [at for at, meter in enumerate(grid.meters) if meter.quantity in QUANTITIES]
        meters = [grid.meters[at] for at in self.columns]
        self._meters = meters
        self._spread = np.array([np.hypot(one.noise, 10.0**-one.decimals / 3.46) for one in meters])
        self.freedom = len(meters) - 2 * len(grid.network.kv) + 1

    def residual(self, row):
        """The weighted sum of squares that no state explains, of one row of readings."""
        said = dict(zip(self._grid.tags, row, strict=True))
        out = {
            at
            for at in range(len(self._grid.network.branches))
            if said.get(self._grid.breaker_tag(at), float(at not in self._grid.network.ties)) == 0
        }
        ratios = tuple(
            (one.branch, 1.0 - TAP_STEP * said[self._grid.tap_tag(one.branch)])
            for one in self._grid.regulators
        )
        switching = Switching(ratios, frozenset(out))
        seen = row[self.columns] / self._spread
        count = len(self._grid.network.kv)
        free = [at for at in range(count) if at != self._grid.network.slack[0]]
        state = np.concatenate([np.zeros(count - 1), np.ones(count)])
        for _ in range(8):
            now = self._shown(state, free, switching, said)
            slopes = np.column_stack(
                [
                    (self._shown(state + bump, free, switching, said) - now) / 1e-6
                    for bump in np.eye(len(state)) * 1e-6
                ]
            )
            step = np.linalg.lstsq(slopes, seen - now, rcond=None)[0]
            state = state + step
            if np.abs(step).max() < 1e-9:
                break
        left = seen - self._shown(state, free, switching, said)
        return float(left @ left)

    def _shown(self, state, free, switching, said):
        angles = np.zeros(len(free) + 1)
        angles[free] = state[: len(free)]
        volts = state[len(free) :] * np.exp(1j * angles)
        drawn = -self._flow.injections(volts, switching)
        for bus in self._grid.infeeds:
            drawn[bus] += said[f"G_{bus}"]
        flows = self._flow.flows(volts, switching)
        of = {
            "V": np.abs(volts) * self._grid.network.kv,
            "P": drawn.real,
            "Q": drawn.imag,
            "PF": flows.real,
            "QF": flows.imag,
        }
        return np.array([of[meter.quantity][meter.place] for meter in self._meters]) / self._spread
