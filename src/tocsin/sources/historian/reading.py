"""Files of a historian in, readings out: `read_history(paths, how) -> History`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.instants import rfc3339
from tocsin.records.readings import Instants, Notice, Readings, Spelling, Values
from tocsin.sources.historian.heading_rows import HEADING_ROWS, texts_of, units_row
from tocsin.sources.historian.long_form import Long, long_form_of
from tocsin.sources.historian.notices import Notices, counted, shown
from tocsin.sources.historian.opening import table_in
from tocsin.sources.historian.ordering import in_order, joined
from tocsin.sources.historian.stamps import Stamps, Zoned
from tocsin.sources.historian.tables import Table
from tocsin.sources.historian.time_column import TimeColumn, named, time_column_of
from tocsin.sources.historian.unit_names import Unit
from tocsin.sources.historian.units import Measured
from tocsin.sources.historian.wide import Wide

_ENDINGS: Final = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".gz", ".zst")


@dataclass(frozen=True, slots=True)
class How:
    """How files are to be read.

    Attributes:
        time: The column of time; None to find it.
        ignore: Columns (in long tables: tags) that are left out.
        zone: What times without a zone mean.
        spelling: How texts were read when the model was learnt.
        known: The tags of that model, which show numbers where `spelling` has no words for them.
    """

    time: str | None = None
    ignore: tuple[str, ...] = ()
    zone: tzinfo = UTC
    spelling: Spelling = field(default_factory=Spelling)
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What files held.

    Attributes:
        readings: In order of time, every file's together.
        spelling: How their texts were read.
        notices: What their owner should know.
    """

    readings: Readings
    spelling: Spelling
    notices: tuple[Notice, ...]


def history_files(paths: Sequence[Path]) -> list[Path]:
    """The files that `paths` name; of a folder those that a historian may have written, by name, but hidden ones.

    Raises:
        OperatorError: there are none, or too many, or a folder cannot be read.
    """
    found: list[Path] = []
    for path in paths:
        try:
            own = _within(path) if path.is_dir() else [path]
        except OSError as error:
            raise OperatorError(
                f"The folder {path} cannot be read: {error.strerror or error}.", "Look at its rights."
            ) from error
        if not own:
            raise OperatorError(
                f"The folder {path} holds no CSV or Parquet file.", "Name the files themselves."
            )
        found += own
    if len(found) > bounds.HISTORIAN_FILES:
        raise OperatorError(
            f"These are {len(found):,} files.", f"Give at most {bounds.HISTORIAN_FILES:,} at a time."
        )
    return found


def _within(folder: Path) -> list[Path]:
    """What a historian may have written into `folder`; what is hidden is still being copied, mostly."""
    return sorted(
        one
        for one in folder.iterdir()
        if one.suffix.lower() in _ENDINGS and not one.name.startswith(".") and one.is_file()
    )


def read_history(paths: Sequence[Path], how: How) -> History:
    """The readings in the files `paths`.

    Raises:
        OperatorError: one of them cannot be read, or holds no readings.
    """
    reader = Reader(how)
    for path in paths:
        if path.exists() and not path.is_file():  # a pipe without a writer would be waited for
            raise OperatorError(f"{path} is no file.", "Give files, or folders of them.")
        try:
            with path.open("rb") as file:
                reader.read(file, str(path))
        except OperatorError as error:
            if len(paths) == 1:
                raise
            raise OperatorError(
                error.what, f"{error.next_step} Or leave it out: the others can be read without it."
            ) from error
        except OSError as error:
            raise OperatorError(
                f"{path} cannot be read: {error.strerror or error}.", "Look at its name and its rights."
            ) from error
    return reader.history()


class Reader:
    """Reads files of one historian, one after the other, each as those before it were read."""

    def __init__(self, how: How) -> None:
        self._how = how
        self._day_first = how.spelling.day_first
        self._habits = {tag: how.spelling.words.get(tag, ()) for tag in (*how.known, *how.spelling.words)}
        self._measured = Measured(how.known, how.spelling.units)
        self._parts: list[Readings] = []
        self._units: list[dict[str, Unit]] = []
        self._notices: list[Notice] = []
        self._ignored: set[str] = set()

    def read(self, file: BinaryIO, name: str) -> None:
        """Reads `file` (seekable); `name` tells of it in notices.

        Raises:
            OperatorError: it cannot be read, holds no readings, or more than fit into memory.
        """
        notices = Notices(name)
        part, units = self._read(table_in(file, notices), notices)
        self._notices += notices.done()
        self._parts.append(part)
        self._units.append(units)
        if sum(one.values.size for one in self._parts) > bounds.HISTORIAN_CELLS:
            raise OperatorError(
                "The files hold more readings than fit into memory.", "Give fewer files, or a wider interval."
            )

    def history(self) -> History:
        """All that was read."""
        for name in self._how.ignore:
            if name not in self._ignored:
                self._notices.append(Notice(f"There is no column {shown(name)} to ignore."))
        words = {tag: said for tag, said in self._habits.items() if said}
        parts, units, told = self._measured.alike(self._parts, self._units)
        readings = joined(parts, self._notices)
        return History(readings, Spelling(words, self._day_first, units), (*self._notices, *told))

    def _read(self, table: Table, notices: Notices) -> tuple[Readings, dict[str, Unit]]:
        blocks = (block.rename_columns(list(table.names)) for block in table.blocks)
        first = next(blocks, None)
        if first is None or not first.num_rows:
            raise OperatorError(f"{notices.file} has a header and no rows.", "Export it anew.")
        time = time_column_of(first, self._how.time, notices)
        stamps = Stamps(time.family)
        left_out = self._left_out(table.names)
        form = long_form_of(table.names, time.name)
        rows: Long | Wide
        if form is not None:
            notices.tell(
                f"Read as one reading a row: {shown(form.tag)} names the tag, {shown(form.value)} its value."
            )
            rows = Long(form, decimal_comma=table.decimal_comma, file=notices.file)
        else:
            tags = tuple(one for one in table.names if one not in {time.name, time.clock, *left_out})
            rows = Wide(tags, decimal_comma=table.decimal_comma, file=notices.file)
        above = _take(chain([first], blocks), time, stamps, rows, notices)
        times = stamps.instants(Zoned(self._how.zone, self._day_first), time.name, notices)
        self._day_first = stamps.day_first if self._day_first is None else self._day_first
        own, times, values, words = self._put_together(rows, times, notices)
        told = (
            rows.units(frozenset(self._how.ignore))
            if isinstance(rows, Long)
            else {**units_row(above, set(own)), **table.units}
        )
        names, units = self._measured.named(own, words, told, notices)
        for name, one in zip(names, own, strict=True):
            if words[one] or name not in self._habits:
                self._habits[name] = words[one]
        return in_order(names, times, values, notices), units

    def _left_out(self, names: tuple[str, ...]) -> set[str]:
        found = {one: name for one in self._how.ignore if (name := named(one, list(names))) is not None}
        self._ignored |= set(found)
        return set(found.values())

    def _put_together(
        self, rows: Long | Wide, times: Instants, notices: Notices
    ) -> tuple[tuple[str, ...], Instants, Values, dict[str, tuple[str, ...]]]:
        if isinstance(rows, Long):
            self._ignored |= set(rows.tags) & set(self._how.ignore)
            return rows.values(times, frozenset(self._how.ignore), self._habits, notices)
        names, values, words = rows.values(self._habits, notices)
        return names, times, values, words


def _take(
    blocks: Iterable[pa.RecordBatch], time: TimeColumn, stamps: Stamps, rows: Long | Wide, notices: Notices
) -> list[dict[str, str]]:
    """Hands every block to `stamps` and `rows`; rows without a time are left out, and told.

    Returns:
        What stands in those right under the header.
    """
    seen, headings, without = 0, 0, 0
    above: list[dict[str, str]] = []
    for block in blocks:
        kept = stamps.take(time.of(block))
        rows.take(block, kept)
        lacking = np.flatnonzero(~kept)
        if not seen and len(kept) > 1:
            headings = min(HEADING_ROWS, int(np.argmax(kept)) if kept.any() else 0)
            above = texts_of(block, headings)
        without += len(lacking)
        seen += len(kept)
    if headings:
        notices.tell(
            f"{counted(headings, 'row')} under the header without a time left out, as units or descriptions."
        )
    if without > headings:
        notices.tell(
            f"{counted(without - headings, 'row')} without a time that can be read left out.", lost=True
        )
    if without > seen / 2 + HEADING_ROWS:
        raise OperatorError(
            f"{notices.file}: {without:,} of {seen:,} rows have no time that can be read in {shown(time.name)}.",
            "Name another column with --time, or export it anew.",
        )
    return above


def span_of(readings: Readings) -> str:
    """`2026-03-01T00:00:00Z to 2026-03-08T00:00:00Z`."""
    return f"{rfc3339(int(readings.times[0]))} to {rfc3339(int(readings.times[-1]))}"
