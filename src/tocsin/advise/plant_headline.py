"""A plant in one sentence: all is as learnt, or since when what is off. What an operator reads first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tocsin.advise.phrases import counted, listed, name, when


class Standing(StrEnum):
    """How a plant stands at the end of what was judged."""

    NOTHING = "nothing"
    QUIET = "quiet"
    TOLD = "told"
    OVER = "over"
    RINGS = "rings"


@dataclass(frozen=True, slots=True)
class Rang:
    """A stretch of alarms: the instants of its first and last row in alarm, and the tags at fault, most first."""

    start: int
    end: int
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Headline:
    """How it stands, and one sentence that says so."""

    standing: Standing
    said: str


def headline(start: int, end: int, rang: Sequence[Rang], notices: int, *, rings: bool) -> Headline:
    """What is to be said of the rows between the instants `start` and `end`.

    Args:
        start: Of the first row judged.
        end: And of the last one; before `start` where there is none.
        rang: The stretches of alarms, oldest first.
        notices: How many notices of drift, data quality or missing tags there are.
        rings: Whether the last row is in alarm.
    """
    if end < start:
        return Headline(Standing.NOTHING, "Nothing was judged: there is no row in this time.")
    if rang and rings:
        return Headline(
            Standing.RINGS, f"Since {when(rang[-1].start)}, {_off(rang[-1])}.{_before(len(rang) - 1)}"
        )
    if rang:
        often = "once" if len(rang) == 1 else f"{len(rang):,} times, the last time"
        return Headline(
            Standing.OVER,
            f"Quiet again since {when(rang[-1].end)}; it rang {often} because {_off(rang[-1], past=True)}.",
        )
    told = f"No alarm from {when(start)} to {when(end)}"
    if notices:
        return Headline(
            Standing.TOLD,
            f"{told}; {counted(notices, 'notice')} of drift or data quality {'needs' if notices == 1 else 'need'} a look.",
        )
    return Headline(Standing.QUIET, f"All is as learnt, from {when(start)} to {when(end)}.")


def _off(rang: Rang, *, past: bool = False) -> str:
    if not rang.tags:
        return f"all tags together {'were' if past else 'are'} out of step"
    verb = "did" if past else "does" if len(rang.tags) == 1 else "do"
    return f"{listed([name(one) for one in rang.tags])} {verb} not fit the other tags"


def _before(others: int) -> str:
    return f" It rang {counted(others, 'time')} before." if others else ""
