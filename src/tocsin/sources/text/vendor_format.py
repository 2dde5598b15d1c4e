"""What CEF and LEEF share: a marker that starts the record, bare or behind a syslog header, and how they write times."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tocsin.records.errors import BadRecord
from tocsin.records.instants import SECOND
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.text.clock import iso_instant, named_month_instant
from tocsin.sources.text.sampling import share
from tocsin.sources.text.syslog_header import syslog_line

_HEADER_CHARS = 256
"""How far into a line the marker may stand."""


@dataclass(frozen=True, slots=True)
class VendorFormat:
    """Such records, bare; behind a syslog header the syslog formats read them, and this one where it is asked to.

    Attributes:
        marker: What the record starts with, e.g. `CEF:`.
        starts: Whether a text starts with a whole header of the format.
        draft: What such a text says.
    """

    name: str
    marker: str
    starts: Callable[[str], bool]
    draft: Callable[[str, ReadContext], Draft]

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:  # noqa: ARG002  the bytes suffice
        """0.97 where every line starts as the format does; 0.6 where every line holds its marker."""
        holding = share(sample, lambda line: self.marker in line[:_HEADER_CHARS])
        return max(0.97 * share(sample, self.starts), 0.6 * holding)

    def parser(self, context: ReadContext) -> VendorParser:
        """A new parser for one file."""
        return VendorParser(self, context)


@dataclass(frozen=True, slots=True)
class VendorParser:
    """Reads the lines of one file."""

    format: VendorFormat
    context: ReadContext

    def parse(self, line: str) -> Draft | None:
        """The draft of `line`; its time and host are the syslog header's where the record itself has none."""
        if not line.strip():
            return None
        if self.format.starts(line):
            return self.format.draft(line, self.context)
        header = syslog_line(line, self.context)
        at = line.find(self.format.marker)
        if at < 0 or not self.format.starts(line[at:]):
            raise BadRecord(f"It holds no {self.format.name.upper()} header.")
        draft = self.format.draft(line[at:], self.context)
        if header is not None:
            draft.time = header.time if draft.time is None else draft.time
            draft.host = draft.host or header.host
        return draft


def vendor_instant(text: str, named: re.Pattern[str], context: ReadContext) -> int | None:
    """The instant of an epoch in seconds or milliseconds, of a date as `named` reads it (month, day, year, clock), or ISO."""
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return int(text) * (SECOND if len(text) == 10 else 1_000)
    match = named.fullmatch(text)
    if match:
        month, day, year, clock = match.groups()
        return named_month_instant(month, day, clock, context, year)
    return iso_instant(text, context)
