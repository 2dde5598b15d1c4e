"""The geometry of a tag's picture: what it showed as a line, what would have fitted as a band, alarms as bars on top.

Coordinates are whole units of a view box that the page stretches to the width it has, steps are relative: a picture of
some hundred spans takes a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Final

WIDTH: Final = 1280
HEIGHT: Final = 240
TOP: Final = 24
"""Room for the bars of alarms."""

FOOT: Final = 8

LEAST_BAR: Final = 6
"""No bar is narrower, or nobody would see an alarm of one row in a year."""

Numbers = Sequence[float]


OUTSIDE: Final = 1 / 3
"""A span of time stands out where so many of its readings lie outside the band: by chance one in a hundred does."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One tag over time: a number for each span, NaN where there is none.

    Attributes:
        low: The lowest reading.
        high: The highest reading.
        middle: Their mean.
        floor: Where the band of what fits begins.
        ceiling: Where it ends.
        outside: The share of readings outside of it.
        alarms: Whether it rang.
    """

    low: Numbers
    high: Numbers
    middle: Numbers
    floor: Numbers
    ceiling: Numbers
    outside: Numbers
    alarms: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Paths (SVG's `d`), and bars as (x, width); '' where there is nothing to draw."""

    band: str
    range: str
    line: str
    outside: str
    bars: tuple[tuple[int, int], ...]
    width: int = WIDTH
    height: int = HEIGHT


def sparkline(shown: Shown) -> Sparkline:
    """The picture of one tag."""
    parts = (shown.low, shown.high, shown.floor, shown.ceiling)
    scale = _Scale([one for part in parts for one in part if isfinite(one)])
    everywhere = [True] * len(shown.low)
    ranged = any(high > low for low, high in zip(shown.low, shown.high, strict=True))
    return Sparkline(
        _area(shown.floor, shown.ceiling, everywhere, scale),
        _area(shown.low, shown.high, everywhere, scale) if ranged else "",
        _line(shown.middle, everywhere, scale),
        _line(shown.middle, [one >= OUTSIDE for one in shown.outside], scale),
        tuple(_bars(shown.alarms)),
    )


def score_line(scores: Numbers, alarms: Sequence[bool]) -> tuple[Sparkline, int]:
    """The picture of the score, and how high its threshold, 1, stands in it."""
    scale = _Scale([0.0, 1.25, *(one for one in scores if isfinite(one))])
    everywhere = [True] * len(scores)
    under = _area([0.0 if isfinite(one) else one for one in scores], scores, everywhere, scale)
    return Sparkline("", under, _line(scores, everywhere, scale), "", tuple(_bars(alarms))), scale.y(1.0)


class _Scale:
    """From a tag's unit to the picture's."""

    def __init__(self, drawn: Sequence[float]) -> None:
        self._least, most = (min(drawn), max(drawn)) if drawn else (0.0, 0.0)
        self._flat = (
            not most / 2 > self._least / 2
        )  # halves: the difference of two large numbers may overflow
        self._size = 1.0 if self._flat else most / 2 - self._least / 2

    def y(self, value: float) -> int:
        """How far below the top `value` stands."""
        share = 0.5 if self._flat else (value / 2 - self._least / 2) / self._size
        return round(HEIGHT - FOOT - share * (HEIGHT - FOOT - TOP))


def _area(low: Numbers, high: Numbers, drawn: Sequence[bool], scale: _Scale) -> str:
    """What lies between both, as one closed shape for each run of spans that are `drawn` and have numbers."""
    wanted = [one and isfinite(a) and isfinite(b) for one, a, b in zip(drawn, low, high, strict=True)]
    return "".join(
        _path([*_points(high, start, stop, scale), *reversed(_points(low, start, stop, scale))]) + "z"
        for start, stop in _runs(wanted)
    )


def _line(values: Numbers, drawn: Sequence[bool], scale: _Scale) -> str:
    """A line through each run of spans that are `drawn` and have numbers."""
    wanted = [one and isfinite(value) for one, value in zip(drawn, values, strict=True)]
    return "".join(_path(_points(values, start, stop, scale)) for start, stop in _runs(wanted))


def _points(values: Numbers, start: int, stop: int, scale: _Scale) -> list[tuple[int, int]]:
    """Where the spans from `start` to `stop` stand; a single one is as wide as it is."""
    each = WIDTH / len(values)
    if stop - start == 1:
        middle, half, y = (start + 0.5) * each, max(2.0, each / 2), scale.y(values[start])
        return [(round(middle - half), y), (round(middle + half), y)]
    return [(round((at + 0.5) * each), scale.y(values[at])) for at in range(start, stop)]


def _path(points: Sequence[tuple[int, int]]) -> str:
    """`points` as a path, those within a level line left out."""
    kept = [
        here
        for before, here, after in zip([None, *points[:-1]], points, [*points[1:], None], strict=True)
        if before is None
        or after is None
        or not before[1] == here[1] == after[1]
        or _turns(before, here, after)
    ]
    steps = [f"{x - from_x} {y - from_y}" for (from_x, from_y), (x, y) in pairwise(kept)]
    return f"M{kept[0][0]} {kept[0][1]}l{' '.join(steps)}".replace(" -", "-")


def _turns(before: tuple[int, int], here: tuple[int, int], after: tuple[int, int]) -> bool:
    return (after[0] > here[0]) != (here[0] > before[0])


def _bars(alarms: Sequence[bool]) -> Iterator[tuple[int, int]]:
    each = WIDTH / max(1, len(alarms))
    for start, stop in _runs(alarms):
        width = max(LEAST_BAR, round((stop - start) * each))
        yield min(round(start * each), WIDTH - width), width


def _runs(wanted: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The first place of each run of True, and the one after its last."""
    start = None
    for at, one in enumerate([*wanted, False]):
        if one and start is None:
            start = at
        elif not one and start is not None:
            yield start, at
            start = None
