"""Logs that a daemon writes itself with a ctime stamp in front: vsftpd.log and clamav.log.

Sources: vsftpd `logging.c` (`Tue Nov 14 10:00:00 2023 [pid 2] [bob] OK LOGIN: Client "192.0.2.1"`), ClamAV `output.c`
(`Tue Nov 14 10:00:00 2023 -> /srv/x.exe: Win.Trojan.X FOUND`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.records.errors import BadRecord
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import named_month_instant
from tocsin.sources.text.sampling import share
from tocsin.sources.text.syslog_header import SyslogLine
from tocsin.sources.text.syslog_message import syslog_draft

_LINE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4}) (?:\[pid (\d{1,10})\] |(-> ))(.*)",
    re.ASCII | re.DOTALL,
)


class _Parser:
    def __init__(self, context: ReadContext) -> None:
        self._context = context

    def parse(self, line: str) -> Draft | None:
        if not line.strip() or not line.strip("-+ "):
            return None
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadRecord("It is no line of vsftpd or ClamAV: no date stands at its start.")
        month, day, clock, year, pid, _, message = match.groups()
        time = named_month_instant(month, day, clock, self._context, year)
        app = "vsftpd" if pid else "clamd"
        return syslog_draft(SyslogLine(message, "rfc3164", time, app=app, pid=pid), self._context)


class DaemonLog:
    """The logs that vsftpd and ClamAV write themselves."""

    name = "daemon_log"

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.95 where every line starts with a date and then `[pid N]` or `->`."""
        return 0.95 * share(sample, _LINE.fullmatch)

    def parser(self, context: ReadContext) -> _Parser:
        """A new parser for one file."""
        return _Parser(context)
