"""The resolution of a tag: the step between values that its sensor, controller or historian can tell apart.

A model that learnt from more digits than the live feed carries takes rounding for an attack: a promised 1% became 74%
(DESIGN section 5). So both are read at the coarser step, and a change of step is a matter of data quality.
"""

from __future__ import annotations

from math import floor, log10
from typing import Final

import numpy as np

from tocsin.records.readings import Values

DIGITS: Final = 3
"""Significant digits of a tag's largest reading that are looked at. Transmitters and historians promise about one in a
thousand; a model that looks closer learns the noise of one recording and is deceived by the rounding of the next."""

COARSE_STEPS: Final = (2.0, 8.0)
"""A tag whose standard deviation is so many of these steps is looked at with one digit more: a tank high above the sea would
else be a staircase. One that moves less would show little but the rounding of its fourth digit."""

FEW_STEPS: Final = 50
"""A tag whose standard deviation is fewer of its own steps than this shows the step of its sensor or historian."""

DECIMALS: Final = 9
"""Finest decimal place that is looked for."""

ON_STEP: Final = 0.995
"""Share of the readings that must lie on a step: a few odd ones (an average in a gap) do not make a tag finer."""


def step_of(values: Values) -> float:
    """The coarsest decimal step (…, 10, 1, 0.5, 0.1, 0.05 …) on which the readings of one tag lie; 0 where there is none.

    Args:
        values: Shape (rows,), in the tag's own unit; NaN is left out.
    """
    seen = np.unique(values[np.isfinite(values)])
    if len(seen) < 2:
        return 0.0
    span = float(seen[-1] - seen[0]) * (1 + 1e-6)  # different readings are a step apart at least
    for place in range(-3, DECIMALS + 1):
        for share in (1.0, 0.5):
            step = share * 10.0**-place
            if step <= span and on_step(seen, step) >= ON_STEP:
                return step
    return 0.0


def read_step(values: Values) -> float:
    """The step at which the readings of one tag are looked at: its own, or `DIGITS` of its largest one if that is coarser.

    A tag that moves little beside what it reads (a mains frequency, an absolute pressure) is looked at by its own step
    where its readings show one (`FEW_STEPS`). Where they do not, nobody knows which of its digits are the sensor's.
    """
    seen = values[np.isfinite(values)]
    largest = float(np.abs(seen).max()) if len(seen) else 0.0
    own = step_of(seen)
    if largest == 0.0:
        return own
    coarse = 10.0 ** max(floor(log10(largest)) - DIGITS + 1, -300)
    spread = float(seen.std())
    if COARSE_STEPS[0] <= spread / coarse <= COARSE_STEPS[1]:
        coarse /= 10.0
    return own if coarse > spread / 2 and own > spread / FEW_STEPS else max(own, coarse)


def on_step(values: Values, step: float) -> float:
    """The share of `values` that are whole multiples of `step`, as nearly as 32-bit numbers can say: many came as such."""
    if not len(values):
        return 1.0
    steps = values / step
    nearest = np.rint(steps)
    slack = np.clip(np.abs(steps) * 2.0**-23, 1e-6, 0.05)
    return float((np.abs(steps - nearest) <= slack).mean())


def quantise(values: Values, steps: Values) -> Values:
    """`values`, shape (rows, tags), rounded to each tag's step; tags whose step is 0 stay as they are."""
    safe = np.where(steps > 0, steps, 1.0)
    rounded = np.rint(values / safe) * safe
    return np.where(steps > 0, rounded, values)
