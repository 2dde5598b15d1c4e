"""What a reader of a format is, and what it gives.

Two families, because logs come in two framings:

- A `LineFormat` reads text line by line (syslog, auditd, Zeek TSV, CSV, web logs…).
- An `ObjectFormat` gives meaning to one JSON object (winlogbeat, Zeek JSON, Suricata EVE, CloudTrail, Microsoft 365…),
  whichever framing (lines, array, pretty-printed, wrapped) it came in; EVTX records arrive as such objects too.

Rules that hold for every reader: no network, no clock, no state outside the reader object; the fields keep their
native names; a record that cannot be read raises `BadRecord` with a sentence and reading goes on at the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from tocsin.records.event import Logsource

if TYPE_CHECKING:
    from tocsin.sources.projection import Projection


@dataclass(slots=True)
class Draft:
    """What a format makes of one record; `reading.py` adds the envelope (id, ingest, source, raw) to make an Event.

    Attributes:
        fields: Native names to values.
        logsources: Every Sigma logsource it satisfies.
        kind: Rows that share columns when stored, e.g. `Security/4688`, `zeek/conn`, `syslog/sshd`.
        time: Instant, or None where the record has none (the file's time is taken and flagged).
        ocsf_class: OCSF class_uid, 0 where none fits.
        partial: Whether `fields` holds only what plans need (`projection.py`).
        unspelt: As `Event.unspelt`.
    """

    fields: dict[str, Any]
    logsources: frozenset[Logsource]
    kind: str
    time: int | None = None
    host: str | None = None
    user: str | None = None
    ocsf_class: int = 0
    partial: bool = False
    unspelt: str | None = None


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a reader may know beside the bytes.

    Attributes:
        source: The path as given, `archive.zip!member` inside archives; its name may hint at the format.
        ingest: Now, as the engine says (instant).
        file_time: The file's or member's modification time (instant), for years that RFC 3164 leaves out.
        zone: What a time without a zone means; UTC unless configured.
        columns: For CSV with a mapping: column name → native field name.
        projection: What need not be decoded; None: every field is read.
    """

    source: str
    ingest: int
    file_time: int
    zone: tzinfo = UTC
    columns: Mapping[str, str] = field(default_factory=dict)
    projection: Projection | None = None


class Needs(Protocol):
    """Says which fields of an event matter, so that the rest need not be read; the rule engine answers it."""

    def __call__(
        self, logsources: frozenset[Logsource], fields: Mapping[str, Any], /
    ) -> frozenset[str] | None:
        """The names, as rules write them, of every field that may be asked of an event; None: every value may be.

        Asked once for all events that have these in common, not once an event.

        Args:
            logsources: At least those that such an event has.
            fields: Its `Channel` (in Windows' spelling) and `EventID` (a number).
        """


class LineParser(Protocol):
    """Reads the lines of one file in order; may keep a header between them."""

    def parse(self, line: str) -> Draft | None:
        """The draft of `line` (without its line end), or None for a line that is no record (header, comment, blank).

        Raises:
            BadRecord: it is a record and cannot be read.
        """


@runtime_checkable
class SpanningParser(LineParser, Protocol):
    """A `LineParser` whose records may span lines, as a quoted CSV field does.

    `parse` gives None until a record is whole. The draft (or BadRecord) it then gives is that of all lines since
    `pending` was last false.
    """

    @property
    def pending(self) -> bool:
        """Whether lines were taken of a record that is not whole yet."""

    def finish(self) -> Draft | None:
        """The draft of what is pending at the end of the file, or None where nothing is.

        Raises:
            BadRecord: the file ends inside a record.
        """


class LineFormat(Protocol):
    """A text format."""

    @property
    def name(self) -> str:
        """What `--format` calls it."""

    def recognises(self, sample: Sequence[str], context: ReadContext) -> float:
        """How sure it is, 0 (not mine) to 1 (certain), that the `sample` of first lines is of this format."""

    def parser(self, context: ReadContext) -> LineParser:
        """A new parser for one file."""


class ObjectFormat(Protocol):
    """A shape of JSON object."""

    name: str

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """Whether `record` is of this shape; formats are asked in the order of `recognise.OBJECT_FORMATS`."""

    def draft(self, record: dict[str, Any], context: ReadContext) -> Draft:
        """What `record` says; it is handed over, and may become the draft's fields.

        Raises:
            BadRecord: it is of this shape and cannot be read.
        """
