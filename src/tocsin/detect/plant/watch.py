"""Watching a plant: rows in, for each how surprising it is, whether it rings, and which tags are at fault.

However the rows are cut into batches, the answers are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.aside import Aside
from tocsin.detect.plant.bands import Onlooker, bands
from tocsin.detect.plant.beside import Beside
from tocsin.detect.plant.coarse import Coarse
from tocsin.detect.plant.folds import Followed, Judge, Scales, Surprises
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import Notice
from tocsin.detect.plant.score import smoothed
from tocsin.detect.plant.state import Damaged, Held, packed
from tocsin.detect.plant.view import Looked, View, late_of, rows_at_a_time
from tocsin.records.readings import Flags, Instants, Readings, Values

NAMED: Final = 3
"""Tags that are named for a row."""

CLEAR: Final = 0.15
"""Surprise that a tag has ahead of others, when tags are named, for each time that its relation is broken twice as far: more
would forget too soon what an attack hit first."""


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


_CORE, _PAGE = "core", "ring/"


class Watcher:
    """Judges the rows of one plant, one batch after the other, each in order of time.

    An `onlooker` is shown what was expected of every tag, piece by piece.
    """

    def __init__(self, model: PlantModel, onlooker: Onlooker | None = None) -> None:
        self._onlooker = onlooker
        self._model = model
        self._view = View(model.tags)
        scales = Scales(model.by_relation, model.by_subspace, model.by_balance)
        followed = Followed(Aside(model.usual_tags, model.spacing), Coarse(model.tags))
        self._judged_by = Judge(model.process, scales, np.zeros(len(model.tags), np.int64), followed)
        self._score = np.array(model.usual)
        self._last: int | None = None
        self._beside = Beside(model)

    def judge(self, readings: Readings) -> Judged:
        """How the rows of `readings` are, whose pace is the model's own and whose columns should be.

        Columns that are not there count as unread, and columns that the model does not know are left out; both are told.
        So is a clock that went back since the batch before.
        """
        known, notices = self._beside.columns(readings)
        step = rows_at_a_time(len(known.tags))
        parts = [self._judge(known.rows(at, at + step)) for at in range(0, len(known), step)]
        return _joined(parts, notices)

    @property
    def rows(self) -> int:
        """How many rows it judged."""
        return self._beside.measures.rows

    @property
    def unread(self) -> NDArray[np.int64]:
        """For how many rows each tag of the model was not read, shape (tags,)."""
        return self._beside.measures.unread

    def state(self, since: int = 0) -> dict[str, bytes]:
        """What it knows, in named pieces: those that rows after row number `since` changed; 0: all.

        Some 80 bytes a tag, and 2 KiB for each 256 of the rows that are remembered to find them again.
        """
        core = packed({
            "view": self._view.state(), "judge": self._judged_by.state(), "score": float(self._score),
            "last": self._last, "beside": self._beside.state(),
        })  # fmt: skip
        pages = self._beside.measures.pages(since)
        return {_CORE: core, **{f"{_PAGE}{page}": body for page, body in pages.items()}}

    def take_up(self, pieces: Mapping[str, bytes]) -> None:
        """Goes on from all pieces that a watcher with the same model told, the last one of each name.

        Raises:
            Damaged: they are not that; what this one knows is then worth nothing.
        """
        if _CORE not in pieces:
            raise Damaged("the core is missing")
        held = Held.of(pieces[_CORE])
        self._view.take_up(held.part("view"))
        self._judged_by.take_up(held.part("judge"))
        self._score = np.array(held.number("score"))
        self._last = held.maybe("last")
        self._beside.take_up(held.part("beside"))
        numbered = {name.removeprefix(_PAGE): body for name, body in pieces.items() if name != _CORE}
        if not all(name.isdecimal() for name in numbered):
            raise Damaged("there are pieces of something else")
        self._beside.measures.take_up_pages({int(name): body for name, body in numbered.items()})

    def _judge(self, readings: Readings) -> Judged:
        model = self._model
        late = late_of(readings.times, model.spacing, self._last)
        looked = self._view.look(readings.values, late)
        self._last = int(readings.times[-1])
        found = self._judged_by.surprises(looked)
        scores = smoothed(found.rows, self._score)
        self._score = scores[-1]
        named, shares = _named(self._against(found))
        shown, expected = self._shown(looked, found.by_relation, named)
        if self._onlooker is not None:
            self._onlooker(bands(model.process, readings.times, looked, found.by_relation))
        return Judged(
            readings.times, scores / model.threshold, scores > model.threshold, named, shares, shown, expected,
            self._beside.notices(readings, looked, late, found),
        )  # fmt: skip

    def _against(self, found: Surprises) -> Values:
        """What speaks against each tag, shape (rows, tags), for them to be named; 0 and below: nothing.

        The subspace spreads what one tag does over all that go with it, until each of them is as surprising as can be. The
        tag's own relation tells them apart: it breaks the farthest where the fault is.
        """
        above: Values = np.where(found.aside, 0.0, found.tags - self._model.usual_tags)
        clear = CLEAR * self._model.by_relation.doublings(found.by_relation)
        moving = self._model.process.moving
        above[:, moving] += np.where(above[:, moving] > 0, clear, 0.0)
        return above

    def _shown(self, looked: Looked, by_relation: Values, named: NDArray[np.int64]) -> tuple[Values, Values]:
        process = self._model.process
        expected = np.full_like(looked.values, np.nan)
        expected[:, process.moving] = looked.values[:, process.moving] - by_relation * process.spreads
        at = np.maximum(named, 0)
        return np.take_along_axis(looked.values, at, axis=1), np.take_along_axis(expected, at, axis=1)


def _named(above: Values) -> tuple[NDArray[np.int64], Values]:
    """The tags that are most `above` their usual surprise, and their shares of all that is."""
    left = np.maximum(above, 0.0)
    whole = np.zeros(len(left))
    for column in left.T:  # one after the other: a sum along rows changes its last bit with their number
        whole += column
    named, shares = np.full((len(left), NAMED), -1, dtype=np.int64), np.zeros((len(left), NAMED))
    rows = np.arange(len(left))
    for place in range(min(NAMED, left.shape[1])):
        most = left.argmax(axis=1)
        part = left[rows, most]
        named[:, place] = np.where(part > 0, most, -1)
        shares[:, place] = part / np.maximum(whole, 1e-300)
        left[rows, most] = 0.0
    return named, shares


def _joined(parts: Sequence[Judged], told: tuple[Notice, ...]) -> Judged:
    told += tuple(notice for part in parts for notice in part.notices)
    if len(parts) < 2:
        return replace(parts[0] if parts else _nothing(), notices=told)
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ROWS}
    return Judged(**whole, notices=told)


def _nothing() -> Judged:
    numbers = np.empty((0, NAMED))
    return Judged(
        np.empty(0, np.int64),
        np.empty(0),
        np.empty(0, bool),
        np.empty((0, NAMED), np.int64),
        numbers,
        numbers,
        numbers,
    )
