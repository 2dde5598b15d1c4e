"""Which column is the time: the one that was named, else the first whose values look like it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from tocsin.records.errors import OperatorError
from tocsin.sources.historian.arrow import Column, pc
from tocsin.sources.historian.notices import Notices, listed, shown
from tocsin.sources.historian.stamps import CLOCK_ONLY, family_of

_SAMPLE: Final = 500
_LOOKED: Final = 64
"""Columns that are looked at whatever their names."""

_MOST: Final = 0.8
"""Share of the sample that must look like times: rows of units stand above them, and some are damaged."""

_NAMED: Final = re.compile(
    r"_?(date[ _]?time.*|time[ _]?stamp.*|time.*|.*[ _]time|date|datum.*|zeit.*|uhrzeit|ts|t_stamp|fecha.*|hora|heure|horodat.*|epoch.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """Where times stand.

    Attributes:
        name: The column.
        family: What they look like (`stamps.FAMILIES`), or `stamp` where Parquet says that they are times.
        clock: Another column with the time of day, '' where there is none.
    """

    name: str
    family: str
    clock: str = ""

    def of(self, block: pa.RecordBatch) -> Column:
        """The times in `block`."""
        column = flat(block.column(block.schema.get_field_index(self.name)))
        if not self.clock:
            return column
        clock = flat(block.column(block.schema.get_field_index(self.clock)))
        return pc.binary_join_element_wise(column, clock, " ")


def flat(column: Column) -> Column:
    """`column` as plain values: dictionaries unfolded, every kind of text as one."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = pc.cast(column, pa.string())
    return column


def time_column_of(block: pa.RecordBatch, asked: str | None, notices: Notices) -> TimeColumn:
    """The column of time, from the first block of a file.

    Raises:
        OperatorError: there is none, or not the one that was asked for.
    """
    names = block.schema.names
    if asked is not None:
        name = named(asked, names)
        if name is None:
            raise OperatorError(
                f"{notices.file} has no column {shown(asked)}: it has {listed(list(names))}.",
                "Name its column of time.",
            )
        family = _family(block, name, timely=True)
        if not family:
            raise OperatorError(
                f"{notices.file}: {shown(_example(block, name))} in the column {shown(name)} is no time that is known.",
                "Write times like 2026-03-01 14:00:00, or as seconds since 1970.",
            )
        return _with_clock(block, TimeColumn(name, family))
    timely = [name for name in names if _NAMED.fullmatch(name)]
    for name in (*timely, *[one for one in names[:_LOOKED] if one not in timely]):
        if family := _family(block, name, timely=name in timely):
            return _with_clock(block, TimeColumn(name, family))
    raise OperatorError(
        f"{notices.file} has no column of times that is known; it has {listed(list(names))}.",
        "Name it with --time COLUMN; times look like 2026-03-01 14:00:00.",
    )


def named(asked: str, names: list[str]) -> str | None:
    """The name among `names` that was `asked` for, however it is written large or small; None where there is none."""
    wanted = " ".join(asked.split())
    alike = [one for one in names if one.casefold() == wanted.casefold()]
    return wanted if wanted in names else (alike[0] if alike else None)


def _sample(block: pa.RecordBatch, name: str) -> Column:
    column = flat(block.column(block.schema.get_field_index(name)))[:_SAMPLE]
    filled = column.filter(pc.is_valid(column))
    if pa.types.is_string(filled.type):
        filled = filled.filter(pc.match_substring_regex(filled, r"\S"))
    return filled


def _example(block: pa.RecordBatch, name: str) -> str:
    sample = _sample(block, name)
    return str(sample[len(sample) // 2].as_py()) if len(sample) else ""


def _family(block: pa.RecordBatch, name: str, *, timely: bool) -> str:
    """What the values in a column look like as times, '' where they do not."""
    sample = _sample(block, name)
    if not len(sample):
        return ""
    if pa.types.is_timestamp(sample.type) or pa.types.is_date(sample.type):
        return "stamp"
    if pa.types.is_integer(sample.type) or pa.types.is_floating(sample.type):
        return "number" if timely else ""
    if not pa.types.is_string(sample.type):
        return ""
    family, share = family_of(sample, compact=timely, numbers=timely)
    return family if share >= (_MOST if len(sample) > 5 else 0.5) else ""


def _with_clock(block: pa.RecordBatch, found: TimeColumn) -> TimeColumn:
    """`found`, and the column of the time of day where dates stand alone."""
    sample = _sample(block, found.name)
    if (
        found.family in {"stamp", "number"}
        or pc.any(pc.match_substring(pc.utf8_trim_whitespace(sample), ":")).as_py()
    ):
        return found
    for name in block.schema.names[:_LOOKED]:
        other = _sample(block, name)
        if name != found.name and len(other) and pa.types.is_string(other.type):
            share = (pc.sum(pc.match_substring_regex(other, CLOCK_ONLY)).as_py() or 0) / len(other)
            if share >= _MOST:
                return TimeColumn(found.name, found.family, name)
    return found
