"""A change of an OPC UA node as a reading (IEC 62541-4, 7.11 DataValue and 7.39 StatusCode)."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

from asyncua import ua

from tocsin.config import bounds
from tocsin.engine.plant.collectors.interface import Reading
from tocsin.records.instants import from_datetime

_BAD: Final = 2
"""The two top bits of a status: 0 good, 1 uncertain, 2 and 3 bad."""

_OVERFLOW: Final = 0x0480
"""Info type DataValue, and the bit that says that changes were dropped before this one."""

_LATEST: Final = 7_258_118_400_000_000
"""2200-01-01: a clock that says more is none."""


def reading(tag: str, change: Any, published: Any) -> Reading | None:
    """What `change` of `tag` says; None where no clock tells when.

    Args:
        tag: The name.
        change: A DataValue.
        published: When the server sent it, for values without a time of their own.
    """
    instant = _instant(change.SourceTimestamp) or _instant(change.ServerTimestamp) or _instant(published)
    if instant is None:
        return None
    status = change.StatusCode.value if change.StatusCode is not None else 0
    value = None if status >> 30 >= _BAD or change.Value is None else _value(change.Value.Value)
    return Reading(tag, instant, value)


def dropped(change: Any) -> bool:
    """Whether the server says that it dropped changes before this one."""
    return change.StatusCode is not None and change.StatusCode.value & _OVERFLOW == _OVERFLOW


def is_one_value(change: Any) -> bool:
    """Whether it holds one number, truth value or text, or nothing."""
    held = change.Value.Value if change.Value is not None else None
    return held is None or isinstance(held, (bool, int, float, str, ua.LocalizedText))


def _instant(moment: Any) -> int | None:
    if not isinstance(moment, datetime):
        return None
    instant = from_datetime(moment)
    return instant if 0 < instant < _LATEST else None


def _value(held: Any) -> float | str | None:
    if isinstance(held, ua.LocalizedText):
        held = held.Text
    if isinstance(held, str):
        return held[: bounds.OPCUA_NAME_CHARS] or None
    if isinstance(held, (bool, int, float)):
        number = float(held)
        return number if math.isfinite(number) else None
    return None
