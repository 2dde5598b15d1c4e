"""How a process does on rows that it had not seen, piece by piece, so that a month of seconds fits into memory.

Folds are contiguous, because the rows beside a row give it away (DESIGN section 5). Every difference is from a process
learnt without its fold, and every surprise by a scale that had not seen its fold either: a scale fitted to the rows that
it then judges finds them usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.aside import Aside
from tocsin.detect.plant.balance import Tank
from tocsin.detect.plant.coarse import Coarse
from tocsin.detect.plant.drift import Drift, Drifting
from tocsin.detect.plant.limits import stands_of
from tocsin.detect.plant.process import Process, fit_process
from tocsin.detect.plant.score import row_surprises, smoothed, tag_surprises
from tocsin.detect.plant.state import Held, State, counts, numbers
from tocsin.detect.plant.surprise import FLOOR, Scale, fit_scale
from tocsin.detect.plant.tags import Tag
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Flags, Values

FOLDS: Final = 5
"""Most folds."""

FOLD_BLOCKS: Final = 8
"""Blocks of the promise that a fold holds at least, where there are so many: in a shorter one the plant cannot move as far from
what was learnt beside it as it will once it is watched, and calibration would be too sure."""

SCALE_CELLS: Final = 16_000_000
"""Readings (rows times tags), evenly spread over the rows, that scales and usual surprises are taken from."""


@dataclass(frozen=True, slots=True)
class Scales:
    """How large differences are on normal operation: from relations, from the subspace and from balances."""

    by_relation: Scale
    by_subspace: Scale
    by_balance: Scale


@dataclass(frozen=True, slots=True)
class _Sample:
    """Differences of some rows, from processes that had not seen them, and the fold of each."""

    by_relation: Values
    by_subspace: Values
    by_balance: Values
    fold: NDArray[np.int64]

    def scales(self, tags: Sequence[Tag], process: Process, but: int = -1) -> Scales:
        """The scales of all rows but those of the fold `but`."""
        steps = np.array([tag.step / tag.spread / 2 for tag in tags])
        floors, kept = np.maximum(FLOOR, steps[process.moving]), self.fold != but
        levels = np.array([one.level for one in process.balances], dtype=np.int64)
        return Scales(
            fit_scale(self.by_relation[kept], floors), fit_scale(self.by_subspace[kept], floors),
            fit_scale(self.by_balance[kept], np.maximum(steps[levels] / 10, 1e-6)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What processes said of rows that they had not seen.

    Attributes:
        scales: Of all rows.
        rows: The surprise of each row, shape (rows,).
        usual_tags: The middle of what speaks against each tag, shape (tags,).
        drift: How far slow means went.
        drifted: Of each row the times that its slow means are the largest of the other folds', shape (rows,).
        aside: Where tags are set aside that were not in the row before, shape (rows,).
    """

    scales: Scales
    rows: Values
    usual_tags: Values
    drift: Drift
    drifted: Values
    aside: Flags


def bounds_of(rows: int, block_rows: int) -> list[tuple[int, int]]:
    """The first row of each fold, and the one after its last; `block_rows`: of a block of the promise."""
    folds = min(FOLDS, max(2, rows // (FOLD_BLOCKS * block_rows)))
    return list(pairwise(int(one) for one in np.linspace(0, rows, folds + 1)))


def out_of_fold(  # noqa: PLR0913, PLR0917  all of it is the plant's
    tags: Sequence[Tag], looked: Looked, threads: int, tanks: Sequence[Tank], block_rows: int, spacing: int
) -> OutOfFold:
    """What the rows `looked` are to processes learnt without their fold; `block_rows`: of a block of the promise."""
    bounds = bounds_of(len(looked), block_rows)
    processes = [
        fit_process(
            tags,
            [one for one in (looked.rows(0, start), looked.rows(stop, len(looked))) if len(one)],
            threads,
            tanks,
        )
        for start, stop in bounds
    ]
    every = max(1, len(looked) * len(tags) // SCALE_CELLS)
    sample = _sample(looked, bounds, processes, every)
    scales = sample.scales(tags, processes[0])
    drifting = Drifting(np.concatenate([scales.by_subspace.tail, scales.by_relation.tail]), block_rows)
    rows, blame, begun = [], [], []
    aside = np.zeros(len(tags), bool)
    beside = Followed(Aside(np.zeros(len(tags)), spacing), Coarse(tags))
    stands = np.zeros(len(tags), np.int64)
    for fold, ((start, stop), process) in enumerate(zip(bounds, processes, strict=True)):
        judge = Judge(process, sample.scales(tags, process, fold), stands, beside)
        for piece in looked.rows(start, stop).pieces():
            found = judge.surprises(piece)
            rows.append(found.rows)
            blame.append(found.blame[::every].astype(np.float32))
            drifting.add(found.by_relation, found.by_subspace, fold)
            begun.append((found.aside & ~np.vstack([aside[None, :], found.aside[:-1]])).any(axis=1))
            aside = found.aside[-1].copy()
        stands = judge.stands
    usual = np.median(np.concatenate(blame), axis=0).astype(np.float64)
    return OutOfFold(scales, np.concatenate(rows), usual, *drifting.fitted(), np.concatenate(begun))


def _sample(
    looked: Looked, bounds: Sequence[tuple[int, int]], processes: Sequence[Process], every: int
) -> _Sample:
    """The differences of one row in `every`; balances, which are smoothed over time, go over all rows."""
    relation, subspace, balance, folds = [], [], [], []
    for fold, ((start, stop), process) in enumerate(zip(bounds, processes, strict=True)):
        imbalance = np.zeros(len(process.balances))
        for first in range(start, stop, step := every * 4_096):
            piece = looked.rows(first, min(first + step, stop))
            by_relation, by_subspace = process.unexplained(piece.picked(np.arange(0, len(piece), every)))
            by_balance = smoothed(process.imbalances(piece), imbalance)
            imbalance = by_balance[-1]
            relation.append(by_relation)
            subspace.append(by_subspace)
            balance.append(by_balance[::every])
            folds.append(np.full(len(by_relation), fold))
    return _Sample(*(np.concatenate(one) for one in (relation, subspace, balance, folds)))


@dataclass(frozen=True, slots=True)
class Surprises:
    """How surprising some rows are.

    Attributes:
        rows: Shape (rows,); tags that are set aside are left out.
        blame: Shape (rows, tags): what speaks against each tag, the higher of its own surprise and the subspace's of it.
        tags: The same, smoothed.
        aside: Shape (rows, tags): which tags are set aside.
        by_relation: Shape (rows, moving tags): the differences from the relations, in spreads.
        by_subspace: Likewise from the subspace.
    """

    rows: Values
    blame: Values
    tags: Values
    aside: Flags
    by_relation: Values
    by_subspace: Values


@dataclass(frozen=True, slots=True)
class Followed:
    """What is followed of tags from row to row, whatever judges them."""

    aside: Aside
    coarse: Coarse


class Judge:
    """Says of rows how surprising they are, piece after piece, by one process and its scales."""

    def __init__(self, process: Process, scales: Scales, stands: NDArray[np.int64], beside: Followed) -> None:
        self._process, self._scales, self._beside = process, scales, beside
        self._imbalance = np.zeros(len(process.balances))
        self.stands = stands
        """For how many rows each tag has stood still, shape (tags,)."""

    def surprises(self, looked: Looked) -> Surprises:
        """How surprising the rows `looked` are."""
        process, scales = self._process, self._scales
        stands = stands_of(looked.values, looked.before, self.stands)
        found = process.differences(looked, stands).less(
            self._beside.coarse.slack(looked)[:, process.moving] / process.spreads
        )
        imbalances = smoothed(found.by_balance, self._imbalance)
        self.stands, self._imbalance = stands[-1].copy(), imbalances[-1].copy()
        by_tag = tag_surprises(found, process, scales.by_relation, scales.by_balance.surprises(imbalances))
        by_subspace = scales.by_subspace.surprises(found.by_subspace)
        # The row's word may be of either, so either counts against a tag.
        blame = by_tag.copy()
        blame[:, process.moving] = np.maximum(blame[:, process.moving], by_subspace)
        tags, aside = self._beside.aside.follow(blame)
        by_tag[aside] = by_subspace[aside[:, process.moving]] = 0.0
        return Surprises(
            row_surprises(by_tag, by_subspace), blame, tags, aside, found.by_relation, found.by_subspace
        )

    def state(self) -> State:
        """All that it carries over."""
        return {
            "imbalance": numbers(self._imbalance), "stands": counts(self.stands),
            "aside": self._beside.aside.state(), "coarse": self._beside.coarse.state(),
        }  # fmt: skip

    def take_up(self, held: Held) -> None:
        """Goes on from a `state` of the same process.

        Raises:
            Damaged: it is none.
        """
        self._imbalance = held.numbers("imbalance", len(self._imbalance))
        self.stands = held.counts("stands", len(self.stands))
        self._beside.aside.take_up(held.part("aside"))
        self._beside.coarse.take_up(held.part("coarse"))
