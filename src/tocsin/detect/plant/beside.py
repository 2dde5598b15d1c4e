"""What a watcher tells beside its rows: drift by the first accepted model, and the quality of the readings."""

from __future__ import annotations

import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.aside import PATIENCE
from tocsin.detect.plant.folds import Surprises
from tocsin.detect.plant.model import PlantModel
from tocsin.detect.plant.notices import Edges, Notice, NoticeKind
from tocsin.detect.plant.quality import Measures, aligned
from tocsin.detect.plant.state import Held, State, flags, numbers
from tocsin.detect.plant.view import Looked, View
from tocsin.records.instants import DAY, SECOND
from tocsin.records.readings import Flags, Readings, Values

PULLED: Final = 0.5
"""A tag that begins to drift by less than this part of what one drifts that was told of is pulled along by it."""


class Beside:
    """Finds the notices of one plant, one batch after the other, in order of time."""

    def __init__(self, model: PlantModel) -> None:
        self._model = model
        self._first = model.first or model
        self._view = View(self._first.tags)
        self._means = np.zeros(len(self._first.drift.tails))
        self._drifting = Edges(len(self._first.process.moving))
        self._drifts = np.zeros(len(self._first.process.moving), bool)
        self._waiting = np.zeros(len(self._first.process.moving), bool)
        self._rows = self._quiet = 0
        self._measures = Measures(model.tags, model.spacing)
        self._bad = Edges(len(model.quality.limits))
        self._aside = np.zeros(len(model.tags), bool)
        self._gone: frozenset[str] = frozenset()
        self._new: frozenset[str] = frozenset()
        self._latest: int | None = None
        self._behind = False

    @property
    def measures(self) -> Measures:
        """What measures the rows."""
        return self._measures

    def state(self) -> State:
        """All that it carries over, but for the rows that `measures` remembers."""
        return {
            "view": self._view.state(), "means": numbers(self._means), "drifting": self._drifting.state(), "rows": self._rows,
            "quiet": self._quiet, "measures": self._measures.state(), "bad": self._bad.state(), "gone": sorted(self._gone),
            "new": sorted(self._new), "latest": self._latest, "behind": self._behind,
            "drifts": flags(self._drifts), "waiting": flags(self._waiting), "aside": flags(self._aside),
        }  # fmt: skip

    def take_up(self, held: Held) -> None:
        """Goes on from a `state` by the same model.

        Raises:
            Damaged: it is none.
        """
        self._view.take_up(held.part("view"))
        self._means = held.numbers("means", len(self._means))
        self._drifting.take_up(held.part("drifting"))
        self._rows, self._quiet = held.whole("rows"), held.whole("quiet")
        self._measures.take_up(held.part("measures"))
        self._bad.take_up(held.part("bad"))
        self._gone, self._new = frozenset(held.texts("gone")), frozenset(held.texts("new"))
        self._latest, self._behind = held.maybe("latest"), held.flag("behind")
        self._drifts = held.flags("drifts", len(self._drifts))
        self._waiting = held.flags("waiting", len(self._waiting))
        self._aside = held.flags("aside", len(self._aside))

    def columns(self, readings: Readings) -> tuple[Readings, tuple[Notice, ...]]:
        """`readings` with the columns of the model, and what is told of columns that came or went."""
        known, gone, new = aligned(self._model.names, readings)
        if not len(readings):
            return known, ()
        told = [(NoticeKind.GONE, name) for name in gone if name not in self._gone]
        told += [(NoticeKind.NEW, name) for name in new if name not in self._new]
        self._gone, self._new = frozenset(gone), frozenset(new)
        return known, tuple(Notice(int(readings.times[0]), kind, name, 1.0, 1.0) for kind, name in told)

    def notices(
        self, readings: Readings, looked: Looked, late: Flags, found: Surprises
    ) -> tuple[Notice, ...]:
        """What begins in `readings`, which the model looks at as `looked` and finds to be `found`; oldest first.

        `late`: where rows before are missing.
        """
        told = [
            *self._clock(readings), *self._quality(readings, looked), *self._drift(readings, found, late),
            *self._set_aside(readings, found),
        ]  # fmt: skip
        return tuple(notice for _, notice in sorted(told, key=lambda one: one[0]))

    def _drift(self, readings: Readings, found: Surprises, late: Flags) -> list[tuple[int, Notice]]:
        """The tag that drifts most where drift begins; what it pulls along is not told of again."""
        first, by_relation, by_subspace = self._first, found.by_relation, found.by_subspace
        if first is not self._model:
            by_relation, by_subspace = first.process.unexplained(self._view.look(readings.values, late))
        means = first.drift.means(by_relation, by_subspace, self._means)
        self._means = means[-1].copy()
        amounts, limit = first.drift.amounts(means), first.drift.limit
        begun = self._drifting.begun(amounts / limit)
        starts, told, row = np.flatnonzero(begun.any(axis=1)), [], -1
        while (row := self._next_drift(starts, row + 1)) < len(readings):
            self._waiting = (self._waiting | begun[row]) & (amounts[row] > limit)
            column = self._drifts_most(amounts[row], begun[row], quiet=self._rows + row < self._quiet)
            if column is not None:
                self._drifts[column] = True
                self._quiet = self._rows + row + int(1 / first.drift.weight)
                tag, amount = first.tags[first.process.moving[column]].name, float(amounts[row, column])
                told.append((row, Notice(int(readings.times[row]), NoticeKind.DRIFT, tag, amount, limit)))
        self._rows += len(readings)
        return told

    def _next_drift(self, starts: NDArray[np.int64], after: int) -> int:
        """The next row from `after` on at which drift begins, as in `starts`, or from which on what waits may be told."""
        at = int(np.searchsorted(starts, after))
        found = int(starts[at]) if at < len(starts) else sys.maxsize
        return min(found, max(after, self._quiet - self._rows)) if self._waiting.any() else found

    def _drifts_most(self, amounts: Values, begun: Flags, *, quiet: bool) -> int | None:
        """The column to tell of where drift has `begun`, both of shape (moving tags,); None where one told of pulls it along.

        What begins while it is `quiet` waits, and is told after that if it is still beyond the limit and drifts most.
        """
        self._drifts &= ~begun
        if quiet:
            return None
        waited, self._waiting = self._waiting, np.zeros(len(begun), bool)
        most = int(amounts.argmax())
        if not self._drifts[most] and (waited[most] or begun.any()):
            return most
        own = int(np.where(begun, amounts, 0.0).argmax())
        return own if begun[own] and amounts[own] >= PULLED * amounts[most] else None

    def _quality(self, readings: Readings, looked: Looked) -> list[tuple[int, Notice]]:
        model = self._model
        measures, limits = self._measures.measure(readings.times, looked), model.quality.limits
        told = []
        for row, column in _at(self._bad.begun(model.quality.shares(measures))):
            kind, tag = model.quality.meaning(column, model.names)
            if kind is NoticeKind.MISSING and tag in self._gone:
                continue
            amount, limit = float(measures[row, column]), float(limits[column])
            told.append((row, Notice(int(readings.times[row]), kind, tag, amount, limit)))
        return told

    def _set_aside(self, readings: Readings, found: Surprises) -> list[tuple[int, Notice]]:
        """Tags that the score leaves out from here on; each is told."""
        begun = found.aside & ~np.vstack([self._aside[None, :], found.aside[:-1]])
        self._aside = found.aside[-1]
        told = []
        for row in np.flatnonzero(begun.any(axis=1)).tolist():
            for column in np.flatnonzero(begun[row]).tolist():
                time, days = int(readings.times[row]), PATIENCE / DAY
                told.append((row, Notice(time, NoticeKind.ASIDE, self._model.names[column], days, days)))
        return told

    def _clock(self, readings: Readings) -> list[tuple[int, Notice]]:
        """The clock went back: told once until it has caught up."""
        start, told = int(readings.times[0]), []
        if self._latest is not None and start <= self._latest:
            if not self._behind:
                back = (self._latest - start) / SECOND
                told.append((0, Notice(start, NoticeKind.CLOCK, "", back, 0.0)))
            self._behind = True
        self._latest = max(self._latest or 0, int(readings.times[-1]))
        self._behind = self._behind and int(readings.times[-1]) < self._latest
        return told


def _at(begun: Flags) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in np.argwhere(begun)]
