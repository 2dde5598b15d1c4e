"""Payloads that are a bare value or an object of JSON."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.sources.mqtt.values import BadValue, bare_value, json_values

SECOND = 1_767_225_600


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"21.5", 21.5), (b" -3 \n", -3.0), (b"1e3", 1000.0), (b"OPEN", "OPEN"), (b"", None), (b"null", None), (b"NaN", None),
        (b"inf", None), (b"1,5", "1,5"), (b"a\nb", "a b"),
    ],
)  # fmt: skip
def test_bare(payload: bytes, value: float | str | None) -> None:
    assert bare_value(payload) == value


@pytest.mark.parametrize("payload", [b"\xff", b"x" * 2_000])
def test_no_bare_value(payload: bytes) -> None:
    with pytest.raises(BadValue):
        bare_value(payload)


@pytest.mark.parametrize(
    ("payload", "value", "time", "found"),
    [
        (b"5", "", "", (None, [("", 5.0)])),
        (b'{"flow": 5, "valve": "OPEN", "on": true, "gone": null, "more": {}}', "", "",
         (None, [("flow", 5.0), ("valve", "OPEN"), ("on", 1.0), ("gone", None)])),
        (b'{"data": {"value": 5}, "other": 6}', "data.value", "", (None, [("data.value", 5.0)])),
        (b'{"v": 5, "ts": "2026-01-01T00:00:00Z"}', "", "ts", (SECOND * 10**6, [("v", 5.0)])),
        (b'{"v": 5, "ts": 1767225600}', "v", "ts", (SECOND * 10**6, [("v", 5.0)])),
        (b'{"v": 5, "ts": 1767225600000}', "v", "ts", (SECOND * 10**6, [("v", 5.0)])),
        (b'{"v": 5, "ts": 1767225600000000}', "v", "ts", (SECOND * 10**6, [("v", 5.0)])),
        (b'{"v": 5, "ts": 1767225600000000001}', "v", "ts", (SECOND * 10**6, [("v", 5.0)])),
        (b'{"v": 5, "at": {"ts": 1767225600.25}}', "v", "at.ts", (SECOND * 10**6 + 250_000, [("v", 5.0)])),
    ],
)  # fmt: skip
def test_json(payload: bytes, value: str, time: str, found: object) -> None:
    assert json_values(payload, value, time) == found


@pytest.mark.parametrize(
    ("payload", "value", "time"),
    [
        (b"{", "", ""), (b"\xff", "", ""), (b"[1]", "", ""), (b"{}", "", ""), (b'{"a": 1}', "b", ""), (b'{"a": [1]}', "a", ""),
        (b'{"a": 1}', "a", "ts"), (b'{"a": 1, "ts": "noon"}', "a", "ts"), (b'{"a": 1, "ts": true}', "a", "ts"),
        (b'{"a": 1, "ts": -1}', "a", "ts"), (b"[" * 100_000, "", ""),
    ],
)  # fmt: skip
def test_no_json(payload: bytes, value: str, time: str) -> None:
    with pytest.raises(BadValue):
        json_values(payload, value, time)


@given(st.binary(max_size=60))
def test_any_bytes(payload: bytes) -> None:
    for value, time in (("", ""), ("a", "t")):
        try:
            _, found = json_values(payload, value, time)
        except BadValue:
            continue
        assert all(one is None or isinstance(one, str) or math.isfinite(one) for _, one in found)
