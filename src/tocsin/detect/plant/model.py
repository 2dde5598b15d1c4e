"""The model of one plant: everything that `watch` needs, and what its promise rests on. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tocsin.detect.plant.conformal import Promise
from tocsin.detect.plant.drift import Drift
from tocsin.detect.plant.process import Process
from tocsin.detect.plant.quality import Quality
from tocsin.detect.plant.surprise import Scale
from tocsin.detect.plant.tags import Tag
from tocsin.records.readings import Values

VERSION: Final = "1"


@dataclass(frozen=True, slots=True)
class PlantModel:
    """A model of normal operation.

    Attributes:
        tags: What it watches, in order.
        spacing: Its pace: microseconds from row to row.
        start: When the first row that it learnt from was read.
        end: And the last one.
        rows: How many rows it learnt from.
        process: What should be there.
        by_relation: How large differences from the relations are on normal operation.
        by_subspace: And those from the subspace.
        by_balance: And those from the balances, smoothed.
        usual: The middle of normal rows' surprise: where the score begins.
        usual_tags: And of what speaks against each tag, shape (tags,).
        threshold: The score above which it rings.
        promise: What the threshold keeps, notices included.
        drift: How far slow means went on normal operation.
        quality: How bad readings were on normal operation.
        first: The first accepted model, where this one was learnt again on confirmed readings; drift is judged by it.
    """

    tags: tuple[Tag, ...]
    spacing: int
    start: int
    end: int
    rows: int
    process: Process
    by_relation: Scale
    by_subspace: Scale
    by_balance: Scale
    usual: float
    usual_tags: Values
    threshold: float
    promise: Promise
    drift: Drift
    quality: Quality
    first: PlantModel | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its tags."""
        return tuple(tag.name for tag in self.tags)
