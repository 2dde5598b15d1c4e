"""Times as text logs write them: without a year, without a zone, with a month's name.

A zone-less time means the operator's zone (`ReadContext.zone`); a year-less one (RFC 3164 section 4.1.2) is of the
year that puts it nearest to the file's own time, but not ahead of the reading (docs/decisions/0012).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tocsin.records.instants import DAY, MINUTE, SECOND, from_datetime, parse_rfc3339, to_datetime
from tocsin.sources.interface import ReadContext
from tocsin.sources.local_time import local_instant

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}

CLF_TIME = re.compile(r"(\d{1,2})/([A-Za-z]{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-])(\d\d):?(\d\d))?")
"""Apache's `%t` without its brackets: `10/Oct/2000:13:55:36 -0700`."""

_LEAP_YEARS_APART = 8  # at most: 1896 to 1904
_HAS_ZONE = re.compile(r"(?:[Zz]|UTC|GMT|[+-]\d\d:?(?:\d\d)?)$")


def iso_instant(text: str, context: ReadContext) -> int | None:
    """The instant of an ISO 8601 or RFC 3339 `text`; one without a zone is of `context.zone`. None if it is none."""
    instant = parse_rfc3339(text)
    if instant is None or _HAS_ZONE.search(text.strip()):
        return instant
    moment = to_datetime(instant).replace(tzinfo=None)
    return local_instant(moment, context.zone)


def epoch_instant(text: str) -> int | None:
    """The instant of seconds since 1970 in decimal, exact to the microsecond; None where `text` is no such number."""
    whole, _, fraction = text.partition(".")
    if not (whole.removeprefix("-").isascii() and whole.removeprefix("-").isdigit() and len(whole) <= 13):
        return None
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        return None
    micros = int(fraction[:6].ljust(6, "0") or "0")
    return int(whole) * SECOND + (-micros if whole.startswith("-") else micros)


def clf_instant(text: str, context: ReadContext) -> int | None:
    """The instant of a common-log-format time (`CLF_TIME`), None where `text` is none."""
    match = CLF_TIME.fullmatch(text)
    if match is None or match[2].lower() not in MONTHS:
        return None
    day, month, year, hour, minute, second, sign, off_h, off_m = match.groups()
    shown = wall_clock(int(year), MONTHS[month.lower()], int(day), f"{hour}:{minute}:{second}")
    if shown is None:
        return None
    if sign is None:
        return local_instant(shown, context.zone)
    offset = (int(off_h) * 60 + int(off_m)) * MINUTE
    return from_datetime(shown) - (offset if sign == "+" else -offset)


def named_month_instant(
    month: str, day: str, clock: str, context: ReadContext, year: str | None = None
) -> int | None:
    """The instant of `Feb 17 [2024] 13:40:03[.673]`, None where there is no such day or time.

    Args:
        month: English abbreviation, any case.
        day: 1 to 31.
        clock: `HH:MM:SS`, with a decimal fraction or without.
        context: Gives the zone, and the time that a missing year is guessed from.
        year: Four digits, or None where the log leaves it out.
    """
    number = MONTHS.get(month[:3].lower())
    if number is None:
        return None
    chosen = int(year) if year else _nearest_year(number, int(day), context)
    if chosen is None:
        return None
    shown = wall_clock(chosen, number, int(day), clock)
    return None if shown is None else local_instant(shown, context.zone)


def wall_clock(year: int, month: int, day: int, clock: str) -> datetime | None:
    """The naive datetime of a date and `HH:MM:SS[.fraction]`, None where there is no such day or time."""
    hour, minute, rest = clock.split(":")
    second, _, fraction = rest.partition(".")
    try:
        return datetime(  # noqa: DTZ001  the zone is the caller's business
            year,
            month,
            day,
            int(hour),
            int(minute),
            min(int(second), 59),
            int(fraction[:6].ljust(6, "0") or 0),
        )
    except ValueError:
        return None


def _nearest_year(month: int, day: int, context: ReadContext) -> int | None:
    """The year nearest to the file's time (of reading, where it has none), but none that lies ahead of the reading."""
    reference = context.file_time if context.file_time > DAY else context.ingest
    base = to_datetime(reference).year
    found: list[tuple[int, int]] = []  # (distance from the reference, year)
    for distance in range(_LEAP_YEARS_APART + 1):
        for year in {base - distance, base + distance}:
            try:
                noon = from_datetime(datetime(year, month, day, 12, tzinfo=UTC))
            except ValueError:  # 29 February of a common year, or beyond the calendar
                continue
            if (
                noon <= context.ingest + DAY
            ):  # a log holds what happened; a day for clocks and zones that differ
                found.append((abs(noon - reference), year))
        if found and distance:
            return min(found)[1]
    return None
