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
from tocsin.detect.plant.folds import bounds_of, out_of_fold
from tocsin.detect.plant.grid import on_grid, spacing_of
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.peaks import Peaks
from tocsin.detect.plant.process import fit_process
from tocsin.detect.plant.quality import Measures, Quality, aligned, fit_quality
from tocsin.detect.plant.score import smoothed
from tocsin.detect.plant.tags import Tag, TagKind, tags_of, without_wild
from tocsin.detect.plant.view import Looked, late_of, look_whole, rows_at_a_time
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.records.instants import SECOND
from tocsin.records.readings import Readings, Values

_LISTED: Final = 5

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
    unit, length = _blocks_of(even, spacing)
    looked = look_whole(tags, even.values, late_of(even.times, spacing))
    block_rows = conformal.rows_of_block(even.times, length, spacing)
    with threadpool_limits(1):  # the last bits of a product of matrices change with the number of threads
        found = out_of_fold(tags, looked, threads, balances, block_rows, spacing)
        process = fit_process(tags, [looked], threads, balances)
    usual = float(np.median(found.rows))
    scores = smoothed(found.rows, np.array(usual))
    quality, worst = _quality(tags, even, looked, spacing, block_rows)
    maxima = conformal.block_maxima(even.times, scores, length, spacing)
    notices = conformal.block_maxima(even.times, np.maximum(found.drifted, worst), length, spacing)
    aside = conformal.block_maxima(even.times, found.aside.astype(np.float64), length, spacing) > 0
    promise = conformal.promise_of(unit, len(maxima), budget, int(aside.sum()))
    ringing, told = conformal.shared_out(maxima, notices, promise.interruptions, aside)
    threshold = conformal.bounded(ringing, scores)
    promise = replace(
        promise, by_alarm=int((maxima > threshold).sum()), by_notice=int(((notices > told) | aside).sum())
    )
    scales = found.scales
    return PlantModel(
        tags, spacing, int(even.times[0]), int(even.times[-1]), len(even), process, scales.by_relation,
        scales.by_subspace, scales.by_balance, usual, found.usual_tags, threshold, promise,
        replace(found.drift, limit=told), replace(quality, limits=quality.limits * told),
    )  # fmt: skip


def recalibrate(
    model: PlantModel, confirmed: Readings, threads: int, balances: Sequence[Tank] = ()
) -> PlantModel:
    """A model of readings that somebody confirmed to be normal, with the first accepted model frozen beside it.

    Args:
        model: The model in use.
        confirmed: All confirmed readings that the new model is to know, the old ones too; never anything else, or an
            attack that is slow enough becomes normal.
        threads: As in `learn`.
        balances: As in `learn`.

    Raises:
        OperatorError: they are too few, or readings of another plant or pace.
    """
    _refuse_other_tags(model, confirmed)
    pace = spacing_of(confirmed.times)
    if pace != model.spacing:
        raise OperatorError(
            f"The confirmed readings come every {pace / SECOND:g} s, the model's every {model.spacing / SECOND:g} s.",
            "Export them at the pace of the readings that were learnt.",
        )
    known, _, _ = aligned(model.names, confirmed)
    return replace(learn(known, model.promise.asked, threads, balances), first=model.first or model)


def _refuse_other_tags(model: PlantModel, confirmed: Readings) -> None:
    known, there = set(model.names), set(confirmed.tags)
    lacking = [one for one in model.names if one not in there]
    new = [one for one in confirmed.tags if one not in known]
    if lacking:
        raise OperatorError(
            f"The confirmed readings do not have the tags of the model: {_some(lacking)}.",
            "Learn a new model where tags came or went: this one cannot be judged beside it.",
        )
    if new:
        raise OperatorError(
            f"The confirmed readings have tags that the model does not know: {_some(new)}.",
            "Leave them out with --ignore, as when it was learnt, or learn a new model.",
        )


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(map(inert, names[:_LISTED])) + rest


def _quality(
    tags: Sequence[Tag], even: Readings, looked: Looked, spacing: int, block_rows: int
) -> tuple[Quality, Values]:
    """How bad readings are on normal operation, and how near each row is to a notice by what the other folds showed."""
    measures, peaks, step = Measures(tags, spacing), Peaks(block_rows), rows_at_a_time(len(tags))
    for fold, (start, stop) in enumerate(bounds_of(len(even), block_rows)):
        for first in range(start, stop, step):
            last = min(first + step, stop)
            peaks.add(measures.measure(even.times[first:last], looked.rows(first, last)), fold)

    def worst(most: Values, largest: Values) -> Values:
        shares: Values = fit_quality(largest).shares(most).max(axis=1)
        return shares

    return fit_quality(peaks.largest()), peaks.rows(worst)


def _blocks_of(readings: Readings, spacing: int) -> tuple[str, int]:
    """The unit and length of the blocks that a promise is about."""
    unit, length = conformal.block_of(readings.times, spacing)
    if not len(conformal.block_maxima(readings.times, np.zeros(len(readings)), length, spacing)):
        raise OperatorError(
            f"The {len(readings)} rows fill not one {unit}, so nothing could be promised.",
            "Export a longer stretch of normal operation without holes: some weeks, or a day at the very least.",
        )
    return unit, length


def _refuse_what_cannot_be_learnt(readings: Readings, tags: Sequence[Tag]) -> None:
    if len(readings) < LEAST_ROWS:
        raise OperatorError(
            f"There {'is 1 row' if len(readings) == 1 else f'are {len(readings)} rows'}, and a plant cannot be learnt from fewer than {LEAST_ROWS}.",
            "Export a longer stretch of normal operation: a year by the hour is good, some weeks by the minute will do.",
        )
    moving = sum(tag.kind is not TagKind.CONSTANT for tag in tags)
    if moving > bounds.PLANT_TAGS:
        raise OperatorError(
            f"{moving:,} tags change, and a plant's model takes no more than {bounds.PLANT_TAGS:,}.",
            "Learn one model for each part of the plant, or leave out tags that say the same.",
        )
    if all(tag.kind is TagKind.CONSTANT for tag in tags):
        raise OperatorError(
            "No tag ever changes.", "Check that the export holds values and not a repeated first row."
        )
