"""Instants of JSON records: the quick way through them gives what the exact one gives."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin.records.instants import parse_rfc3339
from tocsin.sources.times import instant, rfc3339_instant

_NUMBER = st.integers(0, 99).map("{:02d}".format)
_TAIL = st.text("0123456789.,Zz +-:\u0663", max_size=12)


@given(
    day=st.tuples(st.sampled_from(["2026", "0000", "1601"]), _NUMBER, _NUMBER).map("-".join),
    mark=st.sampled_from("Tt _"),
    clock=st.lists(_NUMBER, min_size=1, max_size=4).map(":".join),
    tail=_TAIL | st.sampled_from(["Z", ".123Z", ".1234567Z", ",5Z", ".25+02:00", ".1 UTC", "-0330", " GMT"]),
)
@settings(max_examples=400)
@example("2016-12-31", "T", "23:59:60", ".5Z")
@example("2026-03-01", "T", "08:00", "+02.5Z")
@example("2026-03-01", "T", "08:00:00", ".1.5Z")
@example("2026-03-01", "T", "08:00:00", ".1234567890123Z")
@example("2026-03-01", "T", "08:00:00", ".\u0663Z")
def test_the_quick_way_reads_every_text_as_the_exact_one_does(day, mark, clock, tail):
    text = f"{day}{mark}{clock}{tail}"
    assert rfc3339_instant(text) == parse_rfc3339(text)


@given(st.text("0123456789.,ZT +-:", max_size=30))
@settings(max_examples=300)
def test_the_quick_way_agrees_on_what_is_no_time(text):
    assert rfc3339_instant(text) == parse_rfc3339(text)


def test_what_is_inside_an_object_is_read_and_an_object_in_it_is_not():
    assert (
        instant({"value": "2026-03-01T08:00:00Z"}) == instant("2026-03-01T08:00:00Z") == 1_772_352_000_000_000
    )
    assert instant({"value": {"value": "2026-03-01T08:00:00Z"}}) is None
    assert instant("2026-03-01T08:00:00Z" + " " * 64) is None
