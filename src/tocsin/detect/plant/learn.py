"""Learning a plant: `learn(readings, …) -> PlantModel`. Deterministic, whatever the number of threads.

Everything that a scale or the threshold rests on is out of fold (`folds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tocsin.config import bounds
from tocsin.detect.plant import conformal
from tocsin.detect.plant.balance import Tank, check_tank
from tocsin.detect.plant.folds import out_of_fold
from tocsin.detect.plant.grid import on_grid, spacing_of
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.process import fit_process
from tocsin.detect.plant.score import smoothed
from tocsin.detect.plant.tags import Tag, TagKind, tags_of, without_wild
from tocsin.detect.plant.view import late_of, look_whole
from tocsin.records.errors import OperatorError
from tocsin.records.readings import Readings

LEAST_ROWS: Final = 200
"""Fewer rows show nothing that could be relied on."""


def learn(readings: Readings, budget: float, threads: int, balances: Sequence[Tank] = ()) -> PlantModel:
    """The model of the plant whose normal operation `readings` show.

    Args:
        readings: Normal operation only.
        budget: Share of blocks (weeks, where there are enough) that may be interrupted, 0 to 1.
        threads: How many threads learn; the model is the same.
        balances: Tanks whose water the owner accounts for.

    Raises:
        OperatorError: they are too few, nothing in them moves, too much does, or a balance names what is not there.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  an extra's, needed for learning only

    spacing = spacing_of(readings.times)
    even = on_grid(readings, spacing) if spacing else readings
    even = replace(even, values=without_wild(even.values))
    tags = tags_of(even)
    _refuse_what_cannot_be_learnt(even, tags)
    for tank in balances:
        check_tank(tank, tags)
    looked = look_whole(tags, even.values, late_of(even.times, spacing))
    with threadpool_limits(1):  # the last bits of a product of matrices change with the number of threads
        found = out_of_fold(tags, looked, threads, balances)
        process = fit_process(tags, [looked], threads, balances)
    usual = float(np.median(found.rows))
    scores = smoothed(found.rows, np.array(usual))
    unit, length = conformal.block_of(even.times)
    maxima = conformal.block_maxima(even.times, scores, length, spacing)
    promise = conformal.promise_of(unit, len(maxima), budget)
    threshold = conformal.bounded(conformal.threshold_of(maxima, promise.interruptions), scores)
    scales = found.scales
    return PlantModel(
        tags, spacing, int(even.times[0]), int(even.times[-1]), len(even), process, scales.by_relation,
        scales.by_subspace, scales.by_balance, usual, found.usual_tags, threshold, promise,
    )  # fmt: skip


def _refuse_what_cannot_be_learnt(readings: Readings, tags: Sequence[Tag]) -> None:
    if len(readings) < LEAST_ROWS:
        raise OperatorError(
            f"There are {len(readings)} rows, and a plant cannot be learnt from fewer than {LEAST_ROWS}.",
            "Export a longer stretch of normal operation: a year by the hour is good, some weeks by the minute will do.",
        )
    moving = sum(tag.kind is not TagKind.CONSTANT for tag in tags)
    if moving > bounds.PLANT_TAGS:
        raise OperatorError(
            f"{moving} tags change, and a plant's model takes no more than {bounds.PLANT_TAGS}.",
            "Learn one model for each part of the plant, or leave out tags that say the same.",
        )
    if all(tag.kind is TagKind.CONSTANT for tag in tags):
        raise OperatorError(
            "No tag ever changes.", "Check that the export holds values and not a repeated first row."
        )
