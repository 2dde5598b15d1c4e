"""What a plant that is watched is, and how it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.detect.plant.model import PlantModel


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant to watch.

    Attributes:
        name: Its name.
        model: The model that judges.
        words: The words that tags show in place of numbers.
        digest: Of the model's file: another one is another model.
        units: In which unit each tag was learnt, where that is known.
    """

    name: str
    model: PlantModel
    words: Mapping[str, Sequence[str]]
    digest: str
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Now:
    """How a plant is.

    Attributes:
        row: The time of the row that was judged last; None before the first.
        score: Its score; 1 is where the alarm begins.
        rings: Whether it rings.
        rows: How many rows the model judged.
        missing: Tags of the model that are not read.
        late: Readings that came too late.
        untimed: Readings that said a time too far from when they came, an old history mostly: they are stored and not judged.
        heard: When the last event came in whose readings counted; None before the first.
        silent: Whether its silence was told.
    """

    row: int | None
    score: float
    rings: bool
    rows: int
    missing: tuple[str, ...]
    late: int
    untimed: int
    heard: int | None
    silent: bool
