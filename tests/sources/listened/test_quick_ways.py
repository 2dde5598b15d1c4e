"""The quick ways of reading a body are the plain ones: same events, same words, same refusals, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.records.received import Received
from tocsin.sources import json_values
from tocsin.sources.listened import splunk_hec, taken

DEPTH = bounds.JSON_DEPTH


def nested(depth: int) -> bytes:
    return b'{"k":' * (depth - 1) + b"[]" + b"}" * (depth - 1)


PIECES = [
    b'{"event":"a"}', b'{"event":{"a":1},"time":1.5,"host":"h","fields":{"b":[1,{"c":2}]}}', b'{ "event" : { "a" : 1 } }',
    b'{"event":"a }{ b"}', b'{"event":{"k":[{}{}]}}', b'{"event":{"k":"}\\n{\\"}{"}}', b'{"event":1,"event":null}',
    b'{"event":null,"event":1}', b'{"event":{}}', b'{"event":[ \n]}', b'{"event":""}', b'{"event":" "}', b"{}", b"null", b"3",
    b'{"\\u0065vent":1}', b'{"host":"\\ud800","event":1}', b'{"event":"\\ud800 \\ud83d\\ude00"}', b'{"host":"}{\\"","event":[1]}',
    b'{"time":1e999,"event":1}', b'{"event":1e999}', b'{"event":"\x01"}', b'{"event":"\xff"}', b'{"event":"\xc3\xa9"}',
    b'{"index":{"a":[]},"event":true}', b'{"event":"a"', b'"event":1}', b"\xef\xbb\xbf", b",", b"[", b"]", b"\n", b" \r\n\t", b"\x00",
    *(b'{"event":' + nested(depth) + b"}" for depth in (2, DEPTH - 1, DEPTH, DEPTH + 1)),
    *(b'{"event":1,"other":' + nested(depth) + b"}" for depth in (DEPTH, DEPTH + 1)),
    b'{"event":' + nested(DEPTH + 1) + b',"event":1}', b'{"other":"}{","x":' + nested(DEPTH + 2) + b"}",
]  # fmt: skip
BODIES = st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join) | st.lists(
    st.sampled_from(PIECES[:6]), max_size=90
).map(lambda pieces: b"[" + b",".join(pieces) + b"]")


def outcome(events: Callable[[bytes], Iterable[splunk_hec.HecEvent]], body: bytes) -> list[object]:
    """What comes of `body`: each event's parts, then the refusal where there is one."""
    seen: list[object] = []
    try:
        for one in events(body):
            seen.append(  # noqa: PERF401  what came before a refusal is kept
                (one.text, repr(one.time), repr(one.host), one.source, one.sourcetype, repr(one.fields))
            )
    except splunk_hec.BadBody as bad:
        seen.append((bad.code, bad.event_number, bad.text))
    return seen


def same_either_way(body: bytes) -> None:
    expected = outcome(splunk_hec._each_event, body)
    assert outcome(splunk_hec.event_objects, body) == expected
    try:
        counted: object = splunk_hec.check_events(body)
    except splunk_hec.BadBody as bad:
        counted = (bad.code, bad.event_number, bad.text)
    refused = bool(expected) and len(expected[-1]) == 3  # type: ignore[arg-type]
    assert counted == (expected[-1] if refused else len(expected))


@given(BODIES)
@example(b'{"event":1}' * (DEPTH + 2))
@example((b'{"event":{"a":[{"b":1}]}}' * DEPTH) + b'{"event":[{}{}]}')
def test_all_events_at_once_are_each_event(body: bytes) -> None:
    same_either_way(body)


def test_any_piece_behind_any_other() -> None:
    for first in (b"", *PIECES):
        for second in PIECES:
            same_either_way(first + second)


def test_usual_bodies_take_the_quick_way() -> None:
    one = b'{"time":1.5,"host":"h","event":{"Image":"C:\\\\a","Guid":"{1}"}}'
    for between in (b"", b"\n", b" \r\n"):
        assert len(splunk_hec._plain_events(between.join([one] * 200)) or ()) == 200
    assert len(splunk_hec._plain_events(b"[" + b", ".join([one] * 200) + b"]") or ()) == 200


def test_more_events_than_may_come_are_not_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_RECORDS", 3)
    assert splunk_hec._plain_events(b'{"event":1}' * 3) is not None
    assert splunk_hec._plain_events(b'{"event":1}' * 4) is None


SAID = st.sampled_from(["h", "", "other", None, 1, True, 1.0, ["x"], {"a": 1}])
EVENTS = st.fixed_dictionaries(
    {"event": st.sampled_from(["line", {"a": 1}])},
    optional={
        "time": st.sampled_from([1.5, 1, "1763900000.5", "2026-11-23T10:00:00", None, "x", [], True, -1, 1e300]),
        "host": SAID,
        "source": SAID,
        "sourcetype": SAID,
        "fields": st.sampled_from([{}, {"f": "v"}, {"g": 1}, None, [], "x"]),
    },
)  # fmt: skip


@given(st.lists(EVENTS, min_size=1, max_size=12))
def test_what_is_said_of_an_event_does_not_depend_on_the_one_before(events: list[dict[str, Any]]) -> None:
    def said(several: list[dict[str, Any]]) -> list[object]:
        body = "".join(map(json.dumps, several)).encode()
        got = Received("s", 0, len(several), 0, "hec-event", "t", "::1", "token", body)
        return [(one, one.said.fields) for one in taken.taken(got, UTC)]

    assert said(events) == [one for event in events for one in said([event])]


TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just("\x00é😀"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), TEXTS, max_size=5), st.booleans())
@example({"a": "\\ud800"}, True)
@example({"a": "\ud800"}, True)
@example({"a": "\ud800"}, False)
@example({"k": json.loads(nested(DEPTH - 1))}, True)
@example({"k": json.loads(nested(DEPTH))}, True)
@example({str(number): [] for number in range(DEPTH + 1)}, True)
def test_one_object_is_what_the_full_check_says(value: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        decoded = orjson.loads(text)
    except orjson.JSONDecodeError:
        return  # the lenient way, which checks everything
    one = json_values.one_object(text)
    full = json_values._checked(text, decoded)
    assert (one.raw, one.reason, repr(one.value)) == (full.raw, full.reason, repr(full.value))
