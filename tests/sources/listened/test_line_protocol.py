"""Line protocol as InfluxDB reads it: what is written is read again, what is broken spoils nothing else."""

from __future__ import annotations

import math
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.config.bounds import MiB
from tocsin.records.event import EventBatch, Logsource
from tocsin.records.received import Received
from tocsin.sources.listened.line_protocol import UNITS, BadLine, Point, TooMany, check, points
from tocsin.sources.listened.received import events_of

NOW = 1_764_000_000_000_000


def read(body: bytes, unit: int = 1) -> list[Point]:
    found = list(points(body, unit))
    assert all(isinstance(one, Point) for one in found), found
    return [one for one in found if isinstance(one, Point)]


def whys(body: bytes, unit: int = 1) -> list[str]:
    found = [one.why for one in points(body, unit) if isinstance(one, BadLine)]
    assert check(body, unit).bad == len(found)
    return found


def batch(body: bytes, **hints: str) -> EventBatch:
    unit = UNITS[hints.get("precision", "ns")]
    count = check(body, unit).lines
    given = {"plant": "works", **hints}
    return events_of(Received("s", 0, count, NOW, "plant", "office", "192.0.2.1", "token", body, given))


def test_a_line_becomes_an_event() -> None:
    body = b'flow,site=north\\ bank F1=0.1,F2=7i,OPEN=T,STATE="OFF" 1700000000123456789\nflow F1=2\n'
    whole, untimed = batch(body)
    assert whole.format == "line-protocol"
    assert whole.kind == "plant/works"
    assert whole.logsources == {Logsource("plant", None, "works")}
    assert whole.fields == {
        "plant": "works", "measurement": "flow", "tags": {"site": "north bank"},
        "readings": {"F1": 0.1, "F2": 7, "OPEN": True, "STATE": "OFF"},
    }  # fmt: skip
    assert [type(one) for one in whole.fields["readings"].values()] == [float, int, bool, str]
    assert (whole.time, whole.time_known, whole.source) == (1_700_000_000_123_456, True, "plant:works")
    assert whole.raw == body.split(b"\n")[0].decode()
    assert (untimed.time, untimed.time_known) == (NOW, False)


def test_what_is_escaped() -> None:
    """The examples of the documentation's "Special characters", and what its parser makes of the rest."""
    (one,) = read(
        rb'my\ meas\,ure=ment\x,t\=a\ g\,1=v\=a\ l\\,2,t2="q" f\ i\=e\,l\"d="a \"text\" with \\ and \n",g\x=1'
    )
    assert one.measurement == r"my meas,ure=ment\x"
    assert one.tags == {"t=a g,1": r"v=a l\,2", "t2": '"q"'}
    assert one.readings == {'f i=e,l"d': r"a " + '"text"' + r" with \ and \n", r"g\x": 1.0}


@pytest.mark.parametrize("truth", ["t", "T", "true", "True", "TRUE"])
def test_truths(truth: str) -> None:
    (one,) = read(f"m a={truth},b={truth.translate(str.maketrans('tTrRuUeE', 'fFaAlLsS'))[:1]}".encode())
    assert one.readings == {"a": True, "b": False}
    assert read(b"m a=false,b=False,c=FALSE")[0].readings == {"a": False, "b": False, "c": False}


def test_numbers_are_exact() -> None:
    text = (
        b"m a=-0.1,b=1e-7,c=1.5E+3,d=.5,e=5.,f=-9223372036854775808i,g=18446744073709551615u,h=007i,i=1e-400"
    )
    assert read(text)[0].readings == {
        "a": -0.1, "b": 1e-7, "c": 1500.0, "d": 0.5, "e": 5.0, "f": -(2**63), "g": 2**64 - 1, "h": 7, "i": 0.0,
    }  # fmt: skip
    plain = format(1.7976931348623157e308, "f")
    assert read(f"m a={plain}".encode())[0].readings == {"a": 1.7976931348623157e308}


@pytest.mark.parametrize(
    ("unit", "time"), [("s", 1_700_000_000), ("ms", 1_700_000_000_000), ("us", 17 * 10**14), ("ns", 17 * 10**17)]
)  # fmt: skip
def test_precision(unit: str, time: int) -> None:
    (event,) = batch(f"m a=1 {time}".encode(), precision=unit)
    assert event.time == 1_700_000_000_000_000
    assert read(b"m a=1 -1500")[0].time == -2  # the microsecond in which it lies


def test_of_a_field_that_stands_twice_the_last_counts_and_a_tag_spoils_the_line() -> None:
    assert read(b"m a=1,b=2,a=3")[0].readings == {"a": 3.0, "b": 2.0}
    assert whys(b"m,a=1,b=2,a=1 f=1") == ["a tag that stands twice"]


def test_lines_blank_lines_and_comments() -> None:
    body = b'\r\n# m="a comment\n  m a=1 \r\n\n\t\0# another\r\nm a=2 5\r\n   \n#'
    assert [(one.number, one.readings, one.time) for one in read(body)] == [
        (3, {"a": 1.0}, None),
        (6, {"a": 2.0}, 0),
    ]
    assert check(b"", 1) == check(b"\n\r\n#x", 1) == (0, 0, None)


def test_a_text_may_hold_a_line_feed_and_nobody_s_text_begins_a_line() -> None:
    (one,) = read(b'm note="first\nplant LEVEL=3.0\n",a=1')
    assert one.readings == {"note": "first\nplant LEVEL=3.0\n", "a": 1.0}
    assert [one.number for one in read(b'm a="\n\n"\nm a=1')] == [1, 4]
    assert read(b'we"ird a"b=1\nm a=2')[1].readings == {"a": 2.0}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"m", "no fields"), (b",a=b f=1", "no measurement"), (b"m,a f=1", "a tag that is no name=value"),
        (b"m,a= f=1", "a tag that is no name=value"), (b"m f", "field 1 has no value"), (b"m f=1,", "field 2 has no name"),
        (b"m =1", "field 1 has no name"), (b"m f=", "field 1 has no value"), (b"m f=,g=1", "field 1 has no value"),
        (b"m f=NaN", "field 1 has a value that is no number"), (b"m f=-Inf", "field 1 has a value that is no number"),
        (b"m f=1e999", "field 1 has a number that is too large"), (b"m f=1.5i", "field 1 has an integer that is none"),
        (b"m f=9223372036854775808i", "field 1 has an integer of more than 64 bits"),
        (b"m f=-1u", "field 1 has a sign before an unsigned integer"), (b"m f=tRue", "field 1 has a value of no kind"),
        (b"m f=1_0", "field 1 has a value of no kind"), (b"m f=0x1", "field 1 has a value of no kind"),
        ("m f=١".encode(), "field 1 has a value of no kind"), (b'm f="a', "field 1 has a text without an end"),
        (b'm f="a"b', "field 1 has something behind it that is no time"),
        (b"m f=1 1.5", "field 1 has something behind it that is no time"),
        (b"m f=1 1 1", "field 1 has something behind it that is no time"),
        (b"m f=1 9223372036854775807", "a time before 1677 or after 2262, or of another precision than was said"),
        (b"m\x1b[2J f=1", "a control character in a name or tag"), (b"m,a=\x7f f=1", "a control character in a name or tag"),
        (b"m \xc2\x85=1", "a control character in a name or tag"), (b"\xff f=1", "a line that is no UTF-8"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_set_aside_alone(line: bytes, why: str) -> None:
    body = b"m a=1\n" + line + b"\n"
    found = batch(body if b'="a' not in line or why.endswith("time") else body[:-1])
    assert [one.seq for one in found] == [0]
    (aside,) = found.set_aside
    assert (aside.record, aside.reason) == (1, why[:1].upper() + why[1:] + ".")
    assert aside.raw == line.decode("utf-8", "replace")


def test_seconds_taken_for_nanoseconds_of_another_precision_are_refused() -> None:
    assert len(whys(b"m f=1 1700000000000000000", UNITS["s"])) == 1


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: not text.endswith("\\")
)  # before what ends a name it would escape that: so says the documentation
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1), st.booleans(),
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=20),
)  # fmt: skip


def name(text: str, escaped: str) -> str:
    return "".join("\\" + char if char in escaped else char for char in text)


def value(found: Any) -> str:
    if isinstance(found, bool):
        return str(found)
    if isinstance(found, str):
        return '"' + name(found, '"\\') + '"'
    return f"{found}i" if isinstance(found, int) else repr(found)


@given(
    NAMES.filter(lambda text: text[0] not in "# \t,"),
    st.dictionaries(NAMES, NAMES, max_size=4),
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=6),
    st.none() | st.integers(-(2**62), 2**62),
)
def test_what_is_written_is_read(
    measurement: str, tags: dict[str, str], readings: dict[str, Any], at: int | None
) -> None:
    head = name(measurement, ", ") + "".join(f",{name(one, ',= ')}={name(tags[one], ',= ')}" for one in tags)
    fields = ",".join(f"{name(one, ',= ')}={value(readings[one])}" for one in readings)
    line = f"{head} {fields}" + ("" if at is None else f" {at}")
    found = read(f"first f=1\n{line}\r\nlast f=1\n".encode())
    assert [one.measurement for one in found] == ["first", measurement, "last"]
    assert found[1].tags == tags
    assert found[1].readings == readings
    assert all(type(found[1].readings[one]) is type(readings[one]) for one in readings)
    assert found[1].time == (None if at is None else at // 1000)


PIECES = [b"m", b",", b"=", b" ", b'"', b"\\", b"\n", b"\r", b"#", b"1", b"i", b"u", b"T", b"-", b".", b"e", b"\xff", b"\xc3\xa9", b"\0"]  # fmt: skip


@given(st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
def test_whatever_comes_both_sides_count_alike(body: bytes) -> None:
    found = batch(body)
    counted = check(body, 1)
    assert len(found) + len(found.set_aside) == counted.lines
    assert len(found.set_aside) == counted.bad
    for event in found:
        for reading in event.fields["readings"].values():
            assert not isinstance(reading, float) or math.isfinite(reading)
    assert sum(map(len, (event.raw for event in found))) <= len(body)


@given(
    st.lists(
        st.sampled_from([b"a f=1", b'b,t=x f="y z",g=2i 7', b"# no", b"", b"bad", b'c f="\n"']), max_size=8
    )
)
def test_lines_are_read_each_for_itself(lines: list[bytes]) -> None:
    together = [one[2:] if isinstance(one, Point) else one[2] for one in points(b"\n".join(lines), 1)]
    alone = [one[2:] if isinstance(one, Point) else one[2] for line in lines for one in points(line, 1)]
    assert together == alone


def test_a_body_made_to_cost_much_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    many = b"m " + b",".join(b"f%d=1" % number for number in range(100_000))
    assert whys(many) == [f"more than {bounds.LINE_FIELDS} fields"]
    assert whys(b"m" + b"".join(b",t%d=1" % number for number in range(1_000)) + b" f=1") == [
        "more than 64 tags"
    ]
    assert whys(b"m " + b"n" * 257 + b"=1") == ["a name or tag longer than 256 characters"]
    assert whys(b"m f=" + b"1" * 100_000 + b"i") == ["field 1 has an integer that is none"]
    assert whys(b'm f="' + b"x" * 70_000 + b'"') == [
        f"field 1 has a text longer than {bounds.LINE_TEXT_CHARS} characters"
    ]
    assert whys(b"m f=" + b"1" * 2 * MiB) == [f"a line longer than {MiB} bytes"]
    began = time.monotonic()
    for hostile in (
        b'm f="',
        b"m f=\\",
        b"\\ ",
        b"m,a=",
        b"m a=1,",
        b" ",
        b"#",
        b'm "=',
        b'"\n',
        b"m f=1e",
        b"m\n",
    ):
        whole = hostile * (MiB // len(hostile))
        with suppress(TooMany):
            check(whole, 1)
    assert time.monotonic() - began < 10
    monkeypatch.setattr(bounds, "LINES_VALUES", 1_000)
    with pytest.raises(TooMany, match="fields and tags"):
        check(b"m,t=1 a=1,b=2\n" * 400, 1)
    monkeypatch.setattr(bounds, "BODY_RECORDS", 100)
    with pytest.raises(TooMany, match="lines"):
        check(b"m a=1\n" * 101, 1)


def test_checking_holds_one_line_at_a_time() -> None:
    body = b"m " + b",".join(b"f%d=1" % number for number in range(5_000)) + b"\n"
    tracemalloc.start()
    check(body * 10, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MiB
