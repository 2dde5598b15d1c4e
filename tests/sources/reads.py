"""Short ways to read bytes in tests."""

from __future__ import annotations

import io

from tocsin.sources.content import Content
from tocsin.sources.interface import ReadContext
from tocsin.sources.json_values import JsonValues
from tocsin.sources.read_counts import ReadCounts
from tocsin.sources.reading import ReadOptions, read
from tocsin.sources.recognise import ObjectReader
from tocsin.sources.text_stream import TextStream

NOW = 1_767_225_600_000_000  # 2026-01-01


def context(source="x.json", **more):
    return ReadContext(source, NOW, NOW, **more)


def values(data: bytes):
    """Every value of JSON bytes."""
    return list(JsonValues(TextStream(Content(io.BytesIO(data)))))


def draft(record, source="x.json"):
    """(draft, format name) of one JSON object."""
    return ObjectReader(context(source)).draft(record)


def everything(*paths, counts=None, **options):
    """(events, set aside) of paths."""
    events, aside = [], []
    for batch in read(
        [str(path) for path in paths], ReadOptions(ingest=NOW, **options), counts or ReadCounts()
    ):
        events += batch.events
        aside += batch.set_aside
    return events, aside
