"""Readings of a plant: what every tag showed at every instant, as a historian keeps it.

Importing this module needs numpy, which comes with the extra `tocsin[plant]`; nothing outside the plant's path imports it.
"""

from __future__ import annotations

from dataclasses import dataclass

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
            raise ValueError(f"{rows} rows of {columns} values for {len(self.times)} instants of {len(self.tags)} tags")
        if rows > 1 and not bool((np.diff(self.times) > 0).all()):
            raise ValueError("the rows are not in order of time")

    def __len__(self) -> int:
        return len(self.times)

    def rows(self, start: int, stop: int) -> Readings:
        """The rows from `start` up to `stop`, as a view."""
        return Readings(self.tags, self.times[start:stop], self.values[start:stop])
