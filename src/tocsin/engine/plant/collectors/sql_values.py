"""What a database gives, as instants and readings; and instants as that database writes them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

from tocsin.config import bounds
from tocsin.records.instants import SECOND

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(?:$|[T ])", re.ASCII)
_MOST: Final = 4_102_444_800 * SECOND
"""2100: later times are mistakes."""

_NUMBERS: Final[tuple[tuple[float, int], ...]] = ((1e11, SECOND), (1e14, 1_000), (1e17, 1))
"""Below which a number since 1970 counts seconds, milliseconds, microseconds; above the last it counts nanoseconds."""


def instant_of(value: Any, zone: tzinfo) -> int | None:
    """The instant that a database's time says; None where it says none.

    Args:
        value: A date with or without a zone, a text of ISO 8601, or a number since 1970 (seconds to nanoseconds).
        zone: What a time without a zone means.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip()) if _ISO.match(value.strip()) else None
        except ValueError:
            return None
    if isinstance(value, datetime):
        return _moment(value, zone)
    if isinstance(value, date):
        return _moment(datetime(value.year, value.month, value.day), zone)  # noqa: DTZ001
    number = None if isinstance(value, str | bool) else value_of(value)
    return None if not isinstance(number, float) or number < 0 else _within(_from_number(value))


def _moment(value: datetime, zone: tzinfo) -> int | None:
    try:
        return _within(((value if value.tzinfo else value.replace(tzinfo=zone)) - _EPOCH) // _MICROSECOND)
    except OverflowError:
        return None


def _from_number(value: float | Decimal) -> int:
    size = abs(float(value))
    for below, unit in _NUMBERS:
        if size < below:
            return round(value * unit)
    return round(value / 1_000) if size < 1e20 else -1


def _within(instant: int) -> int | None:
    return instant if 0 <= instant <= _MOST else None


@dataclass(frozen=True, slots=True)
class Spelt:
    """How a database writes times: an example of its own, of which `instant_of` gave an instant; and what a time without
    a zone means.
    """

    example: Any
    zone: tzinfo

    def literal(self, instant: int) -> str:
        """`instant`, at most a day earlier for dates and a second for others, as a literal of SQL.

        Of a time it is a text in the form of ISO 8601 that every database takes for one, in whole seconds: a text with a
        fraction comes behind it.
        """
        example, moment = self.example, _EPOCH + timedelta(microseconds=instant)
        if isinstance(example, datetime):
            if example.tzinfo:
                return f"'{moment.replace(microsecond=0).isoformat()}'"
            return f"'{_on_the_wall(moment, self.zone).isoformat()}'"
        if isinstance(example, date):
            return f"'{_on_the_wall(moment - timedelta(days=1), self.zone).date().isoformat()}'"
        return f"'{self._text(moment)}'" if isinstance(example, str) else str(self._number(instant))

    def _text(self, moment: datetime) -> str:
        example = self.example.strip()
        zone = datetime.fromisoformat(example).tzinfo or self.zone
        text = _on_the_wall(moment, zone).isoformat(example[10:11] or "T")
        return (
            text if len(example) > 10 else _on_the_wall(moment - timedelta(days=1), zone).date().isoformat()
        )

    def _number(self, instant: int) -> int:
        size = abs(float(self.example))
        unit = next((unit for below, unit in _NUMBERS if size < below), 0)
        return instant // unit if unit else instant * 1_000


def _on_the_wall(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def value_of(value: Any) -> float | str | None:
    """A reading: a number, a text, or nothing."""
    if isinstance(value, str):
        text = value.strip()[: bounds.PLANT_TEXT_CHARS]
        try:
            number = float(text) if text[:1] in "+-.0123456789" and "_" not in text else None
        except ValueError:
            number = None
        return text or None if number is None or not math.isfinite(number) else number
    if isinstance(value, bool | int | float | Decimal):
        try:
            number = float(value)
        except (OverflowError, ValueError):
            return None
        return number if math.isfinite(number) else None
    return None
