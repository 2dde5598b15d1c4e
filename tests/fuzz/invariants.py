"""What holds of every input, however hostile; a broken one is an `AssertionError` or any other exception."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tocsin.config import bounds
from tocsin.records.event import Event, EventBatch, Logsource, SetAside
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read
from tocsin.store import entries

NOW = 1_767_225_600_000_000  # 2026-01-01
SECONDS = 5.0
"""CPU time that one input may take; more is a hang."""

_READERS_OWN_MISTAKE = re.compile(r"reader failed on this record \((\w+)\)")


@contextmanager
def in_time() -> Iterator[None]:
    """Asserts that what is inside takes at most `SECONDS` of this process's time."""
    began = time.process_time()
    yield
    taken = time.process_time() - began
    assert taken <= SECONDS, f"hangs: {taken:.1f} seconds"


def read_whole(path: Path, **options: Any) -> tuple[list[Event], list[SetAside]]:
    """Reads `path` and asserts that nothing crashed, hung or vanished."""
    counts = ReadCounts()
    batches: list[EventBatch] = []
    with in_time():
        batches += read([str(path)], ReadOptions(ingest=NOW, **options), counts)
    events = [event for batch in batches for event in batch]
    aside = [one for batch in batches for one in batch.set_aside]
    for event in events:
        check_event(event)
    for one in aside:
        check_set_aside(one)
    _check_counts(events, aside, counts)
    _check_stored(batches)
    return events, aside


def _check_counts(events: Sequence[Event], aside: Sequence[SetAside], counts: ReadCounts) -> None:
    numbered = [one for one in aside if one.record is not None]
    assert counts.events == len(events)
    assert counts.set_aside == len(aside)
    assert counts.records == len(events) + len(numbered)
    assert len({event.id for event in events}) == len(events), "two events have one id"
    if len({event.source for event in events} | {one.source for one in aside}) == 1 == counts.sources:
        ordinals = sorted([event.seq for event in events] + [one.record or 0 for one in numbered])
        assert ordinals == list(range(counts.records)), "an ordinal was left out"


def _check_stored(batches: Sequence[EventBatch]) -> None:
    """What was read comes back from the store's log as it was."""
    for batch in batches:
        kept = [entries.decode(*packed) for packed in entries.encode(entries.Events(batch))]
        if len(kept) == 1:
            assert repr(kept[0]) == repr(entries.Events(batch)) or kept[0] == entries.Events(batch)


def check_event(event: Event) -> None:
    """An event is of the envelope's types and can be printed, stored and judged."""
    assert isinstance(event.time, int)
    assert event.host is None or isinstance(event.host, str)
    assert event.user is None or isinstance(event.user, str)
    assert all(isinstance(source, Logsource) for source in event.logsources)
    assert event.raw
    assert event.format
    assert 0 < len(event.kind) < 512
    assert event.origin == "live"
    assert len(event.fields) <= bounds.FIELDS_PER_RECORD
    assert all(isinstance(name, str) for name in event.fields)
    json.dumps(event.fields)
    for text in (event.raw, event.source, event.kind, event.host or "", event.user or ""):
        text.encode()


def check_set_aside(one: SetAside) -> None:
    """What is set aside has a place and a sentence that says why, and the reader itself made no mistake."""
    assert one.source
    assert one.reason.endswith("."), one.reason
    assert one.reason.isprintable(), one.reason
    mistake = _READERS_OWN_MISTAKE.search(one.reason)
    assert mistake is None, one.reason
    assert len(one.raw) <= bounds.SET_ASIDE_RAW_CHARS
    assert one.record is None or one.record >= 0
    for text in (one.source, one.reason, one.raw):
        text.encode()
