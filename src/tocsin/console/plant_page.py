"""The page of a plant: what an operator understands in ten seconds. No script, nothing loaded from anywhere.

Its policy is that of every page (`paper.py`). Names of tags are others' words: inert, and escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from tocsin.config import bounds
from tocsin.console.paper import environment, style
from tocsin.console.sparkline import Shown, Sparkline, score_line, sparkline
from tocsin.detect.plant.tags import TagKind
from tocsin.engine.plant.picture import PlantReport, Stretch, TagPicture
from tocsin.records.inert import inert, shortened

NAME_CHARS = 64

_KINDS = {
    TagKind.CONSTANT: "never changed",
    TagKind.DISCRETE: "states",
    TagKind.COUNTER: "what it gains",
    TagKind.SETPOINT: "setpoint",
    TagKind.CONTINUOUS: "",
}


@dataclass(frozen=True, slots=True)
class _Chart:
    """One tag as the page draws it."""

    name: str
    about: str
    start: int
    end: int
    ends: tuple[str, str]
    lines: Sparkline
    alt: str


@dataclass(frozen=True, slots=True)
class _Alarm:
    """A stretch of alarms as the page tells it."""

    start: int
    end: int
    said: str
    charts: tuple[_Chart, ...]


def render_plant_page(report: PlantReport, generated: int, title: str = "Plant") -> str:
    """The page as HTML text, UTF-8 when written.

    Args:
        report: What it shows.
        generated: When it was made (instant).
        title: What the plant is called.
    """
    text, digest = style("page.css", "plant.css")
    scores, threshold = score_line(report.scores.tolist(), report.ringing.tolist())
    most = max([1.25, *(one for one in report.scores.tolist() if isfinite(one))])
    told = report.notices[: bounds.PLANT_PICTURE_NOTICES]
    page = environment().get_template("plant.html").render(
        style=text, digest=digest, report=report, title=shortened(inert(title), NAME_CHARS), scores=scores, threshold=threshold, most=f"{most:.3g}",
        alarms=[_alarm(one) for one in report.stretches], faults=[_chart(one) for one in report.faults],
        others=[_chart(one) for one in report.others], notices=told, unsaid=len(report.notices) - len(told),
        generated=generated,
    )  # fmt: skip
    return page.encode("utf-8", "replace").decode("utf-8")


def _alarm(one: Stretch) -> _Alarm:
    charts = tuple(_chart(picture) for picture in (one.picture, one.worst) if picture)
    return _Alarm(one.start, one.end, one.said, charts)


def _chart(one: TagPicture) -> _Chart:
    name, lines = shortened(inert(one.name), NAME_CHARS), one.lines
    parts = (lines.low, lines.high, lines.middle)
    low, high, middle = (part[:, 0].tolist() for part in parts)
    shown = Shown(
        low, high, middle, one.floor.tolist(), one.ceiling.tolist(), lines.outside[:, 0].tolist(), one.alarms.tolist()
    )  # fmt: skip
    drawn = sparkline(shown)
    unit = shortened(inert(one.unit), bounds.HISTORIAN_UNIT_CHARS)
    about = ", ".join(filter(None, (unit, _KINDS[one.kind])))
    return _Chart(name, about, lines.start, lines.end, one.ends, drawn, _alt(name, one, drawn, unit))


def _alt(name: str, one: TagPicture, drawn: Sparkline, unit: str) -> str:
    """What the picture shows, for those who cannot see it."""
    if not drawn.line:
        return f"{name}: nothing was read."
    said = f"{name}, between {one.ends[0]} and {one.ends[1]}{f' {unit}' if unit else ''}"
    said += (
        "; at times outside what fits the other tags"
        if drawn.outside
        else "; always within what fits the other tags"
    )
    return (
        f"{said}; in alarm {len(drawn.bars)} {'time' if len(drawn.bars) == 1 else 'times'}."
        if drawn.bars
        else f"{said}."
    )
