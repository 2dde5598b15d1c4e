"""What a tag is, found from its readings alone: constant, discrete, counter, setpoint or continuous."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from tocsin.detect.plant.resolution import quantise, read_step, step_of
from tocsin.records.readings import Readings, Values

STATES: Final = 8
"""A tag with no more values than these is discrete: a status, a valve, a mode."""

SETPOINT_CHANGES: Final = 0.02
"""A tag that changes in fewer of its rows than this, and is not discrete, is set by somebody."""

SPREAD_FLOOR: Final = 0.05
"""No tag's spread counts for less, in its own unit or in this share of its range, whichever is less: scales below a
sensor's noise make differences of nothing large."""


class TagKind(StrEnum):
    """What moves a tag."""

    CONSTANT = "constant"
    DISCRETE = "discrete"
    COUNTER = "counter"
    SETPOINT = "setpoint"
    CONTINUOUS = "continuous"


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag as it was on normal operation; all values in its own unit, for a counter in what it gains a row.

    Attributes:
        name: As its source names it.
        kind: What moves it.
        own_step: The resolution that its readings had; 0 where none was found.
        step: The resolution that they are looked at, never finer; 0 for discrete tags, which are looked at as they are.
        low: Lowest reading.
        high: Highest reading.
        centre: Mean reading.
        spread: Standard deviation, floored.
        states: Its values where it is discrete or constant, ascending.
        missing: Share of rows without a reading.
    """

    name: str
    kind: TagKind
    own_step: float
    step: float
    low: float
    high: float
    centre: float
    spread: float
    states: tuple[float, ...]
    missing: float


def tag_of(name: str, values: Values) -> Tag:
    """What the tag `name` is, from its readings, shape (rows,)."""
    seen = values[np.isfinite(values)]
    missing = 1.0 - len(seen) / max(1, len(values))
    if not len(seen):
        return Tag(name, TagKind.CONSTANT, 0.0, 0.0, np.nan, np.nan, 0.0, 1.0, (), missing)
    kind = _kind(seen)
    own_step = step_of(seen)
    step = 0.0 if kind in {TagKind.DISCRETE, TagKind.CONSTANT} else read_step(seen)
    looked = quantise(np.diff(seen) if kind is TagKind.COUNTER else seen, np.array(step))
    low, high = float(looked.min()), float(looked.max())
    spread = max(float(looked.std()), min(SPREAD_FLOOR, SPREAD_FLOOR * (high - low)), step, 1e-9)
    states = tuple(float(one) for one in np.unique(seen)) if step == 0.0 else ()
    return Tag(name, kind, own_step, step, low, high, float(looked.mean()), spread, states, missing)


def tags_of(readings: Readings) -> tuple[Tag, ...]:
    """What each tag of `readings` is."""
    return tuple(tag_of(name, readings.values[:, column]) for column, name in enumerate(readings.tags))


def _kind(seen: Values) -> TagKind:
    distinct = len(np.unique(seen))
    if distinct == 1:
        return TagKind.CONSTANT
    if distinct <= STATES:
        return TagKind.DISCRETE
    change = np.diff(seen)
    if _counts(change):
        return TagKind.COUNTER
    if np.count_nonzero(change) < SETPOINT_CHANGES * len(change):
        return TagKind.SETPOINT
    return TagKind.CONTINUOUS


def _counts(change: Values) -> bool:
    """Whether a tag only rises, apart from resets: few falls, each of them larger than any rise."""
    falls, rises = change[change < 0], change[change > 0]
    if len(rises) < max(STATES, 0.01 * len(change)):
        return False
    return len(falls) <= 0.001 * len(change) and (not len(falls) or -falls.max() > 10 * float(np.median(rises)))
