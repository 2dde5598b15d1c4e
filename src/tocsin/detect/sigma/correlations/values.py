"""A hit's fields as a correlation compares them.

Values compare as Sigma's do (Sigma Rules Specification 2.1, "General": all values are case-insensitive strings):
without case, and numbers by value, so that 5 and "5" are one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from itertools import product
from typing import Any

from tocsin.detect.sigma.correlations.evidence import clean
from tocsin.detect.sigma.correlations.plans import CorrelationPlan
from tocsin.detect.sigma.correlations.records import TEXT_BYTES, Exhibit, Ident, Pulse, Record
from tocsin.detect.sigma.correlations.section import METRICS
from tocsin.detect.sigma.hit import Hit

Text = str | tuple[str, ...] | None
"""A field as text: None where it is absent or null, several where it is a list."""

_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII)
_COMBINATIONS = 1_000
_EXACT = 2**53
"""Below it every whole number is a float."""


def text_of(value: Any) -> Text:
    """`value` of an event's field as text."""
    if isinstance(value, str):
        return value if value.isascii() else clean(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple):
        parts = (text_of(one) for one in value)
        return tuple(
            part if isinstance(part, str) else json.dumps(part) for part in parts if part is not None
        )
    return clean(json.dumps(value, sort_keys=True, default=str)) if isinstance(value, dict) else str(value)


def number_of(text: str) -> float | None:
    """The number that `text` writes in decimals, or None: no `inf`, no `nan`, no hexadecimal."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


class Lens:
    """Sees hits of one member as one correlation does.

    Args:
        plan: The correlation.
        member: Which of its members, by number.
        asked: Names that correlations further out ask of its matches.
        given: For a nested member: the names in order of `Record.row`; () for a base rule.
    """

    def __init__(
        self, plan: CorrelationPlan, member: int, asked: tuple[str, ...], given: tuple[str, ...]
    ) -> None:
        ref = plan.members[member]
        self.plan = plan
        self.member = member
        self.group = tuple(plan.field_of(name, ref) for name in plan.group_by)
        self.fields = tuple(plan.field_of(name, ref) for name in plan.fields)
        self.asked = tuple(plan.field_of(name, ref) for name in asked)
        self.wanted = tuple(dict.fromkeys(self.group + self.fields + self.asked))
        self._given = {name: place for place, name in enumerate(given)}
        self._metric = plan.type in METRICS
        self._plain = len(self.group) == 1 and len(self.fields) < 2 and not asked
        self._only = self.group[0] if self.group else ""

    def of_hit(self, hit: Hit, ident: Ident, proof: Exhibit) -> Record | None:
        """The record of a base rule's `hit`, or None where it lacks what the correlation groups by or measures."""
        if self._plain:
            record = self._plain_record(hit, ident, proof)
            if record is not None:
                return record
        values = hit.values
        texts = {name: text_of(values.get(name)) for name in self.wanted}
        return self._record(hit.time, ident, texts, proof)

    def _plain_record(self, hit: Hit, ident: Ident, proof: Exhibit) -> Record | None:
        """What `of_hit` gives in the common case, in a third of the time; None where it is none.

        That is: one field to group by and at most one to count or measure, with a short ASCII text or a small number each.
        """
        value = hit.values.get(self._only)
        if type(value) is not str or not value.isascii() or len(value) > TEXT_BYTES // 4:
            return None
        group = value.lower()
        key = (group,)
        shown = key if group == value else (value,)
        if not self.fields:
            return Record(hit.time, key, self.member, ident, shown, (), (), (), proof, 0)
        value = hit.values.get(self.fields[0])
        if self._metric:
            if (type(value) is int or type(value) is float) and -_EXACT < value < _EXACT:
                return Record(hit.time, key, self.member, ident, shown, (), (float(value),), (), proof, 0)
            return None
        if type(value) is int and -_EXACT < value < _EXACT:
            value = str(value)
        if type(value) is not str or not value.isascii() or len(value) > TEXT_BYTES // 4:
            return None
        return Record(hit.time, key, self.member, ident, shown, (value.lower(),), (), (), proof, 0)

    def of_pulse(self, time: int, ident: Ident, row: tuple[Text, ...], pulse: Pulse) -> Record | None:
        """The record of a nested match's `pulse`."""
        return self._record(time, ident, {name: row[self._given[name]] for name in self.wanted}, pulse)

    def _record(
        self, time: int, ident: Ident, texts: Mapping[str, Text], proof: Exhibit | Pulse
    ) -> Record | None:
        shown = []
        for name in self.group:
            text = texts[name]
            if text is None:
                return None
            shown.append(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False))
        counted: tuple[str, ...] = ()
        numbers: tuple[float, ...] = ()
        if self._metric:
            numbers = _numbers(texts[self.fields[0]])
            if not numbers:
                return None
        elif self.fields:
            counted = _combinations([texts[name] for name in self.fields])
            if not counted:
                return None
        written = tuple(shown)
        key = tuple(map(str.casefold, written))
        row = tuple([texts[name] for name in self.asked]) if self.asked else ()
        record = Record(
            time, key, self.member, ident, key if key == written else written, counted, numbers, row, proof, 0
        )
        record.long = record.length()
        return record


def _parts(text: Text) -> tuple[str, ...]:
    return () if text is None else (text,) if isinstance(text, str) else text


def _numbers(text: Text) -> tuple[float, ...]:
    found = (number_of(part) for part in _parts(text))
    return tuple(number for number in found if number is not None)


def _combinations(texts: list[Text]) -> tuple[str, ...]:
    """The distinct values (of several fields: combinations of values), caseless; at most `_COMBINATIONS` of one hit."""
    parts = [[part.casefold() for part in _parts(text)] for text in texts]
    if len(parts) == 1:
        return tuple(dict.fromkeys(parts[0]))
    if math.prod(map(len, parts)) > _COMBINATIONS:
        parts = [[json.dumps(part)] for part in parts]
    return tuple(dict.fromkeys("\x1f".join(one) for one in product(*parts)))
