"""What the page of a plant shows: numbers and sentences, a bounded amount of them, for whoever draws it."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.advise.plant_headline import Headline
from tocsin.detect.plant.bands import Extremes
from tocsin.detect.plant.tags import TagKind
from tocsin.records.readings import Flags, Notice, Values


@dataclass(frozen=True, slots=True)
class TagPicture:
    """One tag over time.

    Attributes:
        name: As its source names it.
        kind: What moves it.
        lines: What it showed, shape (spans, 1).
        floor: The lowest that would have fitted, shape (spans,).
        ceiling: And the highest.
        alarms: The spans with a row in alarm, shape (spans,).
        ends: The lowest and highest value drawn, in words; '' where nothing was read.
        unit: What it is measured in, as its source spells it; '' where that states none.
    """

    name: str
    kind: TagKind
    lines: Extremes
    floor: Values
    ceiling: Values
    alarms: Flags
    ends: tuple[str, str]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of alarms: in words, and the tag that is most at fault, enlarged; None where none is, or no room was left.

    `worst` is the tag that the words tell of at the worst, where it is another one.
    """

    start: int
    end: int
    said: str
    picture: TagPicture | None
    worst: TagPicture | None = None


@dataclass(frozen=True, slots=True)
class PlantReport:
    """What the page of a plant shows.

    Attributes:
        headline: How the plant stands.
        start: Of the first row shown.
        end: And of the last one.
        rows: How many there are.
        alarms: How many of them are in alarm.
        stretches: Of alarms, newest first, as many as are shown.
        older: How many stretches are not.
        scores: The highest score of each span, shape (spans,); 1 is where the alarm begins. NaN where there is no row.
        ringing: The spans with a row in alarm, shape (spans,).
        span: What a span of the pictures takes, in microseconds.
        faults: Tags at fault, most first.
        unshown_faults: Names of further ones.
        others: The other tags that change, as many as are shown.
        unshown: How many further ones there are.
        constant: How many tags never change.
        notices: What else is to be told.
        promise: What is promised, and on what it rests.
        no_promise: What is not.
        learnt: What was learnt from, in a sentence.
    """

    headline: Headline
    start: int
    end: int
    rows: int
    alarms: int
    stretches: tuple[Stretch, ...]
    older: int
    scores: Values
    ringing: Flags
    span: int
    faults: tuple[TagPicture, ...]
    unshown_faults: tuple[str, ...]
    others: tuple[TagPicture, ...]
    unshown: int
    constant: int
    notices: tuple[Notice, ...]
    promise: str
    no_promise: str
    learnt: str
