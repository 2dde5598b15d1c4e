"""What a plant shows, in sentences: which tag stopped doing what it does, the promise, and what cannot be promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal

from tocsin.advise.phrases import counted, listed, name, quoted, when
from tocsin.records.inert import inert, shortened

Unit = Literal["week", "day", "hour"]

_MOST_BLOCKS: Final = 100_000
"""Blocks that nobody has; hours of eleven years."""

_ALL: Final = 0.995
"""A share of blocks that is all of them, as it is told."""

_UNIT_CHARS: Final = 24


_NOTICES: Final = {
    "drift": "{of} has drifted by {at}: its slow mean is {amount:.1f} times the largest on normal operation.",
    "missing": "{of} was not read for {amount:,.0f} rows by {at}: where the other tags say that it is, it is taken to be.",
    "coarse": "{of} has lost digits: by {at} its last {amount:,.0f} changes ended on a step five times as coarse.",
    "gap": "{amount:,.0f} rows are missing before {at}.",
    "repeated": "By {at} the last {amount:,.0f} rows are the same as rows before, in their order: a replay or a stuck export.",
    "aside": "{of} is left out of the score from {at} on: it did not fit the other tags for {amount:,.0f} days. Until it has fitted them for as long, or the "
    "plant is learnt anew, only the others are watched.",
    "clock": "At {at} the clock goes back by {amount:,.6g} s.",
    "silent": "No reading that counts came since {at}: {amount:,.0f} rows are missing so far.",
    "late": "A reading of {at} came {amount:,.0f} s behind the newest one, after its row was judged: it does not count.",
    "untimed": "Readings that came at {at} say a time more than 7 days before that, or 10 minutes after: such ones are stored and never judged. "
    "If they are an older history, export it from the historian and judge it with `tocsin plant watch`; if they are of now, mend their clock.",
    "new": "{of} is read since {at}, and the model does not know it: it is not watched.",
    "gone": "{of} is not among what is read since {at}.",
    "failed": "An error of Tocsin's ({of}) stopped the judging at {at}; it began anew, and knows nothing of the rows before. Please report it.",
}


@dataclass(frozen=True, slots=True)
class TagShown:
    """One tag at one instant, as it is told.

    Attributes:
        tag: Its name.
        shown: What it showed, in its unit; for a counter, what it gained since the row before.
        expected: What would fit the other tags; NaN where that is not known.
        step: The step at which it is looked at; 0 for states.
        low: Its lowest reading on normal operation.
        high: And the highest.
        counter: Whether it counts.
        states: The values that it had, where it has states; () otherwise.
        words: What it says for each state's number, where it speaks.
        unit: As its source spells it; "" where it states none.
    """

    tag: str
    shown: float
    expected: float
    step: float
    low: float
    high: float
    counter: bool = False
    states: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Promised:
    """What a model promises of normal operation.

    Attributes:
        unit: What is counted.
        blocks: How many of them it rests on.
        asked: The share of them that may be interrupted, by an alarm or a notice, as asked; 0 to 1.
        kept: And as promised.
        least: The least share that so many can promise.
        needed: How many of them `asked` needs.
    """

    unit: Unit
    blocks: int
    asked: float
    kept: float
    least: float
    needed: int


def why(tags: Sequence[TagShown]) -> str:
    """Why a row rings, from the tags at fault, most first: one sentence without a full stop; '' where none is known."""
    if not tags:
        return ""
    first, *others = tags
    return deviation(first) + _others(others)


def _others(others: Sequence[TagShown]) -> str:
    """What is said of the tags after the first."""
    if not others:
        return ""
    return f" (also out of step: {listed([name(one.tag) for one in others])})"


def deviation(one: TagShown) -> str:
    """What a tag showed and what it should have shown by the others."""
    tag, shows = name(one.tag), "gains" if one.counter else "shows"
    if not isfinite(one.shown):
        return f"{tag} shows nothing"
    value = reading(one, one.shown)
    if one.states and not any(abs(one.shown - state) <= 1e-9 + 0.05 * abs(state) for state in one.states):
        return f"{tag} {shows} {value}, which it never did on normal operation"
    fit = reading(one, _nearest(one, one.expected)) if isfinite(one.expected) else value
    if fit != value:
        return f"{tag} {shows} {value} where {fit} would fit the other tags"
    if one.shown > one.high or one.shown < one.low:
        bound, side = (one.high, "above") if one.shown > one.high else (one.low, "below")
        return f"{tag} {shows} {value} and never was {side} {reading(one, bound)} on normal operation"
    return f"{tag} {shows} {value}: no single reading is off, but its course is"


def promise(promised: Promised, spacing_seconds: float) -> str:
    """The promise in words, and what cannot be promised."""
    unit, blocks = promised.unit, counted(promised.blocks, promised.unit)
    shares = f"at most {_percent(promised.kept)} of {unit}s, or one {unit} in {1 / promised.kept:.3g}, have"
    said = (
        f"On normal operation like that which was learnt, {shares if promised.kept < _ALL else f'every {unit} may have'} an alarm or a "
        f"notice, on average. This rests on {blocks} of normal operation at one row "
        f"every {_duration(spacing_seconds)}; {blocks} cannot promise less than {_percent(promised.least)}."
    )
    if promised.kept > max(promised.asked, promised.least):
        said += (
            f" You asked for {_percent(promised.asked)}: in more of these {unit}s a tag had to be set aside, because it did not fit the others "
            "for days. Learn from a stretch without such faults."
        )
    elif promised.kept > promised.asked and promised.needed >= _MOST_BLOCKS:
        said += f" You asked for {_percent(promised.asked)}: no history is long enough for that."
    elif promised.kept > promised.asked:
        said += f" You asked for {_percent(promised.asked)}: learn from at least {counted(promised.needed, unit)} for that."
    return said


def no_promise() -> str:
    """What no promise is made of."""
    return (
        "Nothing is promised for a plant that has changed since, and nothing about attacks that leave every relation "
        "between the tags as it was."
    )


def episode(start: int, end: int, rows: int, tags: Sequence[str], reason: str) -> str:
    """A stretch of alarms in one sentence; `reason` is what `why` said of its worst row."""
    span = f"At {when(start)}" if start == end else f"From {when(start)} to {when(end)}"
    about = (
        f"{listed([name(one) for one in tags])} did not fit the other tags"
        if tags
        else "all tags together were out of step"
    )
    at_worst = f" At the worst, {reason}." if reason else ""
    return f"{span} ({counted(rows, 'row')} in alarm), {about}.{at_worst}"


def notice(kind: str, tag: str, time: int, amount: float) -> str:
    """What is told once beside the rows, in a sentence; kinds and amounts as a watcher of plants gives them."""
    said = _NOTICES.get(kind, "{of}: {kind} at {at}.")
    return said.format(of=name(tag), kind=name(kind), at=when(time), amount=amount)


def reading(one: TagShown, value: float) -> str:
    """A reading with as many decimals as its tag has, in its unit; a state in its own word."""
    if one.words and value == int(value) and 0 <= int(value) < len(one.words):
        return quoted(one.words[int(value)])
    return _digits(one, value) + _measured(one.unit)


def _measured(unit: str) -> str:
    """A unit as it follows a number; in quotes where it is several words, which a file could have for a sentence of ours."""
    said = shortened(inert(unit), _UNIT_CHARS)
    if " " in said:
        return f" {quoted(said)}"
    return said if not said or said[0] in "%°" else f" {said}"


def _digits(one: TagShown, value: float) -> str:
    if one.step <= 0:
        return f"{value:.6g}"
    decimals = 0
    while decimals < 9 and one.step < 0.999 * 10.0**-decimals:
        decimals += 1
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _nearest(one: TagShown, value: float) -> float:
    return min(one.states, key=lambda state: abs(state - value)) if one.states else value


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < _ALL else "all"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return unit if seconds == size else counted(int(seconds // size), unit)
    return "second" if seconds == 1 else f"{seconds:g} seconds"
