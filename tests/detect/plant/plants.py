"""Small made-up plants, seeded: a tank that pumps fill and a town empties, and what a historian makes of it."""

from __future__ import annotations

import numpy as np

from tocsin.records.readings import Readings

HOUR = 3_600_000_000


def times_of(rows: int, start: int = 0, spacing: int = HOUR) -> np.ndarray:
    return np.arange(start, start + rows, dtype=np.int64) * spacing


def tank(rows: int, seed: int = 1, stolen: float = 0.0, start: int = 0) -> Readings:
    """A tank of area 10: LEVEL, INFLOW, OUTFLOW, PUMP (0 or 1), TOTAL (a counter of what flowed in), PRESSURE."""
    rng = np.random.default_rng(seed)
    level, pump, total = 3.0, 1, 1_000.0
    values = np.empty((rows, 6))
    flow = 0.0
    for row in range(rows):
        hour = (start + row) % 24
        out = 6 + 3 * np.sin(hour / 24 * 2 * np.pi) + rng.normal(0, 0.3)
        pump = 1 if level < 2 else 0 if level > 4 else pump
        before, flow = flow, pump * (12 + rng.normal(0, 0.1))
        # Flows are read at the row's end; the level follows their mean over the row.
        last_out = values[row - 1, 2] if row else out
        level += ((flow + before) / 2 - (out + last_out) / 2 - stolen) / 10
        total += max(flow, 0)
        values[row] = level, flow, out, pump, total, 5 * level + rng.normal(0, 0.05)
    values[:, [0, 1, 2, 4, 5]] = np.round(values[:, [0, 1, 2, 4, 5]], 3)
    return Readings(
        ("LEVEL", "INFLOW", "OUTFLOW", "PUMP", "TOTAL", "PRESSURE"), times_of(rows, start), values
    )


def changed(readings: Readings, values: np.ndarray) -> Readings:
    return Readings(readings.tags, readings.times, values)


def with_gaps(readings: Readings, share: float, seed: int = 5) -> Readings:
    """The same with this share of the readings missing."""
    rng = np.random.default_rng(seed)
    return changed(readings, np.where(rng.random(readings.values.shape) < share, np.nan, readings.values))
