"""Times as spreadsheets and portals write them: ISO, epoch numbers, `11/23/2026 5:42:00 AM`, `23.11.2026 05:42:00`."""

from __future__ import annotations

import re
from datetime import UTC

from tocsin.records.instants import MINUTE, SECOND
from tocsin.sources.interface import ReadContext
from tocsin.sources.local_time import local_instant
from tocsin.sources.text.clock import clf_instant, epoch_instant, iso_instant, wall_clock

_PARTS = re.compile(
    r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{2,4})[ ,T]{1,2}(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(?: ?([AaPp])\.?[Mm]\.?)?(?: ?(Z|UTC|GMT)| ?([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
_FRACTION = re.compile(r"\.(\d{7,9})(?=Z|[+-]|$)")
_EPOCH_DIGITS = {10: SECOND, 13: 1_000, 16: 1}


def csv_instant(text: str, context: ReadContext) -> int | None:
    """The instant that `text` names, None where it names none.

    Of two dates with slashes the first number is the month, as US exports write it, unless it is over 12; with dots it
    is the day.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text) * _EPOCH_DIGITS[len(text)] if len(text) in _EPOCH_DIGITS else None
    found = iso_instant(_FRACTION.sub(lambda match: "." + match[1][:6], text), context)
    if found is not None:
        return found
    match = _PARTS.fullmatch(text)
    if match is not None:
        return _from_parts(match, context)
    return clf_instant(text.strip("[]"), context) or (
        epoch_instant(text) if re.match(r"\d{10}\.", text) else None
    )


def _from_parts(match: re.Match[str], context: ReadContext) -> int | None:
    one, mark, two, three, hour, minute, second, fraction, half, utc, sign, off_h, off_m = match.groups()
    if len(one) == 4:
        year, month, day = one, two, three
    elif mark == "/" and int(one) <= 12:
        month, day, year = one, two, three
    else:
        day, month, year = one, two, three
    hours = int(hour) % 12 + (12 if half in "Pp" else 0) if half else int(hour)
    clock = f"{hours}:{minute}:{second or '00'}.{fraction or '0'}"
    century = 2000 if len(year) == 2 else 0
    shown = wall_clock(int(year) + century, int(month), int(day), clock)
    if shown is None:
        return None
    if utc or sign:
        offset = (int(off_h or 0) * 60 + int(off_m or 0)) * MINUTE
        instant = local_instant(shown, UTC)
        return None if instant is None else instant - offset if sign != "-" else instant + offset
    return local_instant(shown, context.zone)
