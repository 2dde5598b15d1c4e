"""Framing of JSON: every framing gives the same records, and no bytes make it raise, hang or lose a record."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources.reads import values

from tocsin.config import bounds
from tocsin.sources.content import Content
from tocsin.sources.json_values import JsonValues
from tocsin.sources.text_stream import TextStream

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8)
objects = st.dictionaries(st.text(max_size=6), scalars | st.lists(scalars, max_size=3), max_size=5)
records = st.lists(objects.filter(lambda one: not set(one) & {"_source"}), max_size=6)

FRAMINGS = {
    "lines": lambda many: "\n".join(json.dumps(one) for one in many),
    "lines with CRLF": lambda many: "".join(json.dumps(one) + "\r\n" for one in many),
    "unescaped lines": lambda many: "\n".join(json.dumps(one, ensure_ascii=False) for one in many),
    "one after the other": lambda many: "".join(json.dumps(one) for one in many),
    "pretty": lambda many: "\n".join(json.dumps(one, indent=2) for one in many),
    "array": json.dumps,
    "pretty array": lambda many: json.dumps(many, indent=4),
    "array, an element a line": lambda many: "[\n" + ",\n".join(json.dumps(one) for one in many) + "\n]\n",
    "json-seq": lambda many: "".join("\x1e" + json.dumps(one) + "\n" for one in many),
}
WRAPPED = {
    "CloudTrail": lambda many: json.dumps({"Records": many}),
    "Graph": lambda many: json.dumps(
        {"@odata.context": "c", "value": many, "@odata.nextLink": "n"}, indent=1
    ),
    "Elasticsearch": lambda many: json.dumps(
        {"took": 3, "_shards": {"total": 1}, "hits": {"total": {"value": 2, "relation": "eq"}, "hits": many}}
    ),
}


@pytest.mark.parametrize("framing", [*FRAMINGS, *WRAPPED])
@given(many=records)
@settings(max_examples=25)
def test_every_framing_gives_the_same_records(framing, many):
    if framing in WRAPPED and not many:
        return  # an empty wrapper is told from a record by nothing: it is read as one
    text = (FRAMINGS | WRAPPED)[framing](many)
    found = values(text.encode("utf-8", "surrogatepass"))
    assert [one.value for one in found] == many
    for one in found:
        assert one.raw in text, "the raw text is the record's own, exactly"
        assert json.loads(one.raw) == one.value


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_of_windows_exports(encoding):
    text = "".join(f'{{"n":{n},"name":"Müller €"}}\r\n' for n in range(50))
    assert [one.value for one in values(text.encode(encoding))] == [
        {"n": n, "name": "Müller €"} for n in range(50)
    ]


def test_a_broken_line_costs_only_itself_and_is_told_with_its_place():
    data = b'{"a":1}\n{"a": \n{"a":2}\nrubbish\n{"a":"x}\n{"a":3}'
    found = values(data)
    assert [one.value for one in found] == [{"a": 1}, None, {"a": 2}, None, None, {"a": 3}]
    assert [one.offset for one in found if one.value is None] == [8, 23, 31]
    assert all(one.reason and one.raw for one in found if one.value is None)


def test_a_broken_pretty_printed_record_is_one_record():
    data = b'{\n  "a": 1\n}\n{\n  "a": oops,\n  "list": [\n    {"inner": 1}\n  ]\n}\n{\n  "a": 3\n}\n'
    assert [one.value for one in values(data)] == [{"a": 1}, None, {"a": 3}]


@pytest.mark.parametrize(
    "data", [b'[{"a":1},{"a":', b'{"Records":[{"a":1},{"a"', b'{"a":1}\n{"a"', b'[{"a":1},']
)
def test_a_truncated_file_keeps_what_came_before_and_says_so_once(data):
    first, second = values(data)
    assert first.value == {"a": 1}
    assert second.value is None
    assert "ends" in second.reason


def test_bounds_on_depth_and_length(monkeypatch):
    deep = b'{"a":' * bounds.JSON_DEPTH + b"{}" + b"}" * bounds.JSON_DEPTH
    just = b'{"a":' * (bounds.JSON_DEPTH - 1) + b"{}" + b"}" * (bounds.JSON_DEPTH - 1)
    bomb = b"[" * 100_000
    found = values(just + b"\n" + deep + b'\n{"b":1}\n{"x":' + bomb + b'\n{"c":1}\n')
    assert [one.value is not None for one in found] == [True, False, True, False, True]
    braces = b'{"a":"' + b"{[" * bounds.JSON_DEPTH + b'","b":[' + b"{}," * bounds.JSON_DEPTH + b"[]]}"
    assert [one.value is not None for one in values(braces + b"\n" + just)] == [True, True]
    monkeypatch.setattr(bounds, "RECORD_BYTES", 1000)
    monkeypatch.setattr(bounds, "READ_BLOCK_BYTES", 100)
    found = values(b'{"a":"' + b"x" * 5000 + b'"}\n{"b":1}\n[{"a":"' + b"y" * 5000 + b'"}]\n{"c":1}')
    assert [one.value for one in found if one.value] == [{"b": 1}, {"c": 1}]
    assert sum("longer than" in one.reason for one in found) == 2


def test_stated_behaviour_of_what_json_does_not_allow():
    data = b'{"a":1,"a":2}\n{"a":NaN,"b":-Infinity}\n{"a":"\xff"}\n{"a":"\\ud800x"}\n{"a":"n\x00ul"}\n\x00\x00{"a":1}\x00\n'
    assert [one.value for one in values(data)] == [
        {"a": 2}, {"a": "NaN", "b": "-Infinity"}, {"a": "\ufffd"}, {"a": "\ufffdx"}, {"a": "n\x00ul"}, {"a": 1},
    ]  # fmt: skip


def test_what_is_no_object_is_set_aside():
    assert [one.value for one in values(b'[1,"x",null,[{"a":1}],{"a":1}]\n7\n')] == [None] * 4 + [
        {"a": 1},
        None,
    ]


@pytest.mark.parametrize(
    "text", ['{"items":[{"q":1}],"user":"bob"}', '{"value":[],"x":1}', '{"value":["a"]}', '{"hits":3}']
)
def test_an_ordinary_record_is_no_wrapper(text):
    assert [one.value for one in values(text.encode())] == [json.loads(text)]


def test_offsets_are_bytes_of_the_content():
    start = '{"name":"Müller"}\n'.encode() * 3 + b'{"x":"\xff\xfe"}\n'
    assert values(start + b"oops\n")[-1].offset == len(start)


PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b",",
    b":",
    b"\n",
    b" ",
    b"\x00",
    b"\xff",
    b"1",
    b"null",
    b'{"a":1}',
    b'"Records":[',
    b"\xef\xbb\xbf",
    b"NaN",
    b"\\u",
    b'{"hits":{"hits":[',
]


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join), st.integers(1, 40)
)
@settings(max_examples=300)
def test_no_bytes_make_it_raise_or_go_on_for_ever(data, block):
    class Drops(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, block))

    whole = values(data)
    assert len(whole) <= len(data) + 1
    again = list(JsonValues(TextStream(Content(Drops(data)))))
    assert [one.value for one in again] == [one.value for one in whole], (
        "blocks of any size give the same records"
    )
    for one in whole:
        assert (one.value is None) == bool(one.reason)
        one.raw.encode()


@given(st.lists(st.sampled_from([b'{"a":[', b'{"a":', b'{"a":"', b'{"a":1}']), min_size=200, max_size=200))
@settings(max_examples=20)
def test_hostile_lines_do_not_cost_their_square(lines):
    found = values(b"\n".join(lines))
    assert sum(one.value == {"a": 1} for one in found) <= lines.count(b'{"a":1}')


def test_lines_that_open_and_never_close_are_bounded(monkeypatch):
    monkeypatch.setattr("tocsin.sources.json_values._LOOKAHEAD_CHARS", 100_000)
    found = values(b'{"a":[\n' * 20_000 + b'{"b":1}\n')
    assert found[-1].value == {"b": 1}


def test_the_array_that_powershell_wraps_beside_its_count_is_entered():
    """Windows PowerShell's ConvertTo-Json does so with arrays that carry members of their own."""
    text = json.dumps({"value": [{"Id": 1}, {"Id": 2}], "Count": 2})
    assert [one.value for one in values(text.encode())] == [{"Id": 1}, {"Id": 2}]
