"""Data quality: readings that miss, rows that miss or come again, and digits that were lost.

None of these is an attack by itself; each makes the promise worthless if nobody is told (DESIGN section 5: readings
coarser than those learnt made a promised 1% 74%), and a replayed recording looks perfectly normal otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tocsin.detect.plant.grid import HELD_ROWS
from tocsin.detect.plant.notices import NoticeKind
from tocsin.detect.plant.state import Damaged, Held, State, counts
from tocsin.detect.plant.tags import Tag, TagKind
from tocsin.detect.plant.view import Looked
from tocsin.records.readings import Instants, Readings, Values

LONGER: Final = 2.0
"""How many times what was seen on normal operation is told."""

COARSER: Final = 5.0
"""Readings on a step so many times the learnt one have lost digits: by chance one reading in five lies on it."""

LEAST_CHANGES: Final = 12
"""So many changes in a row that all end on the coarser step are told (by chance: one in 5^12), at the earliest."""

LEAST_REPEATED: Final = 6
"""So many rows in a row that repeat rows seen before are told, at the earliest."""

_PAGE: Final = 256
"""Rows of the remembered ones whose digests are kept together: a commit writes the pages that changed."""

_DIGEST: Final = 8

REMEMBERED: Final = 16_384
"""Rows that are remembered to find them repeated: nearly two years by the hour, eleven days by the minute."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What is told.

    Attributes:
        limits: Shape (2 · tags + 2,): for each tag rows unread, for each tag changes on a coarser step, then rows
            missing between two rows, and rows repeated.
    """

    limits: Values

    def shares(self, measures: Values) -> Values:
        """`measures` of shape (rows, 2 · tags + 2) as parts of what is told."""
        return measures / self.limits

    def meaning(self, column: int, names: Sequence[str]) -> tuple[NoticeKind, str]:
        """What a column of the limits is about, and whose it is."""
        if column < 2 * len(names):
            return (NoticeKind.MISSING, NoticeKind.COARSE)[column // len(names)], names[column % len(names)]
        return (NoticeKind.GAP, NoticeKind.REPEATED)[column - 2 * len(names)], ""


def fit_quality(most: Values) -> Quality:
    """What is told, from the largest measures of normal operation, shape (2 · tags + 2,)."""
    tags = len(most) // 2 - 1
    least = np.repeat([HELD_ROWS, LEAST_CHANGES, HELD_ROWS, LEAST_REPEATED], [tags, tags, 1, 1])
    return Quality(np.maximum(LONGER * most, least))


class Measures:
    """Measures rows, one batch after the other, however they are cut."""

    def __init__(self, tags: Sequence[Tag], spacing: int) -> None:
        self._spacing = max(1, spacing)
        self._moving = np.array([tag.kind is TagKind.CONTINUOUS for tag in tags])
        self._coarse = np.array(
            [COARSER * tag.step if tag.kind is TagKind.CONTINUOUS else 0.0 for tag in tags]
        )
        self._changes = np.zeros(len(tags), np.int64)
        self._rows = 0
        self._read = np.zeros(len(tags), np.int64)
        self._last: int | None = None
        self._seen: dict[bytes, int] = {}
        self._ring: list[bytes] = [b""] * REMEMBERED
        self._lag = self._run = 0

    def measure(self, times: Instants, looked: Looked) -> Values:
        """How bad the rows `looked`, read at `times`, are, shape (rows, 2 · tags + 2) as in `Quality.limits`."""
        rows = self._rows + np.arange(1, len(times) + 1)
        unread = rows[:, None] - np.maximum(
            np.maximum.accumulate(np.where(looked.read, rows[:, None], 0), axis=0), self._read
        )
        self._read = rows[-1] - unread[-1]
        before = times[0] - self._spacing if self._last is None else self._last
        missing = np.maximum(np.diff(times, prepend=before) / self._spacing - 1.0, 0.0)
        measures = np.column_stack([unread, self._on_coarse(looked), missing, self._repeated(looked)])
        self._rows, self._last = int(rows[-1]), int(times[-1])
        return measures.astype(np.float64)

    @property
    def rows(self) -> int:
        """How many rows were measured."""
        return self._rows

    @property
    def unread(self) -> NDArray[np.int64]:
        """For how many rows each tag was not read, shape (tags,)."""
        return self._rows - self._read

    def state(self) -> State:
        """All that it carries over, but for the remembered rows."""
        return {
            "changes": counts(self._changes), "rows": self._rows, "read": counts(self._read), "last": self._last,
            "lag": self._lag, "run": self._run,
        }  # fmt: skip

    def pages(self, since: int) -> dict[int, bytes]:
        """The remembered rows' digests by number of their page: the pages that rows after row number `since` changed."""
        first = max(since, self._rows - REMEMBERED)
        touched = {at % REMEMBERED // _PAGE for at in range(first, self._rows)} if self._moving.any() else ()
        return {page: b"".join(self._ring[page * _PAGE : (page + 1) * _PAGE]) for page in touched}

    def take_up(self, held: Held) -> None:
        """Goes on from a `state` of the same tags; the remembered rows are taken up by `take_up_pages`.

        Raises:
            Damaged: it is none.
        """
        tags = len(self._coarse)
        self._changes, self._read = held.counts("changes", tags), held.counts("read", tags)
        self._rows, self._last = held.whole("rows"), held.maybe("last")
        self._lag, self._run = held.whole("lag"), held.whole("run")
        if self._rows < 0 or not 0 <= self._lag <= REMEMBERED:
            raise Damaged("rows were counted wrongly")

    def take_up_pages(self, pages: Mapping[int, bytes]) -> None:
        """Remembers the rows of `pages`, once the rest was taken up.

        Raises:
            Damaged: they are not those of that state.
        """
        self._ring, self._seen = [b""] * REMEMBERED, {}
        for page, body in pages.items():
            if not 0 <= page < REMEMBERED // _PAGE or len(body) % _DIGEST or len(body) > _PAGE * _DIGEST:
                raise Damaged("remembered rows are misshapen")
            for at in range(len(body) // _DIGEST):
                self._ring[page * _PAGE + at] = body[at * _DIGEST : (at + 1) * _DIGEST]
        if not self._moving.any():
            return
        for row in range(max(0, self._rows - REMEMBERED), self._rows):
            digest = self._ring[row % REMEMBERED]
            if not digest:
                raise Damaged("remembered rows are missing")
            self._seen[digest] = row

    def _on_coarse(self, looked: Looked) -> Values:
        """For each tag, how many changes in a row ended on the coarser step; shape (rows, tags)."""
        steps = looked.values / np.where(self._coarse > 0, self._coarse, 1.0)
        on = np.abs(steps - np.rint(steps)) < 1e-6
        changed = (looked.values != looked.before) & (self._coarse > 0) & looked.read
        counted = self._changes + np.cumsum(changed & on, axis=0)
        ended = np.maximum.accumulate(np.where(changed & ~on, counted, 0), axis=0)
        runs: Values = counted - ended
        self._changes = runs[-1]
        return runs

    def _repeated(self, looked: Looked) -> Values:
        """How many rows in a row are the same as rows before, in their order; shape (rows,)."""
        runs = np.zeros(len(looked.values))
        if not self._moving.any():
            return runs
        shown = np.ascontiguousarray(looked.values[:, self._moving])
        for row, values in enumerate(shown):
            runs[row] = self._repeats(
                self._rows + row, blake2b(values.tobytes(), digest_size=_DIGEST).digest()
            )
        return runs

    def _repeats(self, at: int, digest: bytes) -> int:
        if self._lag and self._ring[(at - self._lag) % REMEMBERED] == digest:
            self._run += 1
        else:
            then = self._seen.get(digest)
            self._lag, self._run = (at - then, 1) if then is not None else (0, 0)
        gone = self._ring[at % REMEMBERED]
        if self._seen.get(gone) == at - REMEMBERED:
            del self._seen[gone]
        self._ring[at % REMEMBERED], self._seen[digest] = digest, at
        return self._run


def aligned(names: Sequence[str], readings: Readings) -> tuple[Readings, list[str], list[str]]:
    """`readings` with the columns `names`, the names that it has no column for, and those of its columns that are new."""
    if readings.tags == tuple(names):
        return readings, [], []
    at = {name: column for column, name in enumerate(readings.tags)}
    values = np.full((len(readings), len(names)), np.nan)
    for column, name in enumerate(names):
        if name in at:
            values[:, column] = readings.values[:, at[name]]
    gone = [name for name in names if name not in at]
    return Readings(tuple(names), readings.times, values), gone, sorted(set(readings.tags) - set(names))


def in_order(tags: tuple[str, ...], times: Instants, values: Values) -> list[Readings]:
    """Rows as they came, cut where their clock goes back; of rows with the same time the last one stands.

    A watcher tells of the clock at each cut. Both `times`, shape (rows,), and `values`, shape (rows, tags), as read.
    """
    if not len(times):
        return []
    later = np.append(np.diff(times) != 0, True)
    times, values = times[later], values[later]
    cuts = [0, *(np.flatnonzero(np.diff(times) < 0) + 1).tolist(), len(times)]
    return [Readings(tags, times[a:b], values[a:b]) for a, b in pairwise(cuts)]
