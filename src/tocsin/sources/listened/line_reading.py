"""Lines that came without their file: which format they are, told by what their sender calls it, or by their content.

Lines of one origin in one body are judged together, as the first lines of a file are. A line that its format does not
know is judged alone, and is plain text where none does; one that its format does know and that is broken is set aside.
Formats that need their file (CSV) are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.config import bounds
from tocsin.sources import recognise
from tocsin.sources.interface import Draft, LineFormat, LineParser, ReadContext
from tocsin.sources.listened.sourcetypes import format_of
from tocsin.sources.records import Record, line_record
from tocsin.sources.text.plain_text import PlainText

_SURE = 0.3
_LOOSE = frozenset({"csv", "text"})
_PLAIN = PlainText()


class LineReader:
    """Reads the lines of one origin in order.

    Args:
        context: What is known of the body.
        name: What the sender calls their format.
        sample: The first of them.
        header: What names their columns, where lines do.
    """

    def __init__(
        self, context: ReadContext, name: str, sample: Sequence[str], header: Sequence[str] = ()
    ) -> None:
        self._context = context
        self._parsers: dict[str, LineParser] = {}
        self._format = format_of(name) or _known(sample[: bounds.LISTENED_SAMPLE], context)
        if self._format is not None:
            for line in header:
                self._read(line, self._format)

    def known(self, line: str) -> Record | None:
        """The record of `line`, None where no format but plain text knows it."""
        if not line.strip():
            return None
        if self._format is not None:
            record = self._read(line, self._format)
            if record is not None and (
                record.draft is not None or self._format.recognises([line], self._context) >= _SURE
            ):
                return record
        other = _known([line], self._context)
        if other is None or other is self._format:
            return None
        return self._read(line, other)

    def record(self, line: str) -> Record:
        """The record of `line`; plain text where no format knows it."""
        if not line:
            return Record("", None, "text", "an empty record")
        if len(line) > bounds.RECORD_BYTES:
            return Record(line, None, "text", f"longer than {bounds.RECORD_BYTES >> 20} MiB")
        return self.known(line) or self._read(line, _PLAIN) or Record(line, _blank(line), "text")

    def _read(self, line: str, line_format: LineFormat) -> Record | None:
        parser = self._parsers.get(line_format.name)
        if parser is None:
            parser = self._parsers[line_format.name] = line_format.parser(self._context)
        return line_record(line, parser, line_format.name)


def _blank(line: str) -> Draft:
    return Draft({"message": line}, frozenset(), "text/line")


def _known(lines: Sequence[str], context: ReadContext) -> LineFormat | None:
    """The format that knows `lines` best, None where none is sure enough."""
    found = recognise.line_format(lines, context)
    if found is None or found.name in _LOOSE or found.recognises(lines, context) < _SURE:
        return None
    return found
