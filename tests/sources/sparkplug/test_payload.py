"""Payloads as another library encodes them, as worked out by hand, and as nobody should."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import sparkplug_node as node

from tocsin.config import bounds
from tocsin.sources.protobuf_wire import BadMessage
from tocsin.sources.sparkplug.payload import Unreadable, parse_payload

# Made by pysparkplug 0.6.1 (Apache-2.0), another's implementation of the specification.
DBIRTH = bytes.fromhex(
    "0880d0eab6b73312120a02693810011880d0eab6b733200150ff0112140a0369313610021880d0eab6b733200250d4fd0312160a0369333210"
    "031880d0eab6b73320035090ddfbff0f121b0a0369363410041880d0eab6b7332004588080808080e0ffffff0112120a02753810051880d0ea"
    "b6b733200550ff0112140a0375313610061880d0eab6b733200650ffff0312160a0375333210071880d0eab6b733200750ffffffff0f121b0a"
    "0375363410081880d0eab6b7332008588080808080808080800112130a016610091880d0eab6b73320096500"
    "00c03f12170a0164100a1880d0eab6b733200a6900000000000002c012100a0162100b1880d0eab6b733200b700112140a0173100c1880d0ea"
    "b6b733200c7a044f50454e1801"
)
DDATA = bytes.fromhex(
    "08e8d7eab6b733120d100218e8d7eab6b73350fbff031212100a18e8d7eab6b733690000000000001e401802"
)
DNULL = bytes.fromhex("08d0dfeab6b733120b100918d0dfeab6b73338011803")
NDEATH = bytes.fromhex("08b8e7eab6b73312120a0562645365711880d0eab6b73320045803")


def test_all_types_of_another_library() -> None:
    parsed = parse_payload(DBIRTH)
    assert (parsed.timestamp, parsed.seq) == (node.MS, 1)
    found = {one.name: one.value(one.datatype) for one in parsed.metrics}
    assert found == {
        "i8": -1, "i16": -300, "i32": -70000, "i64": float(-(2**40)), "u8": 255, "u16": 65535, "u32": 2**32 - 1,
        "u64": float(2**63), "f": 1.5, "d": -2.25, "b": 1.0, "s": "OPEN",
    }  # fmt: skip
    assert [one.alias for one in parsed.metrics] == list(range(1, 13))


def test_data_of_another_library_has_aliases_only() -> None:
    first, second = parse_payload(DDATA).metrics
    assert (first.alias, first.name, first.datatype, first.value(node.INT16)) == (2, "", 0, -5)
    assert (second.alias, second.value(node.DOUBLE), second.timestamp) == (10, 7.5, node.MS + 1000)
    assert parse_payload(DNULL).metrics[0].value(node.FLOAT) is None
    (death,) = parse_payload(NDEATH).metrics
    assert (death.name, death.value(node.INT64), parse_payload(NDEATH).seq) == ("bdSeq", 3, None)


def test_a_payload_by_hand() -> None:
    # timestamp 5; metric {name "a", datatype 9 (Float), float_value 1.0}; seq 7
    data = bytes.fromhex("0805120a0a01612009650000803f1807")
    parsed = parse_payload(data)
    assert (parsed.timestamp, parsed.seq) == (5, 7)
    assert [(one.name, one.value(one.datatype)) for one in parsed.metrics] == [("a", 1.0)]


@pytest.mark.parametrize(
    ("kind", "wire", "value"),
    [
        (node.INT8, 0xFF, -1), (node.INT8, 0xFFFFFFFF, -1), (node.INT8, 0x80, -128), (node.INT8, 0x7F, 127),
        (node.INT16, 0xFFFF8000, -32768), (node.INT32, 0x80000000, -(2**31)), (node.UINT8, 0xFFFFFFFF, 255),
        (node.UINT32, 0xFFFFFFFF, 2**32 - 1), (node.DATETIME, 5, 5),
    ],
)  # fmt: skip
def test_signs_that_the_wire_does_not_have(kind: int, wire: int, value: int) -> None:
    (one,) = parse_payload(node.payload(0, metrics=[{"name": "a", "int_value": wire}])).metrics
    assert one.value(kind) == value


def test_what_is_no_good_value() -> None:
    bad = {"keys": ["Other", "Quality"], "values": [{"type": 3, "int_value": 1}, {"type": 3, "int_value": 0}]}
    good = {"keys": ["Quality"], "values": [{"type": 3, "int_value": 192}]}
    metrics = [
        node.metric("bad", node.FLOAT, 1.0, properties=bad),
        node.metric("good", node.FLOAT, 1.0, properties=good),
        node.metric("nan", node.DOUBLE, math.nan),
        node.metric("endless", node.FLOAT, math.inf),
        node.metric("null", node.INT32, is_null=True),
        node.metric("nothing", node.INT32),
    ]
    found = {
        one.name: one.value(one.datatype) for one in parse_payload(node.payload(0, metrics=metrics)).metrics
    }
    assert found == {"bad": None, "good": 1.0, "nan": None, "endless": None, "null": None, "nothing": None}


@pytest.mark.parametrize("kind", [node.DATASET, node.TEMPLATE, node.BYTES, node.FILE, 0, 22, 999])
def test_a_value_of_a_type_that_is_not_read(kind: int) -> None:
    (one,) = parse_payload(node.payload(0, metrics=[{"name": "a", "int_value": 1}])).metrics
    with pytest.raises(Unreadable):
        one.value(kind)


def test_names_that_nobody_should_have_are_none() -> None:
    names = ["a\nb", "x" * (bounds.HISTORIAN_NAME_CHARS + 1), "\u202e", "ü" * bounds.HISTORIAN_NAME_CHARS]
    parsed = parse_payload(node.payload(0, metrics=[node.metric(one, node.FLOAT, 1.0) for one in names]))
    assert [one.name for one in parsed.metrics] == ["", "", "", names[3]]


def test_bounds() -> None:
    with pytest.raises(BadMessage, match="metrics"):
        parse_payload(b"\x12\x00" * (bounds.SPARKPLUG_METRICS + 1))
    with pytest.raises(BadMessage, match="fields"):
        parse_payload(b"\x18\x00" * (bounds.SPARKPLUG_FIELDS + 1))
    with pytest.raises(BadMessage, match="bytes"):
        parse_payload(bytes(bounds.MQTT_PACKET_BYTES + 1))
    deep = b""
    for _ in range(10_000):  # templates in templates are stepped over, however deep
        deep = b"\x12" + _size(len(deep)) + deep
    parse_payload(b"\x12" + _size(len(deep)) + deep)


def _size(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    try:
        parsed = parse_payload(data)
    except BadMessage:
        return
    for one in parsed.metrics:
        for kind in range(20):
            try:
                value = one.value(kind)
            except Unreadable:
                continue
            assert value is None or isinstance(value, str) or math.isfinite(value)
