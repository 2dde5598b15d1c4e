"""BSD syslog (RFC 3164) as files and relays hold it. One parser reads its lines, RFC 5424's and Cisco's, mixed too."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.sampling import share
from tocsin.sources.text.syslog_header import syslog_line
from tocsin.sources.text.syslog_message import syslog_draft

_JOURNAL_NOTES = (
    "-- Logs begin at ",
    "-- Journal begins at ",
    "-- Boot ",
    "-- Reboot --",
    "-- No entries --",
)
"""What journalctl writes between records."""


class SyslogParser:
    """Reads syslog lines of every form."""

    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        """The draft of `line`, None for a blank one.

        Raises:
            BadRecord: it has no syslog header, or a payload of a known format that is broken.
        """
        if not line.strip() or line.startswith(_JOURNAL_NOTES):
            return None
        read = syslog_line(line, self._context)
        if read is None:
            raise BadRecord("It has no syslog header: neither a <PRI> nor a time stands at its start.")
        return syslog_draft(read, self._context)


class Rfc3164:
    """Syslog with a header of RFC 3164 or like it: `Feb 17 13:40:03 host tag[pid]: text`, ISO times, Cisco's forms."""

    name = "rfc3164"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:
        """0.9 where every line has a header that gives a time or a priority and, in files, a host or program."""

        def headed(line: str) -> bool:
            read = syslog_line(line, context)
            if read is None or (read.time is None and read.facility is None):
                return False
            return bool(read.host or read.app) or read.form == "cisco"

        return 0.9 * share(sample, headed)

    def parser(self, context: ReadContext) -> SyslogParser:
        """A new parser for one file."""
        return SyslogParser(context)
