"""The timeline's geometry: findings over time, one lane a host, as plain numbers that the template draws.

Shape and colour both tell the severity, each mark has a text of its own, and marks that would cover each other are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.records.accounts import is_address
from tocsin.records.finding import LEVELS, Finding
from tocsin.records.incident import Told
from tocsin.records.inert import inert, shortened
from tocsin.records.instants import DAY, HOUR, MINUTE, SECOND, to_datetime

WIDTH = 960
LEFT = 150
RIGHT = 24
TOP = 14
LANE = 34
FOOT = 30
_MARK = 14
"""Marks nearer than this are drawn as one."""

_STEPS = (
    SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR,
    12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 182 * DAY, 365 * DAY, 1826 * DAY, 3652 * DAY,
    36525 * DAY,
)  # fmt: skip
_TICKS = 8
_OTHERS = "other hosts"


@dataclass(frozen=True, slots=True)
class Mark:
    """Findings at one place of the picture: centre, the gravest level among them, and their text."""

    x: float
    y: float
    level: str
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One host's line."""

    y: float
    name: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One instant on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture, in units of its view box."""

    height: int
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    summary: str
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    foot: int = FOOT


def timeline(told: Sequence[Told]) -> Timeline | None:
    """The timeline of the findings that `told` rests on, None where there are none."""
    findings = [finding for one in told for finding in one.incident.findings]
    if not findings:
        return None
    lanes = _lanes(findings)
    first, last = min(f.time for f in findings), max(f.time for f in findings)
    scale = (WIDTH - LEFT - RIGHT - 2 * _MARK) / max(last - first, 1)

    def place(instant: int) -> float:
        return LEFT + _MARK + (instant - first) * scale if last > first else (LEFT + WIDTH - RIGHT) / 2

    cells: dict[tuple[str, int], list[Finding]] = {}
    for finding in sorted(findings, key=lambda one: one.time):
        lane = _lane_of(finding)
        cell = lane if lane in lanes else _OTHERS, int(place(finding.time) // _MARK)
        cells.setdefault(cell, []).append(finding)
    marks = tuple(_mark(cell, (at + 0.5) * _MARK, lanes[lane]) for (lane, at), cell in cells.items())
    drawn = tuple(Lane(y, shortened(inert(name), 20)) for name, y in lanes.items())
    return Timeline(
        TOP + LANE * len(drawn) + FOOT,
        drawn,
        marks,
        tuple(Tick(round(place(at), 1), label) for at, label in _ticks(first, last)),
        f"{len(findings):,} {'finding' if len(findings) == 1 else 'findings'} on {len(drawn)} "
        f"{'line' if len(drawn) == 1 else 'lines'}, from {_stamp(first)} to {_stamp(last)} UTC",
    )


def _lane_of(finding: Finding) -> str:
    """The short name of the host a finding is drawn at; without one the file it was read from."""
    last = finding.evidence[-1]
    host = finding.hosts[0] if finding.hosts else last.host
    if host:
        return host if is_address(host) else host.partition(".")[0] or host
    return last.source.replace("\\", "/").rpartition("/")[2] or last.source


def _lanes(findings: Sequence[Finding]) -> dict[str, float]:
    """The busiest hosts in order of their first finding, each with its height in the picture."""
    counts = Counter(_lane_of(finding) for finding in findings)
    busiest = {name for name, _ in counts.most_common(bounds.TIMELINE_LANES)}
    ordered = [_lane_of(finding) for finding in sorted(findings, key=lambda one: one.time)]
    names = [name for name in dict.fromkeys(ordered) if name in busiest]
    if len(counts) > len(names):
        names.append(_OTHERS)
    return {name: TOP + LANE * (at + 0.5) for at, name in enumerate(names)}


def _mark(cell: Sequence[Finding], x: float, y: float) -> Mark:
    gravest = max(cell, key=lambda one: LEVELS.index(one.level))
    more = f" and {len(cell) - 1:,} more" if len(cell) > 1 else ""
    title = shortened(inert(gravest.rule_title), 80)
    return Mark(round(x, 1), y, gravest.level, f"{_stamp(cell[0].time)} UTC, {gravest.level}: {title}{more}")


def _ticks(first: int, last: int) -> list[tuple[int, str]]:
    """Round instants between `first` and `last`, labelled as finely as their step."""
    span = max(last - first, 1)
    step = next((step for step in _STEPS if span / step <= _TICKS), _STEPS[-1])
    start = -(-first // step) * step
    instants = list(range(start, last + 1, step)) or [first]
    return [(at, _label(at, step)) for at in instants[: _TICKS + 1]]


def _label(instant: int, step: int) -> str:
    moment = to_datetime(instant)
    if step < MINUTE:
        return moment.strftime("%H:%M:%S")
    if step < DAY and instant % DAY:
        return moment.strftime("%H:%M")
    return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"


def _stamp(instant: int) -> str:
    moment = to_datetime(instant)
    return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d} {moment:%H:%M}"
