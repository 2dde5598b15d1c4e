"""Times and values as databases give them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine.plant.collectors.sql_values import Spelt, instant_of, value_of

BERLIN = ZoneInfo("Europe/Berlin")
AT = 1_772_600_000_000_000
MOMENT = datetime(2026, 3, 4, 4, 53, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "given_as",
    [
        MOMENT,
        MOMENT.astimezone(BERLIN),
        datetime(2026, 3, 4, 5, 53, 20),  # noqa: DTZ001
        "2026-03-04 05:53:20",
        "2026-03-04T04:53:20Z",
        "2026-03-04 05:53:20.000+01:00",
        1_772_600_000,
        1_772_600_000.0,
        Decimal(1_772_600_000),
        1_772_600_000_000,
        AT,
        AT * 1_000,
    ],
)
def test_a_time_is_read_however_it_is_given(given_as: Any) -> None:
    assert instant_of(given_as, BERLIN) == AT
    written = Spelt(given_as, BERLIN).literal(AT + 999_999)
    if isinstance(given_as, str | datetime):
        assert written.startswith("'2026-03-04")
        zone = UTC if str(given_as).endswith("Z") else BERLIN
        assert instant_of(written.strip("'"), zone) == AT
    else:
        assert abs((instant_of(int(written), UTC) or 0) - AT) < 1_000_000


@pytest.mark.parametrize(
    "given_as",
    [
        None,
        "",
        "yesterday",
        b"2026",
        True,
        float("nan"),
        float("inf"),
        -5,
        10**30,
        datetime.max,  # noqa: DTZ901
        date.max,
        "9999-12-31",
        "2026-03-04'05:53:20",
        "20260304T055320",
    ],
)
def test_what_is_no_time_gives_none(given_as: Any) -> None:
    assert instant_of(given_as, UTC) is None


def test_texts_are_written_so_that_later_ones_sort_behind() -> None:
    spelt = Spelt("2026-03-04T05:53:20.123456", timezone(timedelta(hours=1)))
    assert spelt.literal(AT + 900_000) == "'2026-03-04T05:53:20'"
    assert Spelt("2026-03-04", UTC).literal(AT) == "'2026-03-03'"
    assert Spelt(date(2026, 3, 4), UTC).literal(AT) == "'2026-03-03'"


@pytest.mark.parametrize(
    ("given_as", "found"),
    [
        (1, 1.0), (True, 1.0), (Decimal("1.25"), 1.25), ("1.25", 1.25), (" OPEN ", "OPEN"), ("", None), (None, None), (b"x", None),
        (float("nan"), None), ("nan", "nan"), ("1_000", "1_000"), (10**400, None), ("1e999", "1e999"), (Decimal("sNaN"), None),
    ],
)  # fmt: skip
def test_a_value(given_as: Any, found: Any) -> None:
    assert value_of(given_as) == found


@given(
    st.one_of(st.text(), st.floats(), st.integers(), st.decimals(), st.datetimes(), st.none(), st.binary())
)
def test_nothing_that_a_database_gives_breaks_it(given_as: Any) -> None:
    instant_of(given_as, BERLIN)
    value_of(given_as)
