"""One event, the batch it travels in, and the envelope that no source can forge (DESIGN section 3).

The rules that hold for every event:

1. `fields` keeps the names the source used, as Sigma rules know them; envelope values live in attributes of
   `Event`, never in `fields`. A source's own key that starts with `t_` is therefore just a field.
2. The id is (stream, seq). `seq` is the 0-based ordinal of the record in its file or archive member, counting
   set-aside records too; `stream` is the file's fingerprint (`sources/fingerprint.py`).
3. `raw` is the record as text, whole; what is told to a person can always be traced back to it.
4. `time` is what the record claims (an attacker may own that clock); `ingest` is when Tocsin read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, overload

Auth = Literal["none", "token", "mtls", "local"]
"""How an event's origin was proven, weakest first (`AUTH_ORDER`)."""

AUTH_ORDER: tuple[Auth, ...] = ("none", "token", "mtls", "local")

ENVELOPE_PREFIX = "t_"
"""Reserved for the stored envelope columns; a source's field of such a name goes to `t_rest` when stored."""


class Logsource(NamedTuple):
    """A Sigma logsource (Sigma specification 2.1, "Log source"): what a rule asks for, or what an event is."""

    product: str | None = None
    category: str | None = None
    service: str | None = None

    def satisfies(self, wanted: Logsource) -> bool:
        """Whether an event of this logsource is one that a rule for `wanted` looks at.

        Every part that `wanted` names must be equal; a part it leaves out matches anything.
        """
        return all(want is None or want == have for want, have in zip(wanted, self, strict=True))

    @classmethod
    def parse(cls, text: str) -> Logsource:
        """`product/category/service`, each part possibly empty, the last ones possibly missing."""
        return cls(*(part.strip().lower() or None for part in text.split("/", 2)))


class EventId(NamedTuple):
    """(stream, seq), printed `stream:seq`."""

    stream: str
    seq: int

    def __str__(self) -> str:
        return f"{self.stream}:{self.seq}"

    @classmethod
    def parse(cls, text: str) -> EventId:
        """The id that was printed as `text`.

        Raises:
            ValueError: `text` is no `stream:seq`.
        """
        stream, _, seq = text.rpartition(":")
        if not stream:
            raise ValueError(f"{text!r} is no event id (stream:seq)")
        return cls(stream, int(seq))


@dataclass(slots=True)
class Event:
    """One record of one source, read and normalised. Treat it as read-only once it left `sources`.

    Attributes:
        stream: Fingerprint of the file or member (event id, first half).
        seq: Ordinal of the record in it (event id, second half).
        time: When it says it happened (instant, UTC); the file's time where it says nothing.
        ingest: When Tocsin read it (instant).
        logsources: Every Sigma logsource it satisfies; a Sysmon 1 is one of service and of category.
        fields: Its own fields under their native names; values are str, int, float, bool, None, list or dict.
        raw: The whole record as text.
        source: The path as the user gave it, `archive.zip!member` inside archives.
        format: Name of the reader that understood it (`evtx`, `syslog`, `m365`…).
        host: The host it is about, as it says itself.
        user: The person or account that acted, as it says itself.
        kind: What rows share columns when stored, e.g. `Microsoft-Windows-Sysmon/Operational/1` or `zeek/conn`.
        ocsf_class: OCSF class_uid, 0 (base event) where none fits.
        auth: How its origin was proven.
        origin: `live`, or `simulated:<drill>`; set by the engine only.
        time_known: False where `time` is only the file's time.
        site: The place it belongs to, for organisations with more than one.
        partial: Whether `fields` holds only what the rules ask for; `sources.whole` completes it.
        unspelt: Where `raw` is JSON that spells every text among the whole `fields`' values, or its parts before and
            after a backslash: those that it does not spell, one a line. None: nothing is known. A hint for the
            reading at hand: not stored, and no part of what an event is.
    """

    stream: str
    seq: int
    time: int
    ingest: int
    logsources: frozenset[Logsource]
    fields: Mapping[str, Any]
    raw: str
    source: str
    format: str
    host: str | None = None
    user: str | None = None
    kind: str = "other"
    ocsf_class: int = 0
    auth: Auth = "none"
    origin: str = "live"
    time_known: bool = True
    site: str = "local"
    partial: bool = False
    unspelt: str | None = field(default=None, compare=False)

    @property
    def id(self) -> EventId:
        """The event's id."""
        return EventId(self.stream, self.seq)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record, or the rest of a file, that could not be read: where it stands and why. Never dropped in silence.

    Attributes:
        source: The path as given, `archive.zip!member` inside archives.
        record: Its ordinal, or None where a whole file or its remainder is meant.
        offset: Byte offset in the decompressed content, where known.
        reason: One sentence, fit for an operator; holds no raw bytes of the record.
        raw: The start of the record, lossily decoded, cut to `config.bounds.SET_ASIDE_RAW_CHARS`.
    """

    source: str
    record: int | None
    offset: int | None
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class EventBatch(Sequence[Event]):
    """Events in the order they were read, with the records that were set aside on the way.

    Rows now; columns are made from them only where someone needs columns (`records/columns.py`), because a
    one-row Arrow batch costs about a millisecond and a ten-thousand-row one is cheap.

    Attributes:
        events: In order.
        set_aside: In order.
        passed: How many events stood among these, which were judged to match no rule and left out.
    """

    events: tuple[Event, ...]
    set_aside: tuple[SetAside, ...] = field(default=())
    passed: int = 0

    @classmethod
    def of(cls, events: Iterable[Event], set_aside: Iterable[SetAside] = ()) -> EventBatch:
        """A batch of `events` and `set_aside`."""
        return cls(tuple(events), tuple(set_aside))

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return self.events[index]
