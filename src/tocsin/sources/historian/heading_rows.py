"""Rows between the header and the first reading: they have no time, and may tell units."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import pyarrow as pa

from tocsin.sources.historian.time_column import flat
from tocsin.sources.historian.unit_names import share_of_units

HEADING_ROWS: Final = 5
"""Rows under the header without a time that may tell of units and descriptions."""

LEAST_KNOWN: Final = 0.5
"""A row whose cells are known units by this share tells units; the others are units that are not known."""


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


def units_row(rows: Sequence[dict[str, str]], tags: Collection[str]) -> dict[str, str]:
    """That of `rows` that tells units, by column, those of `tags` only; nothing where none does."""
    found: tuple[float, dict[str, str]] = 0.0, {}
    for row in rows:
        others = {name: text for name, text in row.items() if name in tags}
        found = max(found, (share_of_units(list(others.values())), others), key=lambda one: one[0])
    return found[1] if found[0] >= LEAST_KNOWN else {}
