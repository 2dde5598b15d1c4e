"""The records of one open file: drafts, or why a record was set aside, in the order of their ordinals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.records.errors import BadRecord
from tocsin.sources import event_xml
from tocsin.sources.content import Content, ReadingStopped
from tocsin.sources.evtx_file import EvtxFile
from tocsin.sources.interface import Draft, LineFormat, LineParser, ReadContext, SpanningParser
from tocsin.sources.json_values import JsonValue, JsonValues
from tocsin.sources.recognise import ObjectReader, Recognised
from tocsin.sources.text_stream import TextStream, lines


@dataclass(slots=True)
class Record:
    """One record of a file; not frozen for the reason that `JsonValue` is not.

    Attributes:
        raw: Its text, whole; the start of it where it was set aside.
        draft: What it says, None where it was set aside.
        format: Name of the format that read it.
        reason: Why it was set aside.
        offset: Where it starts (bytes), where that is known.
        counted: False where no record is meant but the file or its remainder: it takes no ordinal.
    """

    raw: str
    draft: Draft | None
    format: str = ""
    reason: str = ""
    offset: int | None = None
    counted: bool = True


def text_records(content: Content, how: Recognised, context: ReadContext) -> Iterator[Record]:
    """The records of a text file: lines, JSON or XML."""
    stream = TextStream(content)
    if how.line_format is not None:
        yield from _line_records(stream, how.line_format, context)
    else:
        reader = ObjectReader(context, how.object_format, is_json=how.framing == "json")
        needed = reader.needed if context.projection is not None else None
        values: Iterable[JsonValue] = (
            event_xml.events(stream) if how.framing == "xml" else JsonValues(stream, needed)
        )
        yield from object_records(values, reader)
    yield from stopped(stream)


def stopped(stream: TextStream) -> Iterator[Record]:
    """That the rest of `stream` could not be read, where it was so."""
    if stream.stopped is not None:
        yield Record("", None, reason=str(stream.stopped), offset=stream.offset(), counted=False)


def evtx_records(file: EvtxFile, context: ReadContext) -> Iterator[Record]:
    """The records of an EVTX file."""
    reader = ObjectReader(context)
    try:
        for record in file:
            if record.value is None:
                start = record.raw[: bounds.SET_ASIDE_RAW_CHARS]
                yield Record(start, None, "evtx", record.reason, record.offset, record.counted)
            else:
                yield object_record(JsonValue(record.raw, record.value, offset=record.offset), reader)
    except ReadingStopped as stopped:
        yield Record("", None, "evtx", str(stopped), counted=False)


def object_records(values: Iterable[JsonValue], reader: ObjectReader) -> Iterator[Record]:
    """The records that `values` are."""
    return (object_record(value, reader) for value in values)


def object_record(value: JsonValue, reader: ObjectReader) -> Record:
    """The record that `value` is."""
    if value.value is None:
        return Record(value.raw, None, "json", value.reason, value.offset, counted=bool(value.raw))
    try:
        draft, name = reader.draft(value.value, partial=value.partial)
    except BadRecord as bad:
        return _aside(value.raw, "json", str(bad), value.offset)
    except Exception as error:  # noqa: BLE001  a reader's own mistake costs the record, told, and not the scan
        return _aside(value.raw, "json", _failure("JSON", error), value.offset)
    return bounded(Record(value.raw, draft, name, offset=value.offset))


def line_record(line: str, parser: LineParser, name: str) -> Record | None:
    """The record that the one `line` is in the format called `name`; None where it is a header, a comment or blank."""
    return _parsed(lambda: parser.parse(line), [line], name, None)


def _line_records(stream: TextStream, line_format: LineFormat, context: ReadContext) -> Iterator[Record]:
    parser, name = line_format.parser(context), line_format.name
    spanning = parser if isinstance(parser, SpanningParser) else None
    held: list[str] = []  # the lines of the record that is being read; joined once, when it is whole
    start: int | None = None
    for offset, line in lines(stream):
        if line is None:
            reason = f"a line longer than {bounds.RECORD_BYTES >> 20} MiB"
            yield Record("", None, name, reason, offset)
            continue
        start = start if held else offset
        held.append(line)
        if (record := _parsed(lambda: parser.parse(line), held, name, start)) is not None:  # noqa: B023  called at once
            yield record
        if spanning is None or not spanning.pending:
            held = []
    if spanning is not None and held:
        record = _parsed(spanning.finish, held, name, start)
        if record is not None:
            yield record


def _parsed(
    parse: Callable[[], Draft | None], held: Sequence[str], name: str, offset: int | None
) -> Record | None:
    """What `parse` makes of the lines `held`; None where they are no record, or none yet."""
    try:
        draft = parse()
    except BadRecord as bad:
        return _aside("\n".join(held), name, str(bad), offset)
    except Exception as error:  # noqa: BLE001  a reader's own mistake costs the record, told, and not the scan
        return _aside("\n".join(held), name, _failure(name, error), offset)
    return None if draft is None else bounded(Record("\n".join(held), draft, name, offset=offset))


def bounded(record: Record) -> Record:
    """`record`, set aside where it has more fields than a record may have."""
    if record.draft is not None and len(record.draft.fields) > bounds.FIELDS_PER_RECORD:
        reason = f"more than {bounds.FIELDS_PER_RECORD} fields"
        return _aside(record.raw, record.format, reason, record.offset)
    return record


def _aside(raw: str, name: str, reason: str, offset: int | None) -> Record:
    return Record(raw[: bounds.SET_ASIDE_RAW_CHARS], None, name, reason, offset)


def _failure(name: str, error: Exception) -> str:
    return f"the {name} reader failed on this record ({type(error).__name__})"
