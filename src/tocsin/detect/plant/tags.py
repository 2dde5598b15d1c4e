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


LARGEST: Final = 1e15
"""Readings beyond it are taken for it: whole numbers are still told apart there, and no square of them overflows."""

RESET: Final = 0.1
"""A counter that falls to less than this share of its reading began anew; any other fall is a gain below nothing."""

WILD: Final = 1_000.0
"""A reading that lies so many spans of the middle 98% beside the middle one is an error of the recording: a single one
would make the tag's spread so wide that nothing else is seen."""

JITTER: Final = 0.01
"""Readings that lie within this share of a step of no more than `STATES` steps are a discrete tag's with noise."""


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
    """What the tag `name` is, from its readings, shape (rows,), NaN where nothing was read."""
    values = readable(values)
    seen = values[np.isfinite(values)]
    missing = 1.0 - len(seen) / max(1, len(values))
    if not len(seen):
        return Tag(name, TagKind.CONSTANT, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, (), missing)
    kind, step = _kind(seen)
    gains = gained(values[1:], values[:-1]) if kind is TagKind.COUNTER else seen
    looked = quantise(gains[np.isfinite(gains)], np.array(step))
    low, high = float(looked.min()), float(looked.max())
    spread = max(float(looked.std()), min(SPREAD_FLOOR, SPREAD_FLOOR * (high - low)), step, 1e-9)
    found, counts = np.unique(looked, return_counts=True)
    if kind not in {TagKind.DISCRETE, TagKind.CONSTANT}:
        return Tag(name, kind, step_of(seen), step, low, high, float(looked.mean()), spread, (), missing)
    states = tuple(float(one) for one in found)
    return Tag(
        name, kind, step_of(seen), step, low, high, float(found[counts.argmax()]), spread, states, missing
    )


def tags_of(readings: Readings) -> tuple[Tag, ...]:
    """What each tag of `readings` is."""
    return tuple(tag_of(name, readings.values[:, column]) for column, name in enumerate(readings.tags))


def readable(values: Values) -> Values:
    """`values` as numbers that can be worked with: infinities were never read, and nothing is beyond `LARGEST`."""
    return np.clip(np.where(np.isfinite(values), values, np.nan), -LARGEST, LARGEST)


def gained(now: Values, before: Values) -> Values:
    """What counters gained between `before` and `now`, of the same shape; NaN after a reset, or where one was not read."""
    return np.where((now < before) & (np.abs(now) < RESET * np.abs(before)), np.nan, now - before)


def without_wild(values: Values) -> Values:
    """`values`, shape (rows, tags), with NaN for wild readings; the same array where there is none."""
    clean = values
    for column in range(values.shape[1]):
        own = readable(values[:, column])
        seen = own[np.isfinite(own)]
        if not len(seen):
            continue
        low, middle, high = np.quantile(seen, (0.01, 0.5, 0.99))
        far = np.abs(own - middle) > WILD * (high - low)
        if high > low and far.any():
            clean = clean.copy() if clean is values else clean
            clean[far, column] = np.nan
    return clean


def _kind(seen: Values) -> tuple[TagKind, float]:
    """What moves the tag, and the step at which it is looked at."""
    step = read_step(seen)
    distinct = len(np.unique(seen))
    if distinct <= STATES:
        return (TagKind.CONSTANT if distinct == 1 else TagKind.DISCRETE), 0.0
    near = quantise(seen, np.array(step))
    if (
        step > 0
        and float(np.abs(seen - near).max()) <= JITTER * step
        and (states := len(np.unique(near))) <= STATES
    ):
        return (TagKind.CONSTANT if states == 1 else TagKind.DISCRETE), step
    change = np.diff(seen)
    if _counts(change):
        return TagKind.COUNTER, read_step(change[change >= 0])
    if np.count_nonzero(np.diff(near)) < SETPOINT_CHANGES * len(change):
        return TagKind.SETPOINT, step
    return TagKind.CONTINUOUS, step


def _counts(change: Values) -> bool:
    """Whether a tag only rises, apart from resets: few falls, each of them larger than any rise."""
    falls, rises = change[change < 0], change[change > 0]
    if len(rises) < max(STATES, 0.01 * len(change)):
        return False
    return len(falls) <= 1 + 0.001 * len(change) and (
        not len(falls) or -falls.max() > 10 * float(np.median(rises))
    )
