"""What a clock on a wall shows, as an instant."""

from __future__ import annotations

from datetime import datetime, tzinfo

from tocsin.records.instants import from_datetime


def local_instant(moment: datetime, zone: tzinfo) -> int | None:
    """The instant at which a clock of `zone` shows the naive `moment`, None outside the years that Python holds."""
    try:
        return from_datetime(moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None
