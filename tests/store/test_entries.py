"""What the log carries comes back as it went in."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_events import batch, event

from tocsin.config import bounds
from tocsin.records.event import Event, EventBatch, Logsource, SetAside
from tocsin.store.entries import (
    Events,
    RuleSet,
    Settings,
    StreamBegun,
    StreamEnded,
    Watermark,
    decode,
    encode,
)

TEXT = st.text(st.characters(), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
EVENTS = st.builds(
    Event,
    stream=TEXT,
    seq=st.integers(0, 2**62),
    time=st.integers(-(2**62), 2**62),
    ingest=st.integers(0, 2**62),
    logsources=st.frozensets(
        st.builds(Logsource, st.none() | TEXT, st.none() | TEXT, st.none() | TEXT), max_size=2
    ),
    fields=st.dictionaries(TEXT, VALUES, max_size=4),
    raw=TEXT,
    source=TEXT,
    format=TEXT,
    host=st.none() | TEXT,
    user=st.none() | TEXT,
    kind=TEXT,
    auth=st.sampled_from(["none", "local"]),
    time_known=st.booleans(),
)
ASIDE = st.builds(SetAside, TEXT, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9), TEXT, TEXT)


def through(entry: object) -> list[object]:
    return [decode(kind, payload) for kind, payload in encode(entry)]  # type: ignore[arg-type]


@settings(max_examples=150)
@given(st.lists(EVENTS, max_size=3), st.lists(ASIDE, max_size=2))
def test_batches_come_back(events: list[Event], aside: list[SetAside]) -> None:
    (entry,) = through(Events(EventBatch.of(events, aside)))
    assert entry == Events(EventBatch.of(events, aside))
    back = entry.batch  # type: ignore[attr-defined]
    assert json.dumps([one.fields for one in back]) == json.dumps(
        [one.fields for one in events]
    )  # 1 is not 1.0 or True


def test_nan_comes_back() -> None:
    (entry,) = through(Events(EventBatch.of([event(0)])))
    one = event(0)
    one.fields = {"x": math.nan, "big": 2**70, "odd": "\ud800"}
    (entry,) = through(Events(EventBatch.of([one])))
    assert math.isnan(entry.batch[0].fields["x"])  # type: ignore[attr-defined]
    assert entry.batch[0].fields["big"] == 2**70  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "entry",
    [
        RuleSet("abc", 3),
        Settings({"a": "b"}),
        Watermark(-5),
        StreamBegun("s", "f", 1024, 5, "d"),
        StreamEnded("s", 1, 2, "d"),
    ],
)
def test_notes_come_back(entry: object) -> None:
    assert through(entry) == [entry]


def test_a_batch_too_large_for_a_frame_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "WAL_FRAME_BYTES", 2_000)
    whole = EventBatch(batch(range(50)).events, (SetAside("a", 7, None, "bad"),))
    parts = through(Events(whole))
    assert len(parts) > 5
    assert [one for part in parts for one in part.batch] == list(whole)  # type: ignore[attr-defined]
    assert [one for part in parts for one in part.batch.set_aside] == list(whole.set_aside)  # type: ignore[attr-defined]


def test_a_record_too_large_for_a_frame_is_set_aside_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "WAL_FRAME_BYTES", 5_000)
    parts = through(Events(EventBatch.of([event(0), event(1, raw="x" * 6_000), event(2)])))
    assert [one.seq for part in parts for one in part.batch] == [0, 2]  # type: ignore[attr-defined]
    (aside,) = [one for part in parts for one in part.batch.set_aside]  # type: ignore[attr-defined]
    assert (aside.record, aside.source) == (1, "a.evtx")
    assert "5000 bytes" in aside.reason


def test_a_record_too_large_for_a_frame_may_stand_beside_a_set_aside_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "WAL_FRAME_BYTES", 4_000)
    bad = SetAside("a.log", 2, 5, "Broken.", "x")
    found = [decode(*one) for one in encode(Events(EventBatch((event(1, raw="y" * 5_000),), (bad,))))]
    aside = [record for one in found if isinstance(one, Events) for record in one.batch.set_aside]
    assert [record.record for record in aside] == [1, 2]


@pytest.mark.parametrize(("kind", "payload"), [(99, b""), (1, b""), (1, b"\xc1"), (4, b"\x01"), (2, b"\x80")])
def test_what_is_unknown_is_a_value_error(kind: int, payload: bytes) -> None:
    with pytest.raises(ValueError):
        decode(kind, payload)
