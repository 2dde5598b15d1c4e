"""Readings at one even pace, without holes that a model would stumble over.

Historians write unevenly, skip, repeat and store only changes. A model knows one pace (its `spacing`): each of its rows
holds the last reading of that span, and what stays unread is held for a while and then counts as missing.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tocsin.records.readings import Instants, Readings, Values

EVEN: Final = 0.9
"""Share of the steps between rows that must be the usual one for readings to count as even already."""

HELD_ROWS: Final = 3
"""How many rows the last reading of a tag stands in for missing ones."""


def spacing_of(times: Instants) -> int:
    """The usual step between rows, in microseconds; 0 for fewer than two rows."""
    if len(times) < 2:
        return 0
    steps, counts = np.unique(np.diff(times), return_counts=True)
    return (
        int(steps[counts.argmax()])
        if counts.max() > EVEN / 2 * counts.sum()
        else int(np.median(np.diff(times)))
    )


def is_even(times: Instants, spacing: int) -> bool:
    """Whether rows at `times` may be judged as they stand by a model of pace `spacing`."""
    if len(times) < 2:
        return True
    near = np.abs(np.diff(times) - spacing) <= spacing // 10
    return bool(near.mean() >= EVEN)


def on_grid(readings: Readings, spacing: int) -> Readings:
    """`readings` with one row a `spacing` (microseconds): each tag's last reading in that span, NaN where there was none.

    Spans in which nothing at all was read have no row. A row's time is the beginning of its span.
    """
    return readings if is_even(readings.times, spacing) else gridded(readings, spacing)


def gridded(readings: Readings, spacing: int) -> Readings:
    """As `on_grid`, however even `readings` are."""
    spans = readings.times // spacing
    starts = np.flatnonzero(np.diff(spans, prepend=spans[0] - 1))
    last = _last_in_span(readings.values, starts)
    return Readings(readings.tags, spans[starts] * spacing, last)


def _last_in_span(values: Values, starts: Instants) -> Values:
    """The last reading of each column within each span that begins at a row of `starts`."""
    rows = np.arange(len(values))[:, None]
    at = np.maximum.reduceat(np.where(np.isfinite(values), rows, -1), starts, axis=0)
    picked = np.take_along_axis(values, np.maximum(at, 0), axis=0)
    return np.where(at >= 0, picked, np.nan)


def held(values: Values, before: Values, ages: Instants, centres: Values) -> tuple[Values, Instants]:
    """`values` without NaN: the last reading for `HELD_ROWS` rows, then the tag's centre.

    Args:
        values: Shape (rows, tags).
        before: The last reading of each tag before these rows, shape (tags,); NaN where there was none.
        ages: How many rows ago that was, shape (tags,).
        centres: What stands in when nothing was read for long, shape (tags,).

    Returns:
        The filled values and, for each, how many rows old it is (0 where it was read), both of shape (rows, tags).
    """
    rows = np.arange(1, len(values) + 1)[:, None]
    read = np.isfinite(values)
    at = np.maximum.accumulate(np.where(read, rows, 0), axis=0)
    age = np.where(at > 0, rows - at, ages[None, :] + rows)
    stacked = np.vstack([np.where(np.isfinite(before), before, centres)[None, :], values])
    last = np.take_along_axis(stacked, at, axis=0)
    return np.where(age <= HELD_ROWS, last, centres[None, :]), age
