"""Whose readings an event holds: by column of the model, as numbers.

A reading is of the first of these that the model knows: its field key; `measurement.key`; the measurement, where the key
is `value`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from tocsin.config import bounds
from tocsin.records.event import Event

FORMAT: Final = "line-protocol"
KIND: Final = "plant/"
"""Before the plant's name in the kind of an event with readings."""

_STAMPED: Final = re.compile(r"\s-?[0-9]+\s*\Z", re.ASCII)
"""A line of the protocol that says when it was: no set of fields ends in a blank and digits."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an event holds for one plant.

    Attributes:
        readings: By column of the model.
        strange: Names of readings that the model does not know.
    """

    readings: Mapping[int, float]
    strange: Sequence[str] = ()


class Named:
    """Finds the columns of readings.

    Args:
        tags: The model's tags, in order.
        words: The words that a tag shows in place of numbers; a word's place is its number.
    """

    def __init__(self, tags: Sequence[str], words: Mapping[str, Sequence[str]]) -> None:
        self._columns = {tag: column for column, tag in enumerate(tags)}
        self._words = {
            self._columns[tag]: {word: float(place) for place, word in enumerate(own)}
            for tag, own in words.items()
            if tag in self._columns and own
        }

    def found(self, event: Event) -> Found:
        """The readings of `event`, whatever its fields hold."""
        told = event.fields.get("readings")
        measurement = event.fields.get("measurement")
        if not isinstance(told, Mapping):
            return Found({})
        readings: dict[int, float] = {}
        strange = []
        for key, value in told.items():
            column = self._column(key, measurement if isinstance(measurement, str) else "")
            if column is None:
                strange.append(str(key)[: bounds.HISTORIAN_NAME_CHARS])
                continue
            number = self._number(column, value)
            if number is not None:
                readings[column] = number
        return Found(readings, strange)

    def _column(self, key: str, measurement: str) -> int | None:
        columns = self._columns
        if key in columns:
            return columns[key]
        column = columns.get(f"{measurement}.{key}")
        return columns.get(measurement) if column is None and key == "value" else column

    def _number(self, column: int, value: Any) -> float | None:
        """A reading as the model knows it; None where nothing was read."""
        words = self._words.get(column)
        if words is not None:
            if isinstance(value, bool):
                value = next((word for word in words if word.casefold() == str(value).casefold()), str(value))
            # A word that it never showed is a state of its own, as in a file.
            return words.get(value, float(len(words))) if isinstance(value, str) and value else None
        if not isinstance(value, (int, float)):
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if isfinite(number) else None


def says_its_time(event: Event) -> bool:
    """Whether the readings of `event` count at the time that it says, or at its arrival because it says none."""
    return event.time_known or _STAMPED.search(event.raw) is None
