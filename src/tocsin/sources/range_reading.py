"""Reads the ranges that `ranges.py` cuts a file into, and what is left of a file where that turns out not to be possible.

1. A range is *regular* if each record in it is a JSON object alone on a line (`JsonValues.regular`), and if the first one
   has but one shape (`recognise.shapes`): then nothing in it depends on what stands before it or behind it, and it ends
   between two records. Ordinals count from its start, and are shifted by who knows how many records stand before it.
2. What a range that is not regular gives counts for nothing: from its start the file is read on to its end (`Rest`), in
   the state in which the regular ranges before it leave the reader.
3. A file that another one took the place of, or that became shorter, is told so, and not read on. One that grew is read
   to the end that it then has.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from tocsin.records.event import EventBatch, SetAside
from tocsin.sources import recognise
from tocsin.sources.containers import Opened, printable
from tocsin.sources.content import Content, ReadingStopped
from tocsin.sources.fingerprint import HEAD_BYTES
from tocsin.sources.interface import ReadContext
from tocsin.sources.json_values import JsonValue, JsonValues
from tocsin.sources.ranges import FileRange, version_of
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import Reading, ReadOptions, read_files
from tocsin.sources.recognise import ObjectReader
from tocsin.sources.records import Record, object_records, stopped
from tocsin.sources.text_stream import TextStream

_BLANK = b" \t\r\n,\0"
_CHANGED = "the file was replaced or became shorter while it was read; the rest was not read"


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a file, from the start of a range on.

    Attributes:
        of: That range.
        records: How many records stand before it.
        held: How many of them, and of what raw size (bytes), belong into the batch that its first records do.
        shape: That of the last one (`ObjectReader.last`).
    """

    of: FileRange
    records: int
    held: tuple[int, int]
    shape: str


class RangeReading:
    """Reads one range.

    Args:
        part: Which.
        options: How; its `streams` is not asked.
        counts: Counted up while reading.

    Attributes:
        head: The first `HEAD_BYTES` of the file, b"" where the range is not the first one.
        sizes: The length of each record's raw text, in order.
        regular: Whether what was given counts; known once all was taken.
        shape: That of the last record (`ObjectReader.last`), "" where there was none.
    """

    def __init__(self, part: FileRange, options: ReadOptions, counts: ReadCounts) -> None:
        self._part = part
        self._options = options
        self._counts = counts
        self._unshaped = True
        self.head = b""
        self.sizes = array("L")
        self.regular = True
        self.shape = ""

    def batches(self) -> Iterator[EventBatch]:
        """Its events, their stream "" and their `seq` counted from its start; ends early where it is not regular."""
        reading = Reading(self._options, self._counts)
        try:
            with _opened(self._part, self._part.stop) as (opened, head):
                self.head = b"" if self._part.start else head
                yield from reading.of(opened, self._numbered(opened, reading.context(opened)))
                self._counts.sources += self._part.start == 0
                self._counts.size += opened.content.offset - self._part.start
        except (OSError, ReadingStopped):  # whoever reads the rest will say so
            self.regular = False
        yield from reading.flush()

    def _numbered(self, opened: Opened, context: ReadContext) -> Iterator[tuple[str, int, Record]]:
        reader = ObjectReader(context, self._part.how.object_format)
        stream = _text(opened, self._part)
        values = _values(stream, reader, context)
        for record in object_records(self._shaped(values), reader):
            if not (values.regular and self.regular):
                break
            yield "", len(self.sizes), record
            self.sizes.append(len(record.raw))
        self.regular = self.regular and values.regular and stream.stopped is None
        self.shape = "" if self._unshaped else reader.last

    def _shaped(self, values: Iterable[JsonValue]) -> Iterator[JsonValue]:
        """`values`; where the first may have several shapes, the record before it has a say, which is in another range."""
        for value in values:
            if self._unshaped and value.value is not None:
                self._unshaped = False
                if self._part.start and self._part.how.object_format is None:
                    self.regular = _has_one_shape(value.value)
            yield value


def rest_batches(rest: Rest, options: ReadOptions, counts: ReadCounts) -> Iterator[EventBatch]:
    """The events of what is left of a file.

    Their stream is "" and not resolved, but where a whole file is left: that is read as any other.
    """
    part = rest.of
    if part.start == 0:
        yield from read_files([part.found], options, counts)
        return
    reading = Reading(options, counts, rest.held)
    try:
        with _opened(part, None) as (opened, _):
            yield from reading.of(opened, _left(opened, rest, reading.context(opened)))
            counts.size += opened.content.offset - part.start
    except (OSError, ReadingStopped) as error:
        why = (
            str(error) if isinstance(error, ReadingStopped) else f"cannot be read: {error.strerror or error}"
        )
        yield from reading.aside(SetAside(part.found.source, None, part.start, why))
    yield from reading.flush()


def _left(opened: Opened, rest: Rest, context: ReadContext) -> Iterator[tuple[str, int | None, Record]]:
    reader = ObjectReader(context, rest.of.how.object_format, last=rest.shape)
    stream = _text(opened, rest.of)
    ordinal = rest.records
    for record in chain(object_records(_values(stream, reader, context), reader), stopped(stream)):
        yield "", ordinal if record.counted else None, record
        ordinal += record.counted


def lines_in(part: FileRange) -> int:
    """How many records it has where each is a line, 0 where it cannot be read or no range follows: for lost ones."""
    if part.stop is None:
        return 0
    try:
        with part.found.path.open("rb") as file:
            file.seek(part.start)
            text = file.read(part.stop - part.start)
    except OSError:
        return 0
    return sum(1 for line in text.split(b"\n") if line.strip(_BLANK))


def head_of(part: FileRange) -> bytes:
    """The first `HEAD_BYTES` of its file, none where it cannot be read."""
    try:
        with part.found.path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def _text(opened: Opened, part: FileRange) -> TextStream:
    """Where a file starts its bytes tell its encoding; only UTF-8 is cut."""
    return TextStream(opened.content, "utf-8" if part.start else None)


def _values(stream: TextStream, reader: ObjectReader, context: ReadContext) -> JsonValues:
    return JsonValues(stream, reader.needed if context.projection is not None else None)


def _has_one_shape(record: dict[str, Any]) -> bool:
    try:
        return len(recognise.shapes(record)) == 1
    except Exception:  # noqa: BLE001  a format's own mistake: reading the rest sets the record aside, and says so
        return False


@contextmanager
def _opened(part: FileRange, stop: int | None) -> Iterator[tuple[Opened, bytes]]:
    """The file at the start of `part`, ending at `stop`, and its first `HEAD_BYTES`.

    Raises:
        OSError: it cannot be opened.
        ReadingStopped: it is not the file that was cut.
    """
    version, found = part.version, part.found
    with found.path.open("rb") as file:
        now = version_of(file)
        head = file.read(HEAD_BYTES)
        file.seek(max(part.start - 1, 0))
        if (now.device, now.inode) != (version.device, version.inode) or now.size < version.size:
            raise ReadingStopped(_CHANGED)
        if part.start and file.read(1) != b"\n":
            raise ReadingStopped(_CHANGED)
        reads = _Until(file, stop, version.size)
        with closing(Content(reads, offset=part.start)) as content:
            yield Opened(printable(found.source), "", version.modified, content), head


class _Until:
    """The bytes of a file up to `stop`, or to its end, which must not lie before `least`."""

    def __init__(self, file: BinaryIO, stop: int | None, least: int) -> None:
        self._file = file
        self._stop = stop
        self._least = least

    def read(self, size: int, /) -> bytes:
        at = self._file.tell()
        try:
            data = self._file.read(size if self._stop is None else min(size, self._stop - at))
        except OSError as error:
            raise ReadingStopped(f"the disk could not be read: {error.strerror or error}") from error
        if not data and at < (self._least if self._stop is None else self._stop):
            raise ReadingStopped(_CHANGED)
        return data
