"""A model learnt again on confirmed readings, and what a careful operator wants to know before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.advise.plant import reading
from tocsin.detect.plant.balance import Tank
from tocsin.detect.plant.learn import recalibrate as learn_again
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import NoticeKind
from tocsin.engine.plant.model_file import Kept
from tocsin.engine.plant.telling import Telling
from tocsin.engine.plant.watching import watch
from tocsin.records.inert import inert
from tocsin.records.readings import Readings

MOVED: Final = 0.5
"""Spreads by which a tag's middle must have moved for it to be told."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A tag whose middle moved: by how many spreads of the old model, and where it was and is, in words."""

    tag: str
    spreads: float
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """A model learnt again.

    Attributes:
        model: The new model; the first accepted one is beside it.
        rings: How often the first accepted model rings in the readings that were confirmed.
        drifts: The tags that it finds drifting there.
        moved: Tags whose middle is elsewhere than in the first accepted model, the farthest first.
    """

    model: PlantModel
    rings: int
    drifts: tuple[str, ...]
    moved: tuple[Moved, ...]


def recalibrate(kept: Kept, confirmed: Readings, threads: int) -> Recalibrated:
    """The model of `kept` learnt again on `confirmed`, with the same budget and balances; the same whatever the `threads`.

    Raises:
        OperatorError: they are too few, or readings of another plant or pace.
    """
    old = kept.model
    model = learn_again(old, confirmed, threads, tanks_of(old))
    first = model.first or old
    watched = watch(first, confirmed)
    drifts = [one.tag for one in watched.judged.notices if one.kind is NoticeKind.DRIFT]
    return Recalibrated(
        model, len(watched.episodes), tuple(dict.fromkeys(drifts)), _moved(kept, first, model)
    )


def tanks_of(model: PlantModel) -> tuple[Tank, ...]:
    """The tanks that `model` accounts for, with the numbers it has: readings of another year do not change a tank."""
    names = model.names
    found = []
    for one in model.process.balances:
        out = np.signbit(one.weights)
        inflows, outflows = one.flows[~out], one.flows[out]
        found.append(
            Tank(
                names[one.level], _named(names, inflows), _named(names, outflows),
                tuple(one.weights[~out].tolist()), tuple((-one.weights[out]).tolist()),
            )
        )  # fmt: skip
    return tuple(found)


def _named(names: tuple[str, ...], columns: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(names[column] for column in columns)


def _moved(kept: Kept, old: PlantModel, new: PlantModel) -> tuple[Moved, ...]:
    at, telling = {tag.name: tag for tag in new.tags}, Telling(old, kept.spelling)
    found = []
    for column, was in enumerate(old.tags):
        now = at.get(was.name)
        if now is None or abs(now.centre - was.centre) < MOVED * was.spread:
            continue
        shown = telling.shown(column, was.centre, was.centre)
        spreads = (now.centre - was.centre) / was.spread
        found.append(Moved(inert(was.name), spreads, reading(shown, was.centre), reading(shown, now.centre)))
    return tuple(sorted(found, key=lambda one: -abs(one.spreads)))
