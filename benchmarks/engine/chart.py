"""Line charts as SVG, light and dark: no more than the two that `growth` draws need."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 64, 56

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
    """Points with the name that stands beside the last of them."""

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


def chart(
    title: str, told: str, across: Axis, up: Axis, lines: Sequence[Line], limit: Line | None = None
) -> str:
    """An SVG document.

    Args:
        title: What it shows, in one line.
        told: What can be read from it, in one line: also its text for those who do not see it.
        across: From left to right.
        up: From below.
        lines: One or two.
        limit: What they should stay under.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(f"{title}. {told}")}">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="44">{escape(told)}</text>',
        *_grid(across, up),
    ]
    if limit is not None:
        parts.append(f'<path class="limit" d="{_path(limit, across, up)}"/>')
        parts.append(_name(limit, across, up, "limit-name"))
    for line, colour in zip(lines, ("one", "two"), strict=False):
        parts.append(f'<path class="line {colour}" d="{_path(line, across, up)}"/>')
        for point in line.points:
            x, y = _at(point, across, up)
            parts.append(f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
        parts.append(_name(line, across, up, colour))
    return "\n".join([*parts, "</svg>\n"])


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    for value, text in up.marks:
        y = _at((across.marks[0][0], value), across, up)[1]
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    for value, text in across.marks:
        x = _at((value, up.marks[0][0]), across, up)[0]
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(text)}</text>'
    yield f'<text x="{(_LEFT + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across.name)}</text>'
    middle = (_TOP + bottom) / 2
    yield f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{escape(up.name)}</text>'


def _at(point: tuple[float, float], across: Axis, up: Axis) -> tuple[float, float]:
    x = _LEFT + across.place(point[0]) * (WIDTH - _LEFT - _RIGHT)
    return x, HEIGHT - _BOTTOM - up.place(point[1]) * (HEIGHT - _TOP - _BOTTOM)


def _path(line: Line, across: Axis, up: Axis) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (_at(point, across, up) for point in line.points))


def _name(line: Line, across: Axis, up: Axis, colour: str) -> str:
    x, y = _at(line.points[-1], across, up)
    return f'<text class="{colour}" x="{x - 6:.1f}" y="{y - 10:.1f}" text-anchor="end">{escape(line.name)}</text>'


def marks(most: float, count: int = 5) -> list[tuple[float, str]]:
    """Even marks from 0 to somewhat over `most`, with round numbers on them."""
    step = _round_up(most / count)
    return [(step * place, f"{step * place:,g}") for place in range(math.ceil(most / step) + 1)]


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= value)
