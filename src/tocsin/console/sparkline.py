"""The geometry of a tag's picture: what it showed as a line, what would have fitted as a band, alarms as bars on top.

Coordinates are whole units of a view box that the page stretches to the width it has, steps are relative: a picture of
some hundred spans takes a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Paths (SVG's `d`), and bars as (x, width); '' where there is nothing to draw."""

    band: str
    line: str
    outside: str
    bars: tuple[tuple[int, int], ...]
    width: int = WIDTH
    height: int = HEIGHT


def sparkline(
    low: Numbers, high: Numbers, floor: Numbers, ceiling: Numbers, alarms: Sequence[bool]
) -> Sparkline:
    """The picture of one tag; a number for each span of time, NaN where there is none.

    Args:
        low: The lowest reading.
        high: The highest reading.
        floor: Where the band begins.
        ceiling: Where it ends.
        alarms: Whether it rang.
    """
    scale = _Scale([one for part in (low, high, floor, ceiling) for one in part if isfinite(one)])
    fits = zip(low, high, floor, ceiling, strict=True)
    outside = [most > above or least < below for least, most, below, above in fits]
    return Sparkline(
        _area(floor, ceiling, [True] * len(low), scale),
        _area(low, high, [True] * len(low), scale),
        _area(low, high, outside, scale),
        tuple(_bars(alarms)),
    )


def score_line(scores: Numbers, alarms: Sequence[bool]) -> tuple[Sparkline, int]:
    """The picture of the score, and how high its threshold, 1, stands in it."""
    scale = _Scale([0.0, 1.25, *(one for one in scores if isfinite(one))])
    line = _area([0.0 if isfinite(one) else one for one in scores], scores, [True] * len(scores), scale)
    return Sparkline("", line, "", tuple(_bars(alarms))), scale.y(1.0)


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
    each = WIDTH / max(1, len(low))
    shapes = []
    for start, stop in _runs(
        [d and isfinite(a) and isfinite(b) for d, a, b in zip(drawn, low, high, strict=True)]
    ):
        upper = [(round((at + 0.5) * each), scale.y(high[at])) for at in range(start, stop)]
        lower = [(x, scale.y(low[at])) for at, (x, _) in zip(range(start, stop), upper, strict=True)]
        if stop - start == 1:  # a single span has a width too
            half = max(2, round(each / 2))
            upper = [(upper[0][0] - half, upper[0][1]), (upper[0][0] + half, upper[0][1])]
            lower = [(x, lower[0][1]) for x, _ in upper]
        shapes.append(_shape([*upper, *reversed(lower)]))
    return "".join(shapes)


def _shape(points: Sequence[tuple[int, int]]) -> str:
    """`points` as a closed path, those that lie on a straight level line left out."""
    (x, y), *_ = kept = [
        here
        for before, here, after in zip([None, *points[:-1]], points, [*points[1:], None], strict=True)
        if before is None
        or after is None
        or not before[1] == here[1] == after[1]
        or (after[0] > here[0]) != (here[0] > before[0])
    ]
    steps = []
    for to_x, to_y in kept[1:]:
        steps.append(f"{to_x - x} {to_y - y}")
        x, y = to_x, to_y
    return f"M{kept[0][0]} {kept[0][1]}l{' '.join(steps)}z".replace(" -", "-")


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
