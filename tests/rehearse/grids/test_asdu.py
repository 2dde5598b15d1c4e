"""Data units: what is written is read back, what others read is what was written, and what is damaged is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.rehearse.grids.asdu import Cause, Object, Type, Unit, decode, encode, refused, units

addresses = st.integers(0, 2**24 - 1)
floats = st.floats(width=32, allow_nan=False)
times = st.integers(946_684_800_000, 4_102_444_799_999)  # of the years 2000 to 2099
bits = st.integers(0, 1)
OBJECTS = {
    Type.SINGLE: st.builds(Object, addresses, bits, st.booleans()),
    Type.FLOAT: st.builds(Object, addresses, floats, st.booleans()),
    Type.TIMED_SINGLE: st.builds(Object, addresses, bits, st.booleans(), times),
    Type.TIMED_FLOAT: st.builds(Object, addresses, floats, st.booleans(), times),
}


@given(
    st.data(),
    st.sampled_from(list(OBJECTS)),
    st.sampled_from(list(Cause)),
    st.integers(0, 0xFFFF),
    st.booleans(),
)
def test_what_is_written_is_read_back(data, kind, cause, station, negative):
    objects = tuple(data.draw(st.lists(OBJECTS[kind], min_size=1, max_size=16)))
    unit = Unit(kind, cause, objects, station, negative)
    assert decode(encode(unit)) == unit


@given(st.binary(max_size=60))
def test_any_bytes_are_a_unit_or_a_value_error(data):
    try:
        unit = decode(data)
    except ValueError:
        return
    assert 1 <= len(unit.objects) <= 127


def test_a_known_unit_octet_by_octet():
    one = Object(1001, 230.5, time=1_704_067_261_250)  # 2024-01-01 00:01:01.250, a Monday
    unit = encode(Unit(Type.TIMED_FLOAT, Cause.SPONTANEOUS, (one,)))
    assert unit.hex(" ") == "24 01 03 00 01 00 e9 03 00 00 80 66 43 00 e2 04 01 00 21 01 18"


def test_a_sequence_has_one_address():
    body = b"".join(struct.pack("<fB", value, 0) for value in (1.5, 2.5, 3.5))
    unit = decode(bytes([13, 0x83, 20, 0, 1, 0, 10, 0, 0]) + body)
    assert [(one.address, one.value) for one in unit.objects] == [(10, 1.5), (11, 2.5), (12, 3.5)]


def test_many_objects_need_many_units():
    made = units(Type.TIMED_FLOAT, Cause.SPONTANEOUS, [Object(at, at) for at in range(100)])
    assert [one.address for unit in made for one in unit.objects] == list(range(100))
    assert all(len(encode(unit)) <= 249 for unit in made)
    with pytest.raises(ValueError, match="too many"):
        encode(Unit(Type.FLOAT, 3, tuple(Object(at, at) for at in range(100))))


@pytest.mark.parametrize("number", [45, 46, 50, 58, 103, 105, 255])
def test_commands_are_no_known_type(number):
    command = bytes([number, 1, 6, 0, 1, 0, 1, 0, 0, 1])
    with pytest.raises(ValueError, match=f"type {number}"):
        decode(command)
    answer = refused(command, Cause.UNKNOWN_TYPE)
    assert answer[2] == 0x40 | 44
    assert answer[:2] + command[2:3] + answer[3:] == command
