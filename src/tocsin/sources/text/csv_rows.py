"""CSV with a header (RFC 4180): commas, semicolons, tabs or bars; quoted fields may hold line ends.

What the columns mean is decided by the header: an operator's mapping (`ReadContext.columns`), the Microsoft 365 audit
export, Entra's sign-in and audit exports, Windows event exports (`csv_profiles.py`), or nothing: then fields stand
under their columns' names and there is no logsource.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

from tocsin.config.bounds import CSV_ROW_LINES, FIELDS_PER_RECORD, RECORD_BYTES
from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.csv_profiles import Profile, profile_of

DELIMITERS = ",;\t|"
_LINES_JUDGED = 50

csv.field_size_limit(RECORD_BYTES)  # the module's own limit is 128 KiB; the bound on records is ours


def delimiter_of(header: str) -> str:
    """The delimiter that cuts `header` into most columns, a comma where none does."""
    return max(DELIMITERS, key=lambda delimiter: len(columns_of(header, delimiter)))


def columns_of(row: str, delimiter: str) -> list[str]:
    """The columns of a whole `row`.

    Raises:
        BadRecord: it is no CSV row.
    """
    try:
        return next(csv.reader([row], delimiter=delimiter), [])
    except csv.Error as error:
        raise BadRecord(f"It is no CSV row: {error}.") from None


def is_open(row: str, delimiter: str, *, inside: bool = False) -> bool:
    """Whether a quoted field of `row` has not ended yet; `inside`: one was open when `row` began."""
    at = 0
    quoted = inside or row.startswith('"')
    if quoted and not inside:
        at = 1
    while True:
        if quoted:
            quote = row.find('"', at)
            if quote < 0:
                return True
            if row.startswith('"', quote + 1):
                at = quote + 2
                continue
            at = quote + 1
        end = row.find(delimiter, at)
        if end < 0:
            return False
        at = end + 1
        quoted = row.startswith('"', at)
        at += quoted


class CsvParser:
    """Reads one file: the header first, then rows, which may span lines (`SpanningParser`)."""

    def __init__(self, context: ReadContext) -> None:
        self._context = context
        self._delimiter = ""
        self._names: list[str] = []
        self._profile: Profile | None = None
        self._lines: list[str] = []
        self._chars = 0

    @property
    def pending(self) -> bool:
        """Whether a row's quoted field has not ended."""
        return bool(self._lines)

    def parse(self, line: str) -> Draft | None:
        """The draft of a row, None for the header, a blank line, or a row that is not whole yet.

        Raises:
            BadRecord: the row has not as many columns as the header, is too long, or its profile cannot read it.
        """
        if not self._lines and (not line.strip() or self._is_preamble(line)):
            return None
        if not self._delimiter:
            self._delimiter = delimiter_of(line)
        still_open = is_open(line, self._delimiter, inside=bool(self._lines))
        self._lines.append(line)
        self._chars += len(line) + 1
        if still_open:
            self._check_length()
            return None
        row = "\n".join(self._lines)
        self._forget()
        return self._row(row)

    def finish(self) -> Draft | None:
        """Nothing: a row that is open at the end of the file is broken.

        Raises:
            BadRecord: a row is open.
        """
        if self._lines:
            self._forget()
            raise BadRecord("The file ends inside a quoted field.")
        return None

    def _is_preamble(self, line: str) -> bool:
        """Excel's `sep=;` and Export-Csv's `#TYPE …` before the header."""
        if self._names:
            return False
        if line.lower().startswith("sep=") and line.strip()[4:] in tuple(DELIMITERS):
            self._delimiter = line.strip()[4]
            return True
        return line.startswith("#TYPE ")

    def _check_length(self) -> None:
        if len(self._lines) > CSV_ROW_LINES or self._chars > RECORD_BYTES:
            self._forget()
            raise BadRecord(f"A quoted field does not end within {CSV_ROW_LINES} lines.")

    def _forget(self) -> None:
        self._lines, self._chars = [], 0

    def _row(self, row: str) -> Draft | None:
        values = columns_of(row, self._delimiter)
        if not self._names:
            self._names = [name.strip().lstrip("\ufeff") for name in values[:FIELDS_PER_RECORD]]
            self._profile = profile_of(self._names, self._context)
            return None
        assert self._profile is not None
        names = self._names
        if len(values) == len(names) + 1 and self._profile.extra_column:
            names = [*names, self._profile.extra_column]
        if len(values) != len(names):
            raise BadRecord(f"The row has {len(values)} columns, its header {len(names)}.")
        cells = {name: value for name, value in zip(names, values, strict=True) if name and value != ""}
        return self._profile.draft(cells, self._context)


class CsvRows:
    """CSV with a header."""

    name = "csv"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:
        """0.97 with a header that a profile knows; 0.4 with one of plain names above rows of as many columns."""
        lines = [line for line in sample if line.strip()]
        if len(lines) < 1 or lines[0].lstrip("\ufeff")[:1] in "{[<":
            return 0.0
        header = next((line for line in lines if not line.startswith("#TYPE ")), "")
        try:
            delimiter = delimiter_of(header)
            names = [name.strip().lstrip("\ufeff") for name in columns_of(header, delimiter)]
            if profile_of(names, context).certain:
                return 0.97
            return (
                0.4
                if _plain_header(names) and _even(lines[lines.index(header) + 1 :], delimiter, len(names))
                else 0.0
            )
        except BadRecord:
            return 0.0

    def parser(self, context: ReadContext) -> CsvParser:
        """A new parser for one file."""
        return CsvParser(context)


def _plain_header(names: Sequence[str]) -> bool:
    """At least two columns, each named, no two alike, none a number."""
    return (
        len(names) >= 2
        and len(set(names)) == len(names)
        and all(name and not name.replace(".", "").isdigit() and len(name) < 128 for name in names)
    )


def _even(lines: Sequence[str], delimiter: str, count: int) -> bool:
    """Whether most of the first rows have `count` columns; a row that the sample cuts off tells nothing."""
    rows: list[str] = []
    inside = False
    for line in lines[:_LINES_JUDGED]:
        rows.append(f"{rows.pop()}\n{line}" if inside else line)
        inside = is_open(line, delimiter, inside=inside)
    whole = rows[:-1] if inside else rows
    fitting = sum(1 for row in whole if len(columns_of(row, delimiter)) == count)
    return bool(rows) and fitting >= len(whole) * 0.6
