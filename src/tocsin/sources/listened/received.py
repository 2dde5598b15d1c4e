"""Events out of what a listener took in: `events_of`.

The same readers as for files, with two differences. A shipper's wrapping (HEC's keys, filebeat's document around a line)
says host, time and further fields where the record itself does not. And each record counts: `received.count` of them
become an event or are set aside, in their order, whatever the body holds, because their ids were promised at intake.
Nothing that a sender says touches stream, ordinal, origin, arrival or how it is proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import islice
from typing import Any

from tocsin.config import bounds
from tocsin.records.event import Event, EventBatch, Logsource, SetAside
from tocsin.records.received import Received
from tocsin.sources.containers import printable
from tocsin.sources.envelope import Envelope, told
from tocsin.sources.interface import Draft, ReadContext
from tocsin.sources.listened.record_reading import RecordReader
from tocsin.sources.listened.taken import Said, Taken, taken
from tocsin.sources.records import Record, bounded

_PREFIXES = {
    "hec-event": "hec", "hec-raw": "hec", "bulk": "bulk", "syslog": "syslog", "file": "file", "otlp": "otlp",
    "plant": "plant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReceivedOptions:
    """How to read what listeners took in.

    Attributes:
        zone: What a time without a zone means.
        logsource: Of every record that its format gives none.
        site: The place that the events belong to.
    """

    zone: tzinfo = UTC
    logsource: Logsource | None = None
    site: str = "local"


def events_of(received: Received, options: ReceivedOptions | None = None) -> EventBatch:
    """The events of `received`, and what of it was set aside: together `received.count`, each with its ordinal.

    Args:
        received: What a listener took in.
        options: How to read it.
    """
    options = options or ReceivedOptions()
    source = printable(f"{_PREFIXES[received.listener]}:{_origin(received)}")
    context = ReadContext(source, received.arrived, received.arrived, options.zone)
    unnamed = frozenset({options.logsource} if options.logsource is not None else ())
    envelope = Envelope(source, received.arrived, received.arrived, unnamed, received.auth, options.site)
    found, broken = _taken(received, options.zone)
    records = RecordReader(context, found).records()
    events: list[Event] = []
    aside: list[SetAside] = []
    for ordinal, (one, record) in enumerate(zip(found, records, strict=True), start=received.first):
        whole = _completed(record, one.said)
        if whole.draft is None:
            raw = whole.raw[: bounds.SET_ASIDE_RAW_CHARS]
            aside.append(told(SetAside(source, ordinal, None, whole.reason, raw)))
        else:
            events.append(envelope.event(whole, whole.draft, received.stream, ordinal))
    missing = range(received.first + len(found), received.first + received.count)
    aside += [told(SetAside(source, ordinal, None, broken)) for ordinal in missing]
    return EventBatch.of(events, aside)


def _origin(received: Received) -> str:
    if received.listener == "file":
        return received.hints["path"]
    if received.listener == "plant":
        return received.hints["plant"]
    return received.peer if received.listener == "syslog" else received.sender


def _taken(received: Received, zone: tzinfo) -> tuple[Sequence[Taken], str]:
    """As many records as were promised, and why there are fewer where there are."""
    found: list[Taken] = []
    try:
        found.extend(islice(taken(received, zone), received.count))
    except ValueError as error:
        return found, f"the body holds fewer records than were taken in: {error}"
    return found, "the body holds fewer records than were taken in"


def _completed(record: Record, said: Said) -> Record:
    """`record` with what its sender says where it says nothing itself."""
    draft = record.draft
    if draft is None:
        return record
    draft.time = said.time if draft.time is None else draft.time
    draft.host = draft.host or said.host
    if not said.fields:
        return bounded(record)
    added = {name: value for name, value in said.fields.items() if name not in draft.fields}
    if added:
        draft.fields |= added
        draft.unspelt = _also_unspelt(draft, added)
    return bounded(record)


def _also_unspelt(draft: Draft, added: dict[str, Any]) -> str | None:
    """`draft.unspelt` with the texts of `added`, which stand beside the record's own."""
    if draft.unspelt is None or not all(isinstance(value, str) for value in added.values()):
        return None
    return "\n".join((draft.unspelt, *added.values()))
