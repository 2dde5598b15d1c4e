"""Syslog as of RFC 5424: `<PRI>1 time host app procid msgid [structured data] message`."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.sources.interface import ReadContext
from tocsin.sources.text.rfc3164 import SyslogParser
from tocsin.sources.text.sampling import share
from tocsin.sources.text.syslog_header import syslog_line


class Rfc5424:
    """Syslog whose lines have the header of RFC 5424; lines of the older form among them are read too."""

    name = "rfc5424"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:
        """0.95 where every line has such a header."""

        def headed(line: str) -> bool:
            read = syslog_line(line, context)
            return read is not None and read.form == "rfc5424"

        return 0.95 * share(sample, headed)

    def parser(self, context: ReadContext) -> SyslogParser:
        """A new parser for one file."""
        return SyslogParser(context)
