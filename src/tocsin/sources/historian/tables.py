"""A file as blocks of columns, whichever format it has: texts where it is CSV, whatever was stored where it is Parquet."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.sources.content import ReadingStopped, Reads
from tocsin.sources.historian.dialect import COMMENTS, dialect_of, encoding_of, names_of
from tocsin.sources.historian.notices import Notices

_UNIT_KEYS: Final = (b"unit", b"units", b"uom", b"engunit", b"engunits")


@dataclass(frozen=True, slots=True)
class Table:
    """A file's columns.

    Attributes:
        names: Of the columns, each once.
        blocks: The rows, in order, as record batches with these columns. Taken once.
        decimal_comma: Whether a comma in a text is a decimal sign.
        units: Units of columns, where the file itself describes them.
    """

    names: tuple[str, ...]
    blocks: Iterator[pa.RecordBatch]
    decimal_comma: bool = False
    units: Mapping[str, str] = field(default_factory=dict)


class Seekable(Reads, Protocol):
    """A file that Parquet can be read from."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves to `offset`."""

    def tell(self) -> int:
        """Where it is."""


def csv_table(reads: Reads, notices: Notices) -> Table:
    """The table of a CSV file.

    Raises:
        OperatorError: it is none.
    """
    lines = _Lines(reads, notices)
    head = lines.head()
    dialect = dialect_of(head, whole=lines.ended, notices=notices)
    names = names_of(dialect.header, notices)
    if len(names) > bounds.HISTORIAN_TAGS:
        raise OperatorError(
            f"{notices.file} has {len(names):,} columns.", f"At most {bounds.HISTORIAN_TAGS:,} can be read."
        )
    lines.skip(dialect.begins)
    return Table(names, _csv_blocks(lines, dialect.delimiter, names, notices), dialect.decimal_comma)


def _arrow_file(file: Any) -> Any:
    """What pyarrow reads: anything that has `read`, and for Parquet `seek` and `tell`."""
    return pa.PythonFile(file, mode="r")


def _csv_blocks(
    lines: _Lines, delimiter: str, names: tuple[str, ...], notices: Notices
) -> Iterator[pa.RecordBatch]:
    def set_aside(row: Any) -> Literal["skip"]:
        if not (row.text or "").lstrip().startswith(COMMENTS):
            notices.odd_rows += 1
        return "skip"

    try:
        reader = pa_csv.open_csv(
            _arrow_file(lines),
            read_options=pa_csv.ReadOptions(
                column_names=list(names), block_size=bounds.HISTORIAN_BLOCK_BYTES
            ),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=set_aside),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
        yield from reader
    except pa.ArrowInvalid as error:
        if lines.anything:
            raise OperatorError(
                f"{notices.file} cannot be read as CSV: {_first_line(error)}.", "Export it anew."
            ) from error
        return  # pyarrow's word for a file without rows
    except pa.ArrowException as error:
        raise OperatorError(
            f"{notices.file} cannot be read as CSV: {_first_line(error)}.", "Export it anew."
        ) from error


class _Lines:
    """A text as whole lines in UTF-8, for pyarrow to read; a line that a damaged file cuts off is left out."""

    closed = False

    def __init__(self, reads: Reads, notices: Notices) -> None:
        self._reads, self._notices = reads, notices
        self._head = self._raw(bounds.HISTORIAN_HEAD_BYTES)
        self._decode = codecs.getincrementaldecoder(encoding_of(self._head))("replace")
        self._tail = b""
        self.ended = len(self._head) < bounds.HISTORIAN_HEAD_BYTES
        self.anything = False

    def head(self) -> str:
        """The text's beginning."""
        text = self._decode.decode(self._head, final=self.ended)
        self._text = text
        return text

    def skip(self, chars: int) -> None:
        """Leaves out the first `chars` characters of the beginning."""
        self._tail = self._text[chars:].encode("utf-8", "replace")
        self._text, self._head = "", b""

    def read(self, size: int = -1) -> bytes:
        """Whole lines; about `size` bytes at most, b'' at the end."""
        want = size if 0 < size < bounds.HISTORIAN_BLOCK_BYTES else bounds.HISTORIAN_BLOCK_BYTES
        while (b"\n" not in self._tail or len(self._tail) < want) and not self.ended:
            self._more()
        cut = len(self._tail) if self.ended else self._tail.rfind(b"\n") + 1
        if self.ended and self._notices.stopped:
            cut = self._tail.rfind(b"\n") + 1
            self._tail = self._tail[:cut]
        given, self._tail = self._tail[: min(cut, want)], self._tail[min(cut, want) :]
        self.anything = self.anything or bool(given.strip())
        return given

    def _more(self) -> None:
        data = self._raw(bounds.READ_BLOCK_BYTES)
        self.ended = not data
        self._tail += self._decode.decode(data, final=self.ended).encode("utf-8", "replace")
        if len(self._tail) > bounds.RECORD_BYTES + bounds.HISTORIAN_BLOCK_BYTES and b"\n" not in self._tail:
            raise OperatorError(f"{self._notices.file} has a line of more than 16 MiB.", "Export it anew.")

    def _raw(self, size: int) -> bytes:
        parts, left = [], size
        try:
            while left and (data := self._reads.read(left)):
                parts.append(data)
                left -= len(data)
        except ReadingStopped as error:
            self._notices.stopped = str(error)
        return b"".join(parts)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is not."""
        return False

    def flush(self) -> None:
        """Nothing is written."""

    def close(self) -> None:
        """Nothing is held."""


def parquet_table(file: Seekable, notices: Notices) -> Table:
    """The table of a Parquet file.

    Raises:
        OperatorError: it is none, or holds more than fits.
    """
    try:
        parquet = pa_parquet.ParquetFile(_arrow_file(file))
        schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(notices, error) from error
    if len(schema.names) > bounds.HISTORIAN_TAGS or rows * max(1, len(schema.names)) > bounds.HISTORIAN_CELLS:
        raise OperatorError(
            f"{notices.file} holds {rows:,} rows of {len(schema.names):,} columns, more than fits into memory.",
            "Export a shorter stretch, fewer tags or a wider interval.",
        )
    batch = max(
        256, min(bounds.HISTORIAN_BATCH_ROWS, bounds.HISTORIAN_BATCH_ROWS * 64 // max(1, len(schema.names)))
    )
    names = names_of(schema.names, notices)
    units = {name: unit for name, column in zip(names, schema, strict=True) if (unit := _unit_of(column))}
    return Table(names, _parquet_blocks(parquet, batch, notices), units=units)


def _unit_of(column: Any) -> str:
    """What the description of a column says of its unit, under the usual keys; "" for nothing."""
    described = {key.lower(): text for key, text in (column.metadata or {}).items()}
    text = next((described[key] for key in _UNIT_KEYS if key in described), b"")
    return text[: 4 * bounds.HISTORIAN_NAME_CHARS].decode("utf-8", "replace")


def _parquet_blocks(
    parquet: pa_parquet.ParquetFile, batch: int, notices: Notices
) -> Iterator[pa.RecordBatch]:
    try:
        for block in parquet.iter_batches(batch_size=batch):
            block.validate(full=True)  # texts that are no UTF-8 break whatever reads them
            yield block
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(notices, error) from error


def _damaged(notices: Notices, error: Exception) -> OperatorError:
    return OperatorError(
        f"{notices.file} cannot be read as Parquet: {_first_line(error)}.", "Export it anew."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
