"""Bodies of the HTTP Event Collector: what is taken in, and what is answered otherwise."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.sources.listened.splunk_hec import BadBody, check_events, check_lines, event_objects, raw_lines

ONE = b'{"event":"a"}'


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (ONE, 1),
        (ONE * 3, 3),
        (ONE + b"\n" + ONE + b"\r\n\t " + ONE + b"\n", 3),
        (b"[" + ONE + b"," + ONE + b"]\n", 2),
        (b'{"event":"a }{ b"}{"event":{"k":"}\\n{\\"}{"}}' + ONE, 3),
        (b'{"event":"\\ud800 \\ud83d\\ude00 \\\\ud800"}', 1),
        (b'{"event":0}{"event":false}{"event":[1]}{"event":" "}', 4),
        (
            b'{"time":1.5,"host":"h","source":"s","sourcetype":"t","index":"i","fields":{"a":1},"event":{"b":2}}',
            1,
        ),
    ],
)
def test_taken_in(body: bytes, count: int) -> None:
    assert check_events(body) == count


@pytest.mark.parametrize(
    ("body", "code", "number"),
    [
        (b"", 5, None),
        (b" \r\n", 5, None),
        (b"[]", 5, None),
        (b"hello", 6, 0),
        (b'"text"', 6, 0),
        (ONE + b"x", 6, 1),
        (ONE + b'{"event":', 6, 1),
        (ONE + b',{"event":1}', 6, 1),
        (b"[" + ONE + b",3]", 6, 1),
        (b"[" + ONE, 6, 1),
        (b"[" + ONE + b"]" + ONE, 6, 1),
        (b'{"event":"\xff"}', 6, 0),
        (b'{"event":"a }{ ', 6, 0),
        (ONE + b'{"host":"h"}', 12, 1),
        (b'{"event":null}', 12, 0),
        (ONE * 2 + b'{"event":""}', 13, 2),
        (b'{"event":{ }}', 13, 0),
    ],
)
def test_refused_as_splunk_does(body: bytes, code: int, number: int | None) -> None:
    with pytest.raises(BadBody) as refused:
        check_events(body)
    assert (refused.value.code, refused.value.event_number) == (code, number)
    assert refused.value.text


def test_depth_is_bounded() -> None:
    assert check_events(b'{"event":' + b"[" * 64 + b"1" + b"]" * 64 + b"}") == 1
    for depth in (65, 66, 900, 100_000):
        body = b'{"event":' + b"[" * depth + b"1" + b"]" * depth + b"}"
        with pytest.raises(BadBody) as refused:
            check_events(ONE + body)
        assert (refused.value.code, refused.value.event_number) == (6, 1)


def test_the_number_of_events_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_RECORDS", 3)
    assert check_events(ONE * 3) == check_lines(b"a\nb\nc") == 3
    for check, body in ((check_events, ONE * 4), (check_lines, b"a\n" * 4)):
        with pytest.raises(BadBody, match="more than 3") as refused:
            check(body)
        assert (refused.value.code, refused.value.event_number) == (6, 3)


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":"' + b"}{" * 500_000 + b'"}',
        b'{"event":"' + b"}{" * 500_000,
        b'{"event":"}{"}' * 49_000,
        b"}  " * 300_000 + b"{",
        b"[[]," * 200_000,
        b'{"event":' + b"[]," * 300_000,
        b'{"event":"' + b"\\ud800" * 150_000 + b'"}',
        b'{"event":"' + b"\\" * 999_999 + b'"}',
        b" " * 1_000_000 + b"}",
    ],
    ids=range(9),
)
def test_a_hostile_body_takes_no_longer_than_its_length(body: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(BadBody):
        check_events(body)
    assert time.process_time() - began < 3


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=8)
    | st.sampled_from(["}{", '"}{"', "\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"event": JSON.filter(lambda one: one not in (None, "", {}, []))},
            optional={"host": JSON, "fields": JSON},
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["", "\n", " ", "\r\n"]),
    st.booleans(),
)
def test_whatever_is_sent_comes_back(events: list[dict[str, object]], between: str, ascii_only: bool) -> None:
    texts = [json.dumps(one, ensure_ascii=ascii_only) for one in events]
    for body in (between.join(texts), "[" + ",".join(texts) + "]"):
        found = list(event_objects(body.encode()))
        assert [json.loads(one.text) for one in found] == [one["event"] for one in events]
        assert check_events(body.encode()) == len(events)


def test_lines_of_a_raw_body() -> None:
    assert list(raw_lines(b"a\r\n\n \t\r\nb \xff\nc")) == [b"a", b"b \xff", b"c"]
    with pytest.raises(BadBody) as refused:
        check_lines(b"\n \n")
    assert refused.value.code == 5


def test_the_check_needs_nothing_heavy() -> None:
    code = (
        "import sys, tocsin.sources.listened.splunk_hec, tocsin.sources.listened.elastic_bulk,"
        " tocsin.sources.listened.syslog_frames;"
        "heavy = {'numpy','pyarrow','duckdb','sigma','polars','tocsin.sources.recognise','evtx','regex'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
