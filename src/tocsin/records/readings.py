"""Readings of a plant: what every tag showed at every instant, as a historian keeps it.

Importing this module needs numpy, which comes with the extra `tocsin[plant]`; nothing outside the plant's path imports it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Instants = NDArray[np.int64]
"""Shape (rows,); microseconds since 1970, as everywhere (`records/instants.py`)."""

Values = NDArray[np.float64]
"""Shape (rows, tags) or (rows,); NaN where nothing was read."""

Flags = NDArray[np.bool_]
"""Shape (rows,) or (rows, tags)."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Rows of readings, oldest first.

    Attributes:
        tags: Names of the columns, each once.
        times: When each row was read; strictly increasing.
        values: What was read; NaN where nothing was.
    """

    tags: tuple[str, ...]
    times: Instants
    values: Values

    def __post_init__(self) -> None:
        rows, columns = self.values.shape
        if rows != len(self.times) or columns != len(self.tags):
            raise ValueError(
                f"{rows} rows of {columns} values for {len(self.times)} instants of {len(self.tags)} tags"
            )
        if rows > 1 and not bool((np.diff(self.times) > 0).all()):
            raise ValueError("the rows are not in order of time")

    def __len__(self) -> int:
        return len(self.times)

    def rows(self, start: int, stop: int) -> Readings:
        """The rows from `start` up to `stop`, as a view."""
        return Readings(self.tags, self.times[start:stop], self.values[start:stop])

    def of(self, tags: Sequence[str]) -> Readings:
        """The columns `tags`, in that order; one that is not here is all NaN."""
        columns = {name: column for column, name in enumerate(self.tags)}
        picked = np.full((len(self), len(tags)), np.nan)
        for column, name in enumerate(tags):
            if name in columns:
                picked[:, column] = self.values[:, columns[name]]
        return Readings(tuple(tags), self.times, picked)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How texts of a historian were read, so that later files of it are read alike.

    Attributes:
        words: For each tag whose readings are words (`OPEN`), these words; a word's place is its number.
        day_first: Whether `03/04/2026` was the third of April; None where no date needed to know.
        units: In which unit each tag is read, as its source spells it; without tags whose source states none.
    """

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    day_first: bool | None = None
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about readings that their owner should know.

    Attributes:
        said: One or two sentences.
        lost: Whether something could not be read, so that what follows rests on less than was given.
        meaning: Whether it tells of what numbers mean (their unit), so that whoever reads them must know of it.
    """

    said: str
    lost: bool = False
    meaning: bool = False
