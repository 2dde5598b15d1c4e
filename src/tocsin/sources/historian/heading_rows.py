"""Rows between the header and the first reading: they have no time, and may tell units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from tocsin.sources.historian.time_column import flat
from tocsin.sources.historian.unit_names import are_units

HEADING_ROWS: Final = 5
"""Rows under the header without a time that may tell of units and descriptions."""


def texts_of(block: pa.RecordBatch, rows: int) -> list[dict[str, str]]:
    """The texts in each of the first `rows` of `block`, by column."""
    head = block.slice(0, rows)
    columns = {
        name: flat(column).to_pylist() for name, column in zip(head.schema.names, head.columns, strict=True)
    }
    return [
        {name: cells[row] for name, cells in columns.items() if isinstance(cells[row], str)}
        for row in range(head.num_rows)
    ]


def units_row(rows: Sequence[dict[str, str]], time: str) -> dict[str, str]:
    """The first of `rows` that tells units, by column, that of `time` left out; nothing where none does."""
    others = ({name: text for name, text in row.items() if name != time} for row in rows)
    return next((row for row in others if are_units(list(row.values()))), {})
