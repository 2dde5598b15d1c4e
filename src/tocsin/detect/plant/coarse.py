"""Readings coarser than those learnt: what rounding alone may have done is no difference.

A sensor, a controller or an export that loses digits is told of as data quality (`quality.py`). From then on it would
differ from what fits by up to half its new step, in every row, until the plant is learnt anew. So the step that a tag's
last changes show is followed, and that much of a difference is forgiven, up to the tag's spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.state import Held, State, counts, numbers
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Values

SHOWN_BY: Final = 12
"""The last so many changes show a tag's step: one in 5^12 such runs lies on a coarser step by chance."""

LEAST: Final = 5
"""Steps that are no multiple of so many learnt ones are none that digits were lost to."""

LEAST_SEEN: Final = 3
"""Fewer different readings are a tag that is switched to and fro, by its pump or by an attacker, and show no step."""

LARGEST: Final = 2.0**53
"""Steps up to which a number of 64 bits tells them apart."""


class Coarse:
    """Follows the step of each tag's readings, over batches cut anywhere."""

    def __init__(self, tags: Sequence[Tag]) -> None:
        followed = [at for at, tag in enumerate(tags) if tag.kind is TagKind.CONTINUOUS and tag.step > 0]
        self._followed = {at: float(tags[at].step) for at in followed}
        self._most = [tag.spread for tag in tags]
        self._changes = {at: np.empty(0, np.int64) for at in followed}
        self._slack = np.zeros(len(tags))

    def slack(self, looked: Looked) -> Values:
        """How much of a difference rounding may have made, shape (rows, tags), in each tag's unit; mostly 0."""
        slack = np.broadcast_to(self._slack, looked.values.shape)
        changed = (looked.values != looked.before) & looked.read
        for column in np.flatnonzero(changed.any(axis=0)).tolist():
            if column in self._followed:
                slack = self._follow(
                    column, looked.values[:, column], np.flatnonzero(changed[:, column]), slack
                )
        self._slack = slack[-1].copy()
        return slack

    def _follow(self, column: int, values: Values, rows: NDArray[np.int64], slack: Values) -> Values:
        """`slack` with that of one tag, whose `values` changed in `rows`."""
        step, before = self._followed[column], self._changes[column]
        counted = np.rint(np.clip(values[rows] / step, -LARGEST, LARGEST))
        shown = np.concatenate([before, counted.astype(np.int64)])
        self._changes[column] = shown[-(SHOWN_BY - 1) :]
        on = _runs(shown % LEAST == 0)[len(before) :] >= SHOWN_BY
        if not on.any() and self._slack[column] == 0.0:
            return slack
        steps = np.zeros(len(rows), np.int64)
        for at in np.flatnonzero(on).tolist():
            last = shown[len(before) + at + 1 - SHOWN_BY : len(before) + at + 1]
            if len(np.unique(last)) >= LEAST_SEEN:
                steps[at] = np.gcd.reduce(last)
        if not slack.flags.writeable:
            slack = slack.copy()
        for start, stop, one in zip(rows, [*rows[1:], len(values)], steps, strict=True):
            slack[start:stop, column] = min(max(0, int(one) - 1) * step / 2, self._most[column])
        return slack

    def state(self) -> State:
        """All that it carries over."""
        shown = {str(column): counts(one) for column, one in self._changes.items()}
        return {"changes": shown, "slack": numbers(self._slack)}

    def take_up(self, held: Held) -> None:
        """Goes on from a `state` of the same tags.

        Raises:
            Damaged: it is none.
        """
        shown = held.part("changes")
        for column in self._changes:
            self._changes[column] = shown.few(str(column), SHOWN_BY - 1)
        self._slack = held.numbers("slack", len(self._slack))


def forgiven(differences: Values, slack: Values) -> Values:
    """`differences` without what `slack`, of the same shape and unit, explains."""
    if not slack.any():
        return differences
    less: Values = np.sign(differences) * np.maximum(np.abs(differences) - slack, 0.0)
    return less


def _runs(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For how many of `flags` in a row each holds, shape (changes,)."""
    at = np.arange(1, len(flags) + 1)
    runs: NDArray[np.int64] = at - np.maximum.accumulate(np.where(flags, 0, at))
    return runs
