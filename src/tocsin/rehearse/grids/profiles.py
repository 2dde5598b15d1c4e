"""Seeded loads, sun and wind: the day, the week, the season, the weather, and chance."""

from __future__ import annotations

from typing import Final

import numpy as np

from tocsin.records.readings import Values

_HOMES: Final = (
    0.55, 0.48, 0.45, 0.44, 0.46, 0.58, 0.85, 1.02, 1.00, 0.98, 1.00, 1.08,
    1.12, 1.05, 0.98, 0.97, 1.05, 1.28, 1.55, 1.62, 1.50, 1.25, 0.95, 0.70,
)  # fmt: skip
"""Hourly factors of households: low at night, highest in the evening."""

_LATITUDE: Final = np.radians(48.0)
_HOURLY_KEPT: Final = 0.6
"""What is left after an hour of a load's chance deviation."""


def load_factors(random: np.random.Generator, step: int, rows: int, count: int) -> Values:
    """Factors of `count` nominal loads, shape (rows, count), mean near 0.8; the first row is a Monday, the first of January.

    Args:
        random: Where chance comes from.
        step: Seconds between two rows.
        rows: How many.
        count: Loads, each a mixture of households and of a works that rests at the weekend.
    """
    hours = np.arange(rows) * step / 3600
    day = np.floor(hours / 24)
    yearly = 1.0 + random.uniform(0.08, 0.2) * np.cos(2 * np.pi * (day - 15) / 365.25)
    weather = np.repeat(drift(random, int(day[-1]) + 1, 1, 0.8, 0.04)[:, 0], 86400 // step)[:rows]
    usual = np.column_stack([_habit(random, hours) for _ in range(count)])
    chance = drift(random, rows, count, _HOURLY_KEPT ** (step / 3600), 0.05)
    factors: Values = np.maximum(0.05, usual * (yearly * (1.0 + weather))[:, None] * (1.0 + chance))
    return factors


def sun(random: np.random.Generator, step: int, rows: int, count: int) -> Values:
    """What solar plants of a region give of their rating, shape (rows, count), 0 to 1: one sky, local clouds."""
    hours = np.arange(rows) * step / 3600
    declination = np.radians(23.44) * np.sin(2 * np.pi * (hours / 24 - 80) / 365.25)
    turned = np.radians(15.0) * (hours % 24 - 12.0)
    high = np.sin(_LATITUDE) * np.sin(declination) + np.cos(_LATITUDE) * np.cos(declination) * np.cos(turned)
    sky = drift(random, rows, 1, 0.93 ** (step / 3600), 1.0) + 0.4 * drift(
        random, rows, count, 0.5 ** (step / 3600), 1.0
    )
    clear = 0.15 + 0.85 / (1.0 + np.exp(-1.5 * (sky + 0.3)))
    given: Values = np.maximum(high, 0.0)[:, None] ** 1.15 * clear
    return given


def wind(random: np.random.Generator, step: int, rows: int, count: int) -> Values:
    """What wind plants of a region give of their rating, shape (rows, count), 0 to 1."""
    blowing = drift(random, rows, 1, 0.97 ** (step / 3600), 1.0) + 0.3 * drift(
        random, rows, count, 0.7 ** (step / 3600), 1.0
    )
    speed = 7.0 * np.exp(0.45 * blowing)
    given: Values = np.clip((speed / 12.5) ** 3, 0.0, 1.0)
    return given


def drift(random: np.random.Generator, rows: int, columns: int, keeps: float, spread: float) -> Values:
    """A first-order autoregression with standard deviation `spread`, shape (rows, columns)."""
    shocks = random.standard_normal((rows, columns)) * spread * np.sqrt(1.0 - keeps**2)
    out: Values = np.empty_like(shocks)
    last = np.zeros(columns)
    for row in range(rows):  # a recurrence
        last = keeps * last + shocks[row]
        out[row] = last
    return out


def _habit(random: np.random.Generator, hours: Values) -> Values:
    works, later = random.uniform(0.0, 0.7), random.uniform(-1.0, 1.0)
    weekend = (np.floor(hours / 24) % 7) >= 5
    at = (hours - later - np.where(weekend, 1.5, 0.0)) % 24
    homes = np.interp(at, np.arange(25), [*_HOMES, _HOMES[0]]) * np.where(weekend, 1.05, 1.0)
    shifts = np.where(weekend, 0.4, np.interp(at, [0, 5, 7, 16, 19, 24], [0.5, 0.5, 1.3, 1.3, 0.5, 0.5]))
    both: Values = 0.85 * ((1.0 - works) * homes + works * shifts)
    return both
