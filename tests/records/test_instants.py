"""Instants keep what a log claims, from 1601 to 2106 and beyond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.records.instants import from_datetime, parse_rfc3339, rfc3339, to_datetime


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z"),
        ("2026-03-01 08:00:00.250", "2026-03-01T08:00:00.25Z"),
        ("2026-03-01T08:00:00,5+02:00", "2026-03-01T06:00:00.5Z"),
        ("2026-03-01T08:00:00-0530", "2026-03-01T13:30:00Z"),
        ("2026-03-01T08:00:00.123456789Z", "2026-03-01T08:00:00.123456Z"),
        ("1601-01-01T00:00:00Z", "1601-01-01T00:00:00Z"),
        ("2106-02-07T06:28:15Z", "2106-02-07T06:28:15Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_reads_what_loggers_write(text: str, printed: str) -> None:
    instant = parse_rfc3339(text)
    assert instant is not None
    assert rfc3339(instant) == printed


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-01", "12:00"]
)
def test_says_none_to_what_is_no_time(text: str) -> None:
    assert parse_rfc3339(text) is None


def test_a_time_without_a_zone_takes_the_one_given() -> None:
    berlin_winter = timezone(timedelta(hours=1))
    assert parse_rfc3339("2026-01-01T12:00:00", berlin_winter) == parse_rfc3339("2026-01-01T11:00:00Z")


def test_a_zone_with_summer_time_is_taken_as_of_that_day() -> None:
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    assert parse_rfc3339("2026-07-01T12:00:00", berlin) == parse_rfc3339("2026-07-01T10:00:00Z")
    assert parse_rfc3339("2026-01-01T12:00:00", berlin) == parse_rfc3339("2026-01-01T11:00:00Z")


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_comes_back(moment: datetime) -> None:
    instant = from_datetime(moment)
    assert to_datetime(instant) == moment
    assert parse_rfc3339(rfc3339(instant)) == instant


@given(st.integers())
def test_printing_clamps_and_never_fails(instant: int) -> None:
    assert rfc3339(instant).endswith("Z")


@given(st.text())
def test_reading_never_fails(text: str) -> None:
    assert parse_rfc3339(text) is None or isinstance(parse_rfc3339(text), int)
