"""Events, findings and incidents for the store's tests."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable

from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.finding import Claim, Entity, Finding, evidence_of, finding_id
from tocsin.records.incident import Incident
from tocsin.records.instants import HOUR
from tocsin.store.store import Store
from tocsin.store.streams import StoredStreams

NOON = 490_000 * HOUR
SYSMON = frozenset({Logsource("windows", "process_creation", None), Logsource("windows", None, "sysmon")})


def event(
    seq: int, stream: str = "s", raw: str | None = None, kind: str = "Sysmon/1", ingest: int = NOON
) -> Event:
    fields = {"Image": f"C:\\p{seq}.exe", "EventID": 1, "Nothing": None, "Data": ["a", seq]}
    raw = f"raw {stream} {seq}" if raw is None else raw
    return Event(stream, seq, NOON + seq, ingest, SYSMON, fields, raw, "a.evtx", "evtx", "WS-1", "anna", kind)


def batch(seqs: Iterable[int], stream: str = "s", kind: str = "Sysmon/1") -> EventBatch:
    return EventBatch.of(event(seq, stream, kind=kind) for seq in seqs)


def finding(*events: Event, rule: str = "r1") -> Finding:
    first = events[0]
    return Finding(
        finding_id("sigma", rule, "", first.time, [one.id for one in events]), "sigma", "1", rule, "A rule", "high",
        ("T1059.001",), ("execution",), Entity("local", "host", "WS-1"), events[-1].time, first.time,
        tuple(evidence_of(one, 4000) for one in events), (Entity("local", "host", "WS-1"),), "none", "live",
        (Claim("record_says", {"text": first.raw}, (first.id,), first.time),), group={"host": "WS-1"}, p_value=0.5,
    )  # fmt: skip


def incident(ident: str, *findings: Finding, rank: int = 1, aliases: tuple[str, ...] = ()) -> Incident:
    return Incident(
        ident, rank, "high", 3.5, findings[0].start, findings[-1].time, ("WS-1",), (), (), ("T1059.001",),
        ("execution",), findings, "none", aliases=aliases,
    )  # fmt: skip


def lines(content: bytes) -> list[bytes]:
    """The records of `content`: its lines, the last one with or without its newline."""
    return content.splitlines()


def scan(
    store: Store, content: bytes, member: str = "", *, stop_after: int | None = None, size: int = 3
) -> list[Event]:
    """Reads `content` as a reader would, in batches of `size`; gives the events that were new, committed.

    With `stop_after`, gives up after so many batches, as a crash would: nothing is committed or finished.
    """
    streams: StoredStreams = store.streams
    stream = streams.resolve(content[:1024], member, lambda: io.BytesIO(content))
    records = lines(content)
    new: list[Event] = []
    for count, start in enumerate(range(0, len(records), size)):
        if stop_after is not None and count >= stop_after:
            return new
        chunk = records[start : start + size]
        read = [event(start + index, stream, one.decode()) for index, one in enumerate(chunk)]
        appended = store.append(EventBatch.of(read))
        if stop_after is None:
            store.commit(appended.position)
        new += appended.batch
    streams.finished(stream, len(records), len(content), hashlib.sha256(content).hexdigest())
    return new
