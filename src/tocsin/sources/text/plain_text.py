"""Any text, one record a line, with nothing but `message` and the time it starts with: what is left when no format fits, or when asked for."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.sampling import share
from tocsin.sources.text.syslog_header import leading_time


class _Parser:
    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        if not line.strip():
            return None
        time, _end = leading_time(line.lstrip("["), self._context)
        return Draft({"message": line}, frozenset(), "text/line", time)


class PlainText:
    """Lines of text that no format understands; keyword rules without a logsource can still search them."""

    name = "text"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.01 where every line is printable: anything else is surer of itself."""
        printable = share(sample, lambda line: line.replace("\t", " ").isprintable())
        return 0.01 if printable > 0.9 else 0.0

    def parser(self, context: ReadContext) -> _Parser:
        """A new parser for one file."""
        return _Parser(context)
