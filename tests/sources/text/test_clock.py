from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.text.reading import context, instant

from tocsin.sources.text.clock import clf_instant, epoch_instant, iso_instant, named_month_instant
from tocsin.sources.text.csv_times import csv_instant


@pytest.mark.parametrize(
    ("file_time", "month", "day", "meant"),
    [
        ("2026-03-02T12:00:00Z", "Mar", "1", "2026-03-01T10:00:00Z"),
        ("2026-01-02T12:00:00Z", "Dec", "31", "2025-12-31T10:00:00Z"),
        ("2025-12-31T12:00:00Z", "Jan", "1", "2026-01-01T10:00:00Z"),
        ("2026-02-01T12:00:00Z", "Feb", "29", "2024-02-29T10:00:00Z"),
        (
            "2026-11-02T12:00:00Z",
            "Mar",
            "3",
            "2026-03-03T10:00:00Z",
        ),  # nearer in 2027, which has not come yet
        ("2027-03-02T12:00:00Z", "Feb", "29", "2024-02-29T10:00:00Z"),
        (
            "1900-03-02T12:00:00Z",
            "Feb",
            "29",
            None,
        ),  # before 1970: the file's time says nothing, ingest's does
    ],
)
def test_a_missing_year_is_the_nearest_that_has_come(file_time, month, day, meant):
    found = named_month_instant(month, day, "10:00:00", context(file_time=instant(file_time)))
    assert found == instant(meant or "2024-02-29T10:00:00Z")


@pytest.mark.parametrize(
    ("month", "day", "clock"), [("Feb", "30", "10:00:00"), ("Foo", "1", "10:00:00"), ("Mar", "1", "25:00:00")]
)
def test_no_such_day_or_time(month, day, clock):
    assert named_month_instant(month, day, clock, context()) is None


def test_zoneless_times_are_of_the_configured_zone():
    berlin = context(zone=ZoneInfo("Europe/Berlin"))
    assert iso_instant("2026-07-01T12:00:00", berlin) == instant("2026-07-01T10:00:00Z")
    assert iso_instant("2026-01-01T12:00:00", berlin) == instant("2026-01-01T11:00:00Z")
    assert iso_instant("2026-07-01T12:00:00+00:00", berlin) == instant("2026-07-01T12:00:00Z")
    assert named_month_instant("Jan", "15", "12:00:00", berlin, "2026") == instant("2026-01-15T11:00:00Z")


def test_common_log_times():
    assert clf_instant("10/Oct/2000:13:55:36 -0700", context()) == instant("2000-10-10T20:55:36Z")
    east = context(zone=timezone(timedelta(hours=2)))
    assert clf_instant("10/Oct/2000:13:55:36", east) == instant("2000-10-10T11:55:36Z")
    assert clf_instant("10/Foo/2000:13:55:36", context()) is None


def test_epoch_times_are_exact():
    assert epoch_instant("1772334847.123456") == 1772334847123456
    assert epoch_instant("-1.5") == -1_500_000
    assert epoch_instant("1e9") is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-03-01T03:14:07Z", "2026-03-01T03:14:07Z"),
        ("2026-03-01T03:14:07.1234567Z", "2026-03-01T03:14:07.123456Z"),
        ("3/1/2026 3:14:07 PM", "2026-03-01T15:14:07Z"),
        ("3/1/2026 12:14:07 AM", "2026-03-01T00:14:07Z"),
        ("31/1/2026 03:14:07", "2026-01-31T03:14:07Z"),
        ("01.03.2026 03:14:07", "2026-03-01T03:14:07Z"),
        ("2026/03/01 03:14", "2026-03-01T03:14:00Z"),
        ("3/1/2026 03:14:07 +02:00", "2026-03-01T01:14:07Z"),
        ("1772334847", "2026-03-01T03:14:07Z"),
        ("1772334847000", "2026-03-01T03:14:07Z"),
        ("1772334847.5", "2026-03-01T03:14:07.5Z"),
    ],
)
def test_times_of_spreadsheets(text, meant):
    assert csv_instant(text, context()) == instant(meant)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text):
    for zone in (context().zone, ZoneInfo("America/New_York")):
        for read in (iso_instant, csv_instant, clf_instant):
            found = read(text, context(zone=zone))
            assert found is None or isinstance(found, int)


@given(
    st.sampled_from(
        [
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59",
            "01/Jan/0001:00:00:00 +2359",
            "12/31/9999 11:59:59 PM -23:59",
        ]
    )
)
def test_the_ends_of_the_calendar(text):
    far = context(zone=timezone(timedelta(hours=14)))
    for read in (iso_instant, csv_instant, clf_instant):
        found = read(text, far)
        assert found is None or isinstance(found, int)
