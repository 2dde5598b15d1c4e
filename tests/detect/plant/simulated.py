"""Plants that are known to be normal: slow and quick modes, a day's and a week's season, and noise, mixed into tags."""

from __future__ import annotations

import numpy as np

from tocsin.records.instants import DAY, HOUR
from tocsin.records.readings import Readings

STEP = 3 * HOUR
WEEK_ROWS = 7 * DAY // STEP


def plant(seed: int, weeks: int, tags: int = 4) -> Readings:
    """`weeks` of a plant, a row every three hours."""
    rng = np.random.default_rng(seed)
    rows = weeks * WEEK_ROWS
    at = np.arange(rows)
    modes = np.empty((rows, 3))
    for column, kept in enumerate((0.9, 0.98, 0.7)):
        pushed, mode = rng.standard_normal(rows) * np.sqrt(1 - kept**2), 0.0
        for row in range(rows):
            mode = kept * mode + pushed[row]
            modes[row, column] = mode
    turns = [at * STEP / DAY, at / WEEK_ROWS]
    seasons = np.column_stack([np.sin(2 * np.pi * turn + rng.uniform(0, 6)) for turn in turns])
    mixed = np.hstack([modes, seasons]) @ rng.normal(size=(5, tags)) + 0.1 * rng.standard_normal((rows, tags))
    return Readings(tuple(f"T{tag}" for tag in range(tags)), at.astype(np.int64) * STEP, np.round(mixed, 3))
