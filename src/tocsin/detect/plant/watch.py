"""Watching a plant: rows in, for each how surprising it is, whether it rings, and which tags are at fault.

However the rows are cut into batches, the answers are the same to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.beside import Beside
from tocsin.detect.plant.limits import stands_of
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import Notice
from tocsin.detect.plant.score import row_surprises, smoothed, tag_surprises
from tocsin.detect.plant.trees import CHUNK_ROWS
from tocsin.detect.plant.view import Looked, View
from tocsin.records.readings import Flags, Instants, Readings, Values

NAMED: Final = 3
"""Tags that are named for a row."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows judged; each of shape (rows, …).

    Attributes:
        times: When they were read.
        scores: 1 is where the alarm begins.
        alarms: Where it rings.
        named: Shape (rows, 3): the columns of the tags at fault, most first; -1 where there is none.
        shares: Shape (rows, 3): the part that each has in the surprise, 0 to 1.
        shown: Shape (rows, 3): what each of these tags showed, in its unit.
        expected: Shape (rows, 3): what it should have shown by its relation; NaN where there is none.
        notices: What is told beside the rows, once when it begins; oldest first.
    """

    times: Instants
    scores: Values
    alarms: Flags
    named: NDArray[np.int64]
    shares: Values
    shown: Values
    expected: Values
    notices: tuple[Notice, ...] = ()


ROWS: Final = tuple(name for name in Judged.__slots__ if name != "notices")
"""What there is one of for each row."""


class Watcher:
    """Judges the rows of one plant, one batch after the other, in order of time."""

    def __init__(self, model: PlantModel) -> None:
        self._model = model
        self._view = View(model.tags)
        self._score = np.array(model.usual)
        self._tags = model.usual_tags
        self._stands = np.zeros(len(model.tags), np.int64)
        self._beside = Beside(model)

    def judge(self, readings: Readings) -> Judged:
        """How the rows of `readings` are, whose pace is the model's own and whose columns should be.

        Columns that are not there count as unread; columns that the model does not know are left out; both are told.
        """
        known, notices = self._beside.columns(readings)
        parts = [self._judge(known.rows(at, at + CHUNK_ROWS)) for at in range(0, len(readings), CHUNK_ROWS)]
        told = notices + tuple(notice for part in parts for notice in part.notices)
        if len(parts) == 1:
            return replace(parts[0], notices=told)
        if not parts:
            return self._nothing(told)
        whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ROWS}
        return Judged(**whole, notices=told)

    @staticmethod
    def _nothing(told: tuple[Notice, ...]) -> Judged:
        none = np.empty((0, NAMED))
        return Judged(
            np.empty(0, np.int64),
            np.empty(0),
            np.empty(0, bool),
            none.astype(np.int64),
            none,
            none,
            none,
            told,
        )

    def _judge(self, readings: Readings) -> Judged:
        model, process = self._model, self._model.process
        looked = self._view.look(readings.values)
        stands = stands_of(looked.values, looked.before, self._stands)
        self._stands = stands[-1]
        found = process.differences(looked, stands)
        by_tag = tag_surprises(found, process.moving, model.by_relation)
        rows = row_surprises(by_tag, model.by_subspace.surprises(found.by_subspace))
        scores, tags = smoothed(rows, self._score), smoothed(by_tag, self._tags)
        self._score, self._tags = scores[-1], tags[-1]
        named, shares = _named(tags - model.usual_tags)
        shown, expected = self._shown(looked, found.by_relation, named)
        return Judged(
            readings.times, scores / model.threshold, scores > model.threshold, named, shares, shown, expected,
            self._beside.notices(readings, looked, found),
        )  # fmt: skip

    def _shown(self, looked: Looked, by_relation: Values, named: NDArray[np.int64]) -> tuple[Values, Values]:
        process = self._model.process
        expected = np.full_like(looked.values, np.nan)
        expected[:, process.moving] = looked.values[:, process.moving] - by_relation * process.spreads
        at = np.maximum(named, 0)
        return np.take_along_axis(looked.values, at, axis=1), np.take_along_axis(expected, at, axis=1)


def _named(above: Values) -> tuple[NDArray[np.int64], Values]:
    """The tags that are most `above` their usual surprise, and their shares of all that is."""
    above = np.maximum(above, 0.0)
    count = min(NAMED, above.shape[1])
    order = np.argsort(-above, axis=1, kind="stable")[:, :count]
    part = np.take_along_axis(above, order, axis=1)
    shares = part / np.maximum(above.sum(axis=1, keepdims=True), 1e-300)
    named = np.where(part > 0, order, -1)
    short = NAMED - count
    return np.pad(named, ((0, 0), (0, short)), constant_values=-1), np.pad(shares, ((0, 0), (0, short)))
