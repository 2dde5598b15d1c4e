"""Seeded demand of a town's zones: the day, the week, the season, the weather, and chance."""

from __future__ import annotations

from typing import Final

import numpy as np

from tocsin.records.readings import Values

STEP: Final = 3600
"""Seconds that a demand lasts."""

_DAY: Final = (
    0.45, 0.38, 0.35, 0.36, 0.45, 0.75, 1.25, 1.55, 1.45, 1.25, 1.15, 1.12,
    1.15, 1.10, 1.02, 1.00, 1.05, 1.20, 1.45, 1.55, 1.40, 1.15, 0.85, 0.62,
)  # fmt: skip
"""Hourly factors of households on a working day: two peaks, one valley."""

_WEEKEND_LATER: Final = 2
"""Hours by which a morning is later on Saturday and Sunday."""


def demand_factors(random: np.random.Generator, days: int, zones: int, season: float) -> Values:
    """Factors of the base demand, shape (24 × days, zones), from 0.1 up; their mean is near 1.

    Args:
        random: Where chance comes from.
        days: How many; the first is a Monday, the first of January.
        zones: Parts of the town, each with its own habits.
        season: How much more than the mean is drawn at midsummer, 0 to 0.5.
    """
    day = np.arange(days, dtype=np.float64)
    yearly = 1.0 + season * np.cos(2 * np.pi * (day - 200) / 365.25)
    weather = _drift(random, days, 1, 0.85, 0.04)[:, 0]
    hourly = np.empty((24 * days, zones))
    for zone in range(zones):
        hourly[:, zone] = _habit(random, day).ravel()
    chance = _drift(random, 24 * days, zones, 0.6, 0.03)
    factors: Values = np.maximum(
        0.1, hourly * np.repeat(yearly * (1.0 + weather), 24)[:, None] * (1.0 + chance)
    )
    return factors


def _habit(random: np.random.Generator, day: Values) -> Values:
    """A zone's own curve, shape (days, 24): households, or more or less of a works that rests at the weekend."""
    works = random.uniform(0.0, 0.5)
    shift = int(random.integers(-1, 2))
    homes = np.roll(np.array(_DAY), shift)
    weekend = (day % 7) >= 5
    curve = np.where(weekend[:, None], np.roll(homes, _WEEKEND_LATER) * 1.06, homes)
    shifts = np.where((np.arange(24) >= 6) & (np.arange(24) < 18), 1.6, 0.4)
    both: Values = (1.0 - works) * curve + works * np.where(weekend[:, None], 0.35, shifts)
    return both


def _drift(random: np.random.Generator, rows: int, columns: int, keeps: float, spread: float) -> Values:
    """A first-order autoregression with standard deviation `spread`, shape (rows, columns)."""
    shocks = random.standard_normal((rows, columns)) * spread * np.sqrt(1.0 - keeps**2)
    out: Values = np.empty_like(shocks)
    last = np.zeros(columns)
    for row in range(rows):  # a recurrence
        last = keeps * last + shocks[row]
        out[row] = last
    return out
