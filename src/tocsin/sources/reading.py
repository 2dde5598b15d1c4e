"""Reads files, folders and archives into event batches: the room's public entry.

Everything is streamed: what is held at once is a batch (`bounds.BATCH_EVENTS`, `bounds.BATCH_BYTES`), a block, and one
record. A record that cannot be read is a `SetAside` with its place and reason, in the batch of its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import partial
from typing import BinaryIO

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.event import Auth, Event, EventBatch, Logsource, SetAside
from tocsin.sources import evtx_file, recognise
from tocsin.sources.containers import Opened, open_file
from tocsin.sources.content import Content
from tocsin.sources.envelope import Envelope, told
from tocsin.sources.evtx_file import EvtxFile
from tocsin.sources.evtx_parser import EvtxParser
from tocsin.sources.fingerprint import HEAD_BYTES, PlainStreams, Streams
from tocsin.sources.interface import Needs, ReadContext
from tocsin.sources.projection import Projection
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.records import Record, evtx_records, text_records
from tocsin.sources.walk import Found, check, files


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read.

    Attributes:
        ingest: Now, as the engine says (instant).
        format: Name of a format that overrides the detection.
        zone: What a time without a zone means.
        columns: For CSV with a mapping: column name → native field name.
        logsource: Of every record that its format gives none: plain CSV, text, JSON of no known shape.
        site: The place that the events belong to.
        auth: How their origin was proven; a file of this machine is `local`.
        streams: Names the streams and is told when one was read to its end.
        needs: Which fields plans ask for. Events may then be partial: `whole` completes one that a rule matched. None:
            every field is read, as the store wants it.
        by_file: Whether a batch ends where a file does, so that files read apart give the same batches.
    """

    ingest: int
    format: str | None = None
    zone: tzinfo = UTC
    columns: Mapping[str, str] = field(default_factory=dict)
    logsource: Logsource | None = None
    site: str = "local"
    auth: Auth = "local"
    streams: Streams = field(default_factory=PlainStreams)
    needs: Needs | None = None
    by_file: bool = False


def read(
    paths: Sequence[str], options: ReadOptions, counts: ReadCounts | None = None
) -> Iterator[EventBatch]:
    """The events of all files that `paths` mean, in order.

    Args:
        paths: Files and folders; folders are walked in sorted order.
        options: How.
        counts: Counted up while reading, for a progress bar and the summary.

    Raises:
        OperatorError: a path does not exist, or the format has no such name. Nothing was read then.
    """
    check(paths)
    return read_files(files(paths), options, counts)


def read_files(
    found: Iterable[Found | SetAside], options: ReadOptions, counts: ReadCounts | None = None
) -> Iterator[EventBatch]:
    """The events of files that were found already (`walk.files`), in order.

    Raises:
        OperatorError: the format has no such name. Nothing was read then.
    """
    if options.format is not None and options.format not in recognise.format_names():
        names = ", ".join(recognise.format_names())
        raise OperatorError(f"There is no format {options.format!r}.", f"Use one of: {names}.")
    return Reading(options, counts if counts is not None else ReadCounts()).batches(found)


@dataclass(frozen=True, slots=True)
class _End:
    """A stream that was read to its end, to be told once its last events were taken."""

    stream: str
    records: int
    size: int
    digest: str


class Reading:
    """One call of `read`.

    Args:
        options: How.
        counts: Counted up while reading.
        begun: How many events and set-aside records, and raw bytes, the first batch is short of because others were read
            that belong into it.
    """

    def __init__(self, options: ReadOptions, counts: ReadCounts, begun: tuple[int, int] = (0, 0)) -> None:
        self._options = options
        self._unnamed = frozenset({options.logsource} if options.logsource is not None else ())
        self._counts = counts
        self._projection = Projection(options.needs) if options.needs is not None else None
        self._events: list[Event] = []
        self._set_aside: list[SetAside] = []
        self._begun, self._bytes = begun
        self._ends: list[_End] = []

    def batches(self, found: Iterable[Found | SetAside]) -> Iterator[EventBatch]:
        """The events of `found`."""
        with EvtxParser() as parser:
            for file in found:
                for opened in self._opened(file):
                    if isinstance(opened, SetAside):
                        yield from self.aside(opened)
                    else:
                        yield from self.of(opened, self._records(opened, parser))
                if self._options.by_file:
                    yield from self.flush()
            yield from self.flush()

    def of(self, opened: Opened, records: Iterable[tuple[str, int | None, Record]]) -> Iterator[EventBatch]:
        """The batches that become full with `records` of `opened`: stream, ordinal (None where no record is meant), record."""
        options = self._options
        envelope = Envelope(
            opened.source, opened.file_time, options.ingest, self._unnamed, options.auth, options.site
        )
        for stream, ordinal, record in records:
            self._put(record, stream, ordinal, envelope)
            if self._is_full():
                yield from self.flush()

    def aside(self, aside: SetAside) -> Iterator[EventBatch]:
        """The batch that becomes full with `aside`."""
        self._put_aside(aside)
        if self._is_full():
            yield from self.flush()

    def _opened(self, file: Found | SetAside) -> Iterator[Opened | SetAside]:
        if isinstance(file, SetAside):
            yield file
            return
        try:
            for opened in open_file(file.path, file.source, self._options.zone):
                if not self._is_passed_over(opened, named=file.named):
                    yield opened
        except OSError as error:
            yield SetAside(file.source, None, None, f"cannot be read: {error.strerror or error}")

    def _is_passed_over(self, opened: Opened | SetAside, *, named: bool) -> bool:
        """Whether it is a document that merely lies in a folder or archive of logs; counts it."""
        if isinstance(opened, SetAside) or self._options.format is not None or (named and not opened.member):
            return False
        if not recognise.is_document(opened.content, self.context(opened)):
            return False
        self._counts.passed_over += 1
        self._counts.passed_over_first = self._counts.passed_over_first or opened.source
        return True

    def context(self, opened: Opened) -> ReadContext:
        """What readers may know of `opened`."""
        options = self._options
        return ReadContext(
            opened.source, options.ingest, opened.file_time, options.zone, options.columns, self._projection
        )

    def _records(self, opened: Opened, parser: EvtxParser) -> Iterator[tuple[str, int | None, Record]]:
        """(stream, ordinal, record) of each record in one file; the ordinal is None where no record is meant."""
        self._counts.sources += 1
        options, content, context = self._options, opened.content, self.context(opened)
        how = (
            recognise.named(options.format, content)
            if options.format
            else recognise.recognise(content, context)
        )
        if how is None:
            yield from _unrecognised(content)
            return
        measures = options.streams.measures
        evtx = EvtxFile(content, parser, measured=measures) if how.framing == "evtx" else None
        if measures and evtx is None:
            content.measure()
        stream = self._resolved(opened, is_evtx=evtx is not None)
        records = evtx_records(evtx, context) if evtx is not None else text_records(content, how, context)
        ordinal = 0
        for record in records:
            yield stream, ordinal if record.counted else None, record
            ordinal += record.counted
        self._counts.size += content.offset
        measured = (evtx.size, evtx.digest) if evtx is not None else (content.offset, content.digest)
        self._ends.append(_End(stream, ordinal, *measured))

    def _resolved(self, opened: Opened, *, is_evtx: bool) -> str:
        content = opened.content
        if not is_evtx:
            head = content.peek(HEAD_BYTES)
            return self._options.streams.resolve(head, opened.member, content.open_again)
        start = content.peek(evtx_file.HEADER_BYTES + evtx_file.CHUNK_BYTES)
        head = evtx_file.head(start, HEAD_BYTES)
        return self._options.streams.resolve(head, opened.member, partial(_evtx_again, content))

    def _put(self, record: Record, stream: str, ordinal: int | None, envelope: Envelope) -> None:
        self._counts.records += ordinal is not None
        if record.draft is None or ordinal is None:
            self._put_aside(SetAside(envelope.source, ordinal, record.offset, record.reason, record.raw))
            return
        self._counts.events += 1
        self._bytes += len(record.raw)
        self._events.append(envelope.event(record, record.draft, stream, ordinal))

    def _put_aside(self, aside: SetAside) -> None:
        self._counts.set_aside += 1
        self._bytes += len(aside.raw)
        self._set_aside.append(told(aside))

    def _is_full(self) -> bool:
        held = self._begun + len(self._events) + len(self._set_aside)
        return held >= bounds.BATCH_EVENTS or self._bytes >= bounds.BATCH_BYTES

    def flush(self) -> Iterator[EventBatch]:
        """Gives the batch, and once it was taken and the next one asked for, tells which streams are finished."""
        ends, self._ends = self._ends, []
        if self._events or self._set_aside:
            batch = EventBatch(tuple(self._events), tuple(self._set_aside))
            self._events, self._set_aside, self._begun, self._bytes = [], [], 0, 0
            yield batch
        for end in ends:
            self._options.streams.finished(end.stream, end.records, end.size, end.digest)


def _unrecognised(content: Content) -> Iterator[tuple[str, int | None, Record]]:
    """Nothing for an empty file: it holds nothing to set aside."""
    reason = "no format was recognised; if it is a log, name its format with --format"
    if not content.peek(1):
        reason = str(content.stopped or "")
    if reason:
        yield "", None, Record("", None, reason=reason, offset=0, counted=False)


def _evtx_again(content: Content) -> BinaryIO:
    return evtx_file.record_bytes(content.open_again())
