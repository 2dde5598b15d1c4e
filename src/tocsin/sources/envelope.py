"""From a record to an event: what Tocsin adds to what a source says, and no source can forge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tocsin.records.event import Auth, Event, Logsource, SetAside
from tocsin.sources.containers import printable
from tocsin.sources.interface import Draft
from tocsin.sources.records import Record


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all events of one file, or of one body that a listener took in, have in common.

    Attributes:
        source: As `Event.source`.
        untimed: The instant of a record that says none.
        ingest: As `Event.ingest`.
        unnamed: The logsources of a record that its format gives none.
        auth: As `Event.auth`.
        site: As `Event.site`.
    """

    source: str
    untimed: int
    ingest: int
    unnamed: frozenset[Logsource]
    auth: Auth
    site: str

    def event(self, record: Record, draft: Draft, stream: str, ordinal: int) -> Event:
        """The event that `record`, of which `draft` was made, is."""
        return Event(  # by position, which costs a quarter of naming all of them
            stream,
            ordinal,
            draft.time if draft.time is not None else self.untimed,
            self.ingest,
            _same(draft.logsources) or self.unnamed,
            draft.fields,
            record.raw,
            self.source,
            record.format,
            draft.host,
            draft.user,
            draft.kind,
            draft.ocsf_class,
            self.auth,
            "live",
            draft.time is not None,
            self.site,
            draft.partial,
            draft.unspelt,
        )


@lru_cache(maxsize=1024)
def _same(logsources: frozenset[Logsource]) -> frozenset[Logsource]:
    """The one object that stands for this set, so that who looks it up need not compare its members."""
    return logsources


def told(aside: SetAside) -> SetAside:
    """`aside` as an operator may read it: its source printable, its reason a sentence."""
    reason = aside.reason[:1].upper() + aside.reason[1:].removesuffix(".") + "."
    return SetAside(printable(aside.source), aside.record, aside.offset, reason, aside.raw)
