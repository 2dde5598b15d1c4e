"""Quiet hours: when they are, and when they end, on the wall clock of a place."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

from tocsin.config.bell import Quiet
from tocsin.records.instants import from_datetime, to_datetime


def is_quiet(quiet: Quiet | None, instant: int, zone: tzinfo) -> bool:
    """Whether `instant` lies in the quiet hours of `zone`."""
    if quiet is None:
        return False
    local = to_datetime(instant).astimezone(zone)
    minute = local.hour * 60 + local.minute
    if quiet.start < quiet.end:
        return quiet.start <= minute < quiet.end
    return minute >= quiet.start or minute < quiet.end


def awake(quiet: Quiet | None, instant: int, zone: tzinfo) -> int:
    """`instant`, or the end of the quiet hours that it lies in."""
    if quiet is None or not is_quiet(quiet, instant, zone):
        return instant
    local = to_datetime(instant).astimezone(zone)
    day = local.date()
    if local.hour * 60 + local.minute >= quiet.end:
        day += timedelta(days=1)
    ends = datetime.combine(day, time(quiet.end // 60, quiet.end % 60), zone)
    return max(instant, from_datetime(ends))
