"""Instants: whole microseconds since 1970-01-01T00:00:00Z, as `int`.

An `int` sorts, hashes and stores exactly, and can hold every clock that a log may claim (1601, 2106).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LATEST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

# RFC 3339 section 5.6, widened to what loggers write: a space for T, a comma for the point, zones without a colon.
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s?(?:([Zz]|UTC|GMT)|([+-])(\d\d):?(\d\d)?)?"
)


def from_datetime(moment: datetime) -> int:
    """The instant of an aware `moment`; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(instant: int) -> datetime:
    """The aware UTC datetime of `instant`, clamped to the years 1 to 9999 that Python can hold."""
    return _EPOCH + timedelta(microseconds=min(max(instant, _EARLIEST), _LATEST))


def rfc3339(instant: int) -> str:
    """`instant` as RFC 3339 UTC, with a fraction only where there is one: `2026-03-01T08:00:00.25Z`."""
    moment = to_datetime(instant)
    text = moment.strftime("%H:%M:%S")
    if moment.microsecond:
        text += f".{moment.microsecond:06d}".rstrip("0")
    return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T{text}Z"


def parse_rfc3339(text: str, zone: tzinfo = UTC) -> int | None:
    """The instant that `text` names, or None where it is no such text.

    Args:
        text: An RFC 3339 or ISO 8601 date and time; digits past the microsecond are dropped.
        zone: What a text without a zone means.
    """
    match = _RFC3339.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction = match.groups()[:7]
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC
        )
    except ValueError:
        return None
    instant = from_datetime(moment) + int((fraction or "0")[:6].ljust(6, "0"))
    if second == "60":  # a leap second reads as the second after it, not as an error
        instant += SECOND
    return instant - _offset(match, moment, zone)


def _offset(match: re.Match[str], moment: datetime, zone: tzinfo) -> int:
    """How far (microseconds) the text's clock is ahead of UTC; `moment` is what it shows."""
    utc, sign, hours, minutes = match.groups()[-4:]
    if sign:
        offset = (int(hours) * 60 + int(minutes or 0)) * MINUTE
        return offset if sign == "+" else -offset
    if utc:
        return 0
    ahead = moment.replace(tzinfo=zone).utcoffset()
    return ahead // timedelta(microseconds=1) if ahead is not None else 0
