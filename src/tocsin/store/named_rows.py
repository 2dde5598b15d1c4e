"""The rows of a Parquet file that name somebody, and what is left without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tocsin.records.columns import to_events
from tocsin.records.errors import OperatorError
from tocsin.records.forgetting import Subject


def without(table: pa.Table, subject: Subject) -> pa.Table:
    """The rows of `table`, as `records/columns.py` makes them, that do not name `subject`."""
    chosen = _maybe(table, subject)
    numbers = pc.indices_nonzero(chosen).to_pylist()
    if not numbers:
        return table
    events = to_events(table.take(pa.array(numbers)))
    gone = {number for number, event in zip(numbers, events, strict=True) if subject.in_event(event)}
    if not gone:
        return table
    left = table.filter(pa.array([number not in gone for number in range(table.num_rows)]))
    unused = [
        name for name in left.column_names if subject.in_text(name) and left[name].null_count == left.num_rows
    ]
    return left.drop_columns(unused) if unused else left


def _maybe(table: pa.Table, subject: Subject) -> Any:
    """Which rows are worth a closer look."""
    chosen: Any = pa.array([False] * table.num_rows)
    texts = _parts(subject)
    for name in table.column_names:
        column = table[name]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            for text in texts:
                held: Any = pc.match_substring(column, text, ignore_case=True)
                chosen = pc.or_(chosen, pc.coalesce(held, pa.scalar(value=False)))
            if subject.in_text(name):
                chosen = pc.or_(chosen, pc.is_valid(column))
    return chosen


def _parts(subject: Subject) -> tuple[str, ...]:
    """Texts of which a row must hold one to name them."""
    if subject.kind == "address" and ":" in subject.id:  # one of its groups stands in each of its spellings
        groups = [group.lstrip("0") for group in subject.id.strip("[]").split(":") if "." not in group]
        return (max(groups, key=len),)
    return subject.spellings()


def rows_of(file: Path) -> pa.Table:
    """What is in the Parquet file `file`.

    Raises:
        OperatorError: it is damaged.
    """
    try:
        with pq.ParquetFile(file) as parquet:
            return parquet.read()
    except pa.ArrowException as error:
        raise OperatorError(
            f"{file} cannot be read, so it is not known whom it names: {error}",
            "Restore it from a backup, or remove the store.",
        ) from error
