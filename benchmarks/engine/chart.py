"""Line charts as SVG, light and dark: no more than the two that `growth` draws need."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH = 640
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 60, 52
_PLOT = 190
"""Height of a panel's plot."""

_PANEL = _PLOT + _BOTTOM + 22

_STYLE = """
  svg { --back: #fff; --ink: #1d232b; --soft: #59636e; --grid: #e3e6ea; --one: #0b63ce; --two: #b35300; background: var(--back) }
  @media (prefers-color-scheme: dark) {
    svg { --back: #14181d; --ink: #e8ebef; --soft: #a3adb8; --grid: #2c333b; --one: #6cb2ff; --two: #ffb066 }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--soft) }
  .title { font-size: 16px; font-weight: 600; fill: var(--ink) }
  .grid { stroke: var(--grid) }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .one { stroke: var(--one) } .two { stroke: var(--two) }
  .dot.one, text.one { fill: var(--one); stroke: none } .dot.two, text.two { fill: var(--two); stroke: none }
  .limit { stroke: var(--soft); stroke-dasharray: 5 5; fill: none }
"""


@dataclass(frozen=True, slots=True)
class Line:
    """Points, with the name that stands at the last of them."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its marks with their texts, from the first to the last of which it reaches.

    Attributes:
        name: What it says, with the unit.
        logarithmic: Whether equal steps are equal ratios.
    """

    name: str
    marks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where `value` lies: 0 at the first mark, 1 at the last."""
        scale: Callable[[float], float] = math.log10 if self.logarithmic else float
        first, last = scale(self.marks[0][0]), scale(self.marks[-1][0])
        return (scale(value) - first) / (last - first)


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot.

    Attributes:
        across: From left to right.
        up: From below.
        lines: One or two.
        limits: What they should stay under; named at their start.
    """

    across: Axis
    up: Axis
    lines: Sequence[Line]
    limits: Sequence[Line] = field(default=())

    def drawn(self) -> Iterator[str]:
        """Its elements; its plot begins at the height 0."""
        yield from self._grid()
        for line in self.limits:
            x, y = self._at(line.points[0])
            yield f'<path class="limit" d="{self._path(line)}"/>'
            yield f'<text x="{x + 8:.1f}" y="{y - 7:.1f}">{escape(line.name)}</text>'
        for line, colour in zip(self.lines, ("one", "two"), strict=False):
            yield f'<path class="line {colour}" d="{self._path(line)}"/>'
            for x, y in map(self._at, line.points):
                yield f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
            x, y = self._at(line.points[-1])
            yield f'<text class="{colour}" x="{x - 6:.1f}" y="{y - 10:.1f}" text-anchor="end">{escape(line.name)}</text>'

    def _grid(self) -> Iterator[str]:
        right, lowest = WIDTH - _RIGHT, self.up.marks[0][0]
        for value, text in self.up.marks:
            y = self._at((self.across.marks[0][0], value))[1]
            yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
            yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        for value, text in self.across.marks:
            x = self._at((value, lowest))[0]
            yield f'<path class="grid" d="M{x:.1f} 0V{_PLOT}"/>'
            yield f'<text x="{x:.1f}" y="{_PLOT + 18}" text-anchor="middle">{escape(text)}</text>'
        middle = (_LEFT + right) / 2
        yield f'<text x="{middle}" y="{_PLOT + 40}" text-anchor="middle">{escape(self.across.name)}</text>'
        turned = f'transform="translate(16 {_PLOT / 2}) rotate(-90)" text-anchor="middle"'
        yield f"<text {turned}>{escape(self.up.name)}</text>"

    def _at(self, point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + self.across.place(point[0]) * (WIDTH - _LEFT - _RIGHT)
        return x, _PLOT - self.up.place(point[1]) * _PLOT

    def _path(self, line: Line) -> str:
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in map(self._at, line.points))


def chart(title: str, told: str, panels: Sequence[Panel]) -> str:
    """An SVG document.

    Args:
        title: What it shows, in one line.
        told: What can be read from it, in one line: also its text for those who do not see it.
        panels: From above.
    """
    height = _TOP + len(panels) * _PANEL - 12
    name = escape(f"{title}. {told}")
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="16" y="24">{escape(title)}</text>',
        f'<text x="16" y="44">{escape(told)}</text>',
    ]
    for place, panel in enumerate(panels):
        parts += [f'<g transform="translate(0 {_TOP + 6 + place * _PANEL})">', *panel.drawn(), "</g>"]
    return "\n".join([*parts, "</svg>\n"])


def marks(most: float, count: int = 5) -> list[tuple[float, str]]:
    """Even marks from 0 to somewhat over `most`, with round numbers on them."""
    step = _round_up(most / count)
    return [(step * place, f"{step * place:,g}") for place in range(math.ceil(most / step) + 1)]


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= value)
