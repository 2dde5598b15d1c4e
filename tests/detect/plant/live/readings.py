"""Readings of made-up plants as the events that a service judges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from tocsin.records.event import Event, Logsource
from tocsin.records.instants import SECOND
from tocsin.records.readings import Readings

START = 1_790_000_000 * SECOND // (3_600 * SECOND) * 3_600 * SECOND


def event(
    seq: int, instant: int, readings: dict[str, object], came: int | None = None, plant: str = "works"
) -> Event:
    """One line of the protocol, as `sources` makes an event of it."""
    shown = ",".join(f"{key}={value}" for key, value in readings.items())
    fields = {"plant": plant, "measurement": "plant", "tags": {}, "readings": readings}
    return Event(
        "s", seq, instant, instant + SECOND if came is None else came, frozenset({Logsource("plant", None, plant)}), fields,
        f"plant {shown} {instant * 1000}", "plant:shipper", "line-protocol", kind=f"plant/{plant}", auth="token",
    )  # fmt: skip


def rows(readings: Readings, start: int = START) -> Iterator[tuple[int, dict[str, object]]]:
    """Each row's instant, moved to begin at `start`, and what was read."""
    first = int(readings.times[0])
    for time, values in zip(readings.times.tolist(), readings.values.tolist(), strict=True):
        shown = {
            tag: value for tag, value in zip(readings.tags, values, strict=True) if not math.isnan(value)
        }
        yield start + time - first, shown


def events(readings: Readings, start: int = START, *, by_tag: bool = False) -> Sequence[Event]:
    """`readings` as events: one a row, or one a reading."""
    found: list[Event] = []
    for instant, shown in rows(readings, start):
        for part in [{tag: value} for tag, value in shown.items()] if by_tag else [shown]:
            found.append(event(len(found), instant, part))
    return found


def lying(readings: Readings, first: int, last: int, column: int, by: float) -> Readings:
    """The same with a sensor that shows so much more from row `first` up to `last`."""
    values = readings.values.copy()
    values[first:last, column] += by
    return Readings(readings.tags, readings.times, np.round(values, 3))
