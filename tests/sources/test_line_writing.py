"""Readings as line protocol: whatever a tag is called and shows, a reader of the protocol gets it back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.plant.collectors.taking import read_line

from tocsin.sources.line_writing import MEASUREMENT, key_text, lines, value_text
from tocsin.sources.listened import line_protocol

BROKEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

names = st.text(st.sampled_from("ab\\,= \"'#\n\té\u2028") | st.characters(), min_size=1, max_size=8)
values = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.text('\\"\n ', max_size=5)
    | st.booleans()
)


def written(readings: list[tuple[str, int, float | str | None]], most: int = 10_000) -> list[str]:
    return [line.decode() for line in lines(readings, most)]


def test_readings_of_an_instant_share_a_line() -> None:
    rows = [("A", 1, 1.5), ("B", 1, "OPEN"), ("C", 1, None), ("A", 2, 2.0), ("A", 2, 3.0)]
    assert written(rows) == ['plant A=1.5,B="OPEN" 1\n', "plant A=2.0 2\n", "plant A=3.0 2\n"]


def test_names_are_escaped_as_the_protocol_wants() -> None:
    assert key_text("a b,c=d") == r"a\ b\,c\=d"
    assert key_text(r"PLANT\TANK1") == r"PLANT\TANK1"
    assert key_text("a\\") == "a\\_"
    assert key_text('a\\"b') == r'a\\"b'
    assert key_text("x" * 300) == "x" * 256
    assert key_text("x" * 255 + "\\") == "x" * 255 + "_"
    assert key_text("") == "_"
    assert value_text('say "a\\b"\n') == r'"say \"a\\b\" "'
    assert value_text(float("nan")) is None


def test_what_has_no_value_makes_no_line() -> None:
    assert written([("A", 1, None), ("B", 1, float("inf"))]) == []


def test_a_long_line_is_parted() -> None:
    found = written([(f"T{number}", 7, "x" * 100) for number in range(50)], 2_000)
    assert len(found) > 1
    assert all(len(line) <= 2_000 for line in found)
    assert [tag for line in found for tag, _, _ in read_line(line[:-1])] == [
        f"T{number}" for number in range(50)
    ]


@given(st.lists(st.tuples(names, st.integers(0, 2**53), values), max_size=8))
def test_what_was_written_is_read_again(rows: list[tuple[str, int, float | str]]) -> None:
    found, told = [], []
    for line in written(list(rows)):
        (point,) = line_protocol.points(line.encode(), line_protocol.UNITS["us"])
        assert isinstance(point, line_protocol.Point)
        assert point.measurement == MEASUREMENT
        told += [(tag, point.time, value) for tag, value in point.readings.items()]
        assert line.endswith("\n")
        assert not BROKEN.search(line[:-1])
        found += read_line(line[:-1])
    assert found == told
    assert found == [
        (
            re.sub(r"\\\Z", r"\\_", BROKEN.sub(" ", name)),
            at,
            BROKEN.sub(" ", value) if isinstance(value, str) else value,
        )
        for name, at, value in rows
    ]
