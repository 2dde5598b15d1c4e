"""Records of one body, read in their order: objects by their shape, texts by their format, and lines that documents carry.

A shipper that reads files (filebeat, Fluent Bit, Vector) sends an object around each line. Where a format knows the line,
the event is what the line says, with the document's fields beside it; the raw record stays the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tocsin.records.errors import BadRecord
from tocsin.sources.event_xml import ANY_EVENT
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.json_values import JsonValue, one_object
from tocsin.sources.listened.line_reading import LineReader
from tocsin.sources.listened.taken import Taken
from tocsin.sources.recognise import ObjectReader
from tocsin.sources.records import Record, object_record
from tocsin.sources.windows_event import xml_event

_CARRIERS = ("message", "log", "line", "MESSAGE", "_raw")
"""Where shippers put the line: filebeat and Vector, Fluent Bit and Docker, Promtail, journald's way, Cribl."""

_PATHS = ("file", "filename", "path", "filepath", "tag")
_OTHER = "json"  # an object of no known shape

Origin = tuple[str, ...]


class RecordReader:
    """Reads the records of one body.

    Args:
        context: What is known of the body.
        found: Its records.
    """

    def __init__(self, context: ReadContext, found: Sequence[Taken]) -> None:
        self._context = context
        self._found = found
        self._objects: dict[tuple[Origin, bool], ObjectReader] = {}

    def records(self) -> Sequence[Record]:
        """A record for each, in their order."""
        read = [self._object(one) for one in self._found]
        lines = [self._line(one, record) for one, record in zip(self._found, read, strict=True)]
        readers = self._readers(line for line in lines if line is not None)
        return [
            record if record is not None and line is None else self._finished(one, record, line, readers)
            for one, record, line in zip(self._found, read, lines, strict=True)
        ]

    def _object(self, one: Taken) -> Record | None:
        """The record of an object: one that was sent as such, or a text that is one. None for any other text."""
        if one.broken or one.draft is not None:
            return Record(one.text, one.draft, one.format or _OTHER, one.broken)
        if one.is_object:
            return self._drafted(one_object(one.text), one.said.origin)
        start = one.text[:256].lstrip()
        if start.startswith("{") and (value := one_object(one.text)).value is not None:
            return self._drafted(value, one.said.origin)
        if ANY_EVENT.match(start):
            try:
                return self._drafted(JsonValue(one.text, xml_event(one.text)), one.said.origin, is_json=False)
            except BadRecord:
                return None
        return None

    def _drafted(self, value: JsonValue, origin: Origin, *, is_json: bool = True) -> Record:
        reader = self._objects.get((origin, is_json))
        if reader is None:
            reader = self._objects[origin, is_json] = ObjectReader(self._context, is_json=is_json)
        return object_record(value, reader)

    def _line(self, one: Taken, record: Record | None) -> tuple[Origin, str, str] | None:
        """(origin, the sender's name for the format, line) where there is a line to be read."""
        if record is None:
            return one.said.origin, one.said.format, one.text
        if record.draft is None or record.format != _OTHER:
            return None
        fields = record.draft.fields
        line = next((fields[name] for name in _CARRIERS if isinstance(fields.get(name), str)), None)
        return ((*one.said.origin, _path(fields)), one.said.format, line) if line else None

    def _readers(self, lines: Iterable[tuple[Origin, str, str]]) -> dict[Origin, LineReader]:
        samples: dict[Origin, tuple[str, list[str]]] = {}
        for origin, name, line in lines:
            samples.setdefault(origin, (name, []))[1].append(line)
        said = {one.said.origin: one.said for one in self._found if one.said.head}
        return {
            origin: LineReader(self._context, name, said[origin].head, said[origin].header)
            if origin in said
            else LineReader(self._context, name, sample)
            for origin, (name, sample) in samples.items()
        }

    def _finished(
        self,
        one: Taken,
        record: Record | None,
        line: tuple[Origin, str, str] | None,
        readers: Mapping[Origin, LineReader],
    ) -> Record:
        if line is None:
            assert record is not None  # what is no object is a line
            return record
        origin, _, text = line
        if record is None:
            return readers[origin].record(text)
        carried = self._carried(text, readers[origin], one)
        if carried is None or carried.draft is None or record.draft is None:
            return record
        return Record(record.raw, _merged(carried.draft, record.draft), carried.format)

    def _carried(self, text: str, reader: LineReader, one: Taken) -> Record | None:
        """The record of a line that a document carries; None where it is prose."""
        read = self._object(Taken(text, is_object=False, said=one.said))
        if read is not None:
            return read if read.format != _OTHER else None
        return reader.known(text)


def _merged(draft: Draft, around: Draft) -> Draft:
    """`draft` with what the document `around` it says where the line says nothing."""
    for name, value in around.fields.items():
        draft.fields.setdefault(name, value)
    draft.time = around.time if draft.time is None else draft.time
    draft.host = draft.host or around.host
    draft.unspelt = None
    return draft


def _path(fields: Mapping[str, Any]) -> str:
    """The file that the line stood in, as the shipper says."""
    log = fields.get("log")
    file = log.get("file") if isinstance(log, dict) else None
    named = file.get("path") if isinstance(file, dict) else None
    found = named or next((fields[name] for name in _PATHS if isinstance(fields.get(name), str)), "")
    return found if isinstance(found, str) else ""
