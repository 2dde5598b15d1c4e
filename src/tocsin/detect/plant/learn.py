"""Learning a plant: `learn(readings, …) -> PlantModel`. Deterministic, whatever the number of threads.

Every difference that a scale rests on is out of fold: of rows that the process which judged them had not seen. Every
score that the threshold rests on is out of fold twice: its scale had not seen its row either. (A scale fitted to the
rows that it then judges made a promised 20% of a chemical plant's hours 52%: with many tags and few rows, some tail is
always too short for the next day.) Folds are contiguous, because the rows beside a row give it away (DESIGN section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant import conformal
from tocsin.detect.plant.drift import fit_drift
from tocsin.detect.plant.grid import on_grid, spacing_of
from tocsin.detect.plant.limits import stands_of
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.process import Differences, fit_process
from tocsin.detect.plant.quality import Measures, Quality, aligned, fit_quality
from tocsin.detect.plant.score import row_surprises, smoothed, tag_surprises
from tocsin.detect.plant.surprise import FLOOR, fit_scale
from tocsin.detect.plant.tags import Tag, TagKind, tags_of
from tocsin.detect.plant.view import Looked, View
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.records.readings import Flags, Readings, Values

FOLDS: Final = 5

LEAST_ROWS: Final = 200
"""Fewer rows show nothing that could be relied on."""


def learn(readings: Readings, budget: float, threads: int) -> PlantModel:
    """The model of the plant whose normal operation `readings` show.

    Args:
        readings: Normal operation only.
        budget: Share of blocks (weeks, where there are enough) that may be interrupted, 0 to 1.
        threads: How many threads learn; the model is the same.

    Raises:
        OperatorError: they are too few, or nothing in them moves.
    """
    spacing = spacing_of(readings.times)
    even = on_grid(readings, spacing) if spacing else readings
    tags = tags_of(even)
    _refuse_what_cannot_be_learnt(even, tags)
    looked = View(tags).look(even.values)
    folds = _folds(len(even))
    found = _out_of_fold(tags, looked, folds, threads)
    process = fit_process(tags, looked, threads)
    floors = np.maximum(FLOOR, np.array([tags[at].step / tags[at].spread / 2 for at in process.moving]))
    by_relation, by_subspace = fit_scale(found.by_relation, floors), fit_scale(found.by_subspace, floors)
    by_tag, rows = _surprises(found, process.moving, floors, folds)
    usual = float(np.median(rows))
    scores = smoothed(rows, np.array(usual))
    unit, length = conformal.block_of(even.times)
    tails = np.concatenate([by_subspace.tail, by_relation.tail])
    drift, drifted = fit_drift(found, tails, length // spacing, folds)
    quality, worst = _quality(tags, even, looked, spacing, folds)
    maxima = conformal.block_maxima(even.times, scores, length, spacing)
    drifts = conformal.block_maxima(even.times, np.maximum(drifted, worst), length, spacing)
    promise = conformal.promise_of(unit, len(maxima), budget)
    ringing, told = conformal.shared_out(maxima, drifts, promise.interruptions)
    threshold = conformal.bounded(ringing, scores)
    promise = replace(promise, by_alarm=int((maxima > threshold).sum()), by_notice=int((drifts > told).sum()))
    return PlantModel(
        tags, spacing, int(even.times[0]), int(even.times[-1]), len(even), process, by_relation, by_subspace,
        usual, np.median(by_tag, axis=0), threshold, promise,
        replace(drift, limit=told), replace(quality, limits=quality.limits * told),
    )  # fmt: skip


def recalibrate(model: PlantModel, confirmed: Readings, threads: int) -> PlantModel:
    """A model of readings that somebody confirmed to be normal, with the first accepted model frozen beside it.

    Args:
        model: The model in use.
        confirmed: All confirmed readings that the new model is to know, the old ones too; never anything else, or an
            attack that is slow enough becomes normal.
        threads: As in `learn`.

    Raises:
        OperatorError: they are too few, or readings of another plant or pace.
    """
    if set(confirmed.tags) != set(model.names):
        raise OperatorError(
            "The confirmed readings do not have the tags of the model.",
            "Learn a new model where tags came or went: this one cannot be judged beside it.",
        )
    pace = spacing_of(confirmed.times)
    if pace != model.spacing:
        raise OperatorError(
            f"The confirmed readings come every {pace / SECOND:g} s, the model's every {model.spacing / SECOND:g} s.",
            "Export them at the pace of the readings that were learnt.",
        )
    known, _, _ = aligned(model.names, confirmed)
    return replace(learn(known, model.promise.asked, threads), first=model.first or model)


def _quality(
    tags: Sequence[Tag], even: Readings, looked: Looked, spacing: int, folds: Sequence[Flags]
) -> tuple[Quality, Values]:
    """How bad readings are on normal operation, and how near each row is to a notice by what the other folds showed."""
    measures = Measures(tags, spacing).measure(even.times, looked)
    worst = np.zeros(len(measures))
    for inside in folds:
        worst[inside] = fit_quality(measures[~inside]).shares(measures[inside]).max(axis=1)
    return fit_quality(measures), worst


def _refuse_what_cannot_be_learnt(readings: Readings, tags: Sequence[Tag]) -> None:
    if len(readings) < LEAST_ROWS:
        raise OperatorError(
            f"There are {len(readings)} rows, and a plant cannot be learnt from fewer than {LEAST_ROWS}.",
            "Export a longer stretch of normal operation: a year by the hour is good, some weeks by the minute will do.",
        )
    if all(tag.kind is TagKind.CONSTANT for tag in tags):
        raise OperatorError(
            "No tag ever changes.", "Check that the export holds values and not a repeated first row."
        )


def _folds(rows: int) -> list[Flags]:
    """For each fold, which of the rows are in it."""
    bounds = np.linspace(0, rows, FOLDS + 1).astype(int)
    at = np.arange(rows)
    return [(at >= start) & (at < stop) for start, stop in pairwise(bounds)]


def _out_of_fold(tags: Sequence[Tag], looked: Looked, folds: Sequence[Flags], threads: int) -> Differences:
    """The differences of every row from a process that was learnt without its fold."""
    stands = stands_of(looked.values, looked.before, np.zeros(len(tags), np.int64))
    parts = [
        fit_process(tags, _picked(looked, ~inside), threads).differences(
            _picked(looked, inside), stands[inside]
        )
        for inside in folds
    ]
    return Differences(
        np.concatenate([part.by_relation for part in parts]),
        np.concatenate([part.by_subspace for part in parts]),
        np.concatenate([part.by_rule for part in parts]),
    )


def _surprises(
    found: Differences, moving: NDArray[np.int64], floors: Values, folds: Sequence[Flags]
) -> tuple[Values, Values]:
    """The surprises of every tag and row, shapes (rows, tags) and (rows,), by scales fitted without the row's fold."""
    by_tag, rows = np.empty_like(found.by_rule), np.empty(len(found.by_rule))
    for inside in folds:
        own = Differences(found.by_relation[inside], found.by_subspace[inside], found.by_rule[inside])
        by_tag[inside] = tag_surprises(own, moving, fit_scale(found.by_relation[~inside], floors))
        together = fit_scale(found.by_subspace[~inside], floors).surprises(own.by_subspace)
        rows[inside] = row_surprises(by_tag[inside], together)
    return by_tag, rows


def _picked(looked: Looked, rows: Flags) -> Looked:
    return replace(looked, values=looked.values[rows], before=looked.before[rows], ages=looked.ages[rows])
