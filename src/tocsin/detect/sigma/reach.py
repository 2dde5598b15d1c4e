"""Whether a rule's condition can be true on a kind of event, as a selection of switches makes that kind arrive.

A condition *can be true* on a kind when it is satisfiable while every field that the kind lacks is absent: an atom on
an absent field is false (`null` and `exists: false` are true), under NOT the other way round, and an atom on a present
field can be either. A field that can only hold known values in a kind (EventID, Channel) is judged by them. The answer
is never "cannot" for a condition that can; it may be "can" where two atoms of one rule contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import SigmaExists, SigmaFieldReference, SigmaNull, SigmaNumber, SigmaString, SigmaType

from tocsin.detect.sigma.catalogue.model import Catalogue, Kind
from tocsin.records.event import Logsource

Condition = (
    ConditionItem
    | ConditionIdentifier
    | ConditionFieldEqualsValueExpression
    | ConditionValueExpression
    | None
)
Missing = frozenset[str]
"""Fields that a kind lacks and a condition needs."""

NOTHING: Missing = frozenset()


class Judgeable(Protocol):
    """What has to be known of a rule to judge it."""

    @property
    def key(self) -> str:
        """Its id, or its name where it has none."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def logsource(self) -> Logsource | None:
        """What it looks at; None for a correlation."""

    @property
    def conditions(self) -> Sequence[Condition]:
        """Of a rule over events: pySigma's parsed conditions, any of which may hold."""

    @property
    def refers(self) -> Sequence[str]:
        """Of a correlation: the keys of the rules it refers to."""

    @property
    def needs_all(self) -> bool:
        """Whether all of `refers` must fire (temporal), or any (counts)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A kind of event as a selection gives it."""

    kind: Kind
    fields: frozenset[str]

    def has(self, field: str) -> bool:
        """Whether the field arrives."""
        return field in self.fields or (bool(self.fields) and named_by_prefix(self.fields, field))


@lru_cache(maxsize=65_536)
def named_by_prefix(fields: frozenset[str], field: str) -> bool:
    """Whether one of `fields` ends in `*` and begins like `field`."""
    return any(name.endswith("*") and field.startswith(name[:-1]) for name in fields)


class Arrivals:
    """The kinds of event that a selection of switches makes arrive, each with its fields.

    Args:
        selection: Names of switches; what they include comes with them.
        known: True to list kinds that do not arrive as well, with no field (to explain what is missing).
    """

    def __init__(self, catalogue: Catalogue, selection: Iterable[str], *, known: bool = False) -> None:
        chosen = catalogue.with_included(selection)
        fields: dict[str, frozenset[str]] = {}
        kinds: dict[str, Kind] = {}
        for supplied, on in ((s, w.name in chosen) for w in catalogue for s in w.supplies):
            if on and not supplied.only_fields:
                kinds[supplied.kind.name] = supplied.kind
            elif known:
                kinds.setdefault(supplied.kind.name, supplied.kind)
            if on:
                fields[supplied.kind.name] = fields.get(supplied.kind.name, NOTHING) | supplied.fields
        self._arrivals = tuple(Arrival(kind, fields.get(name, NOTHING)) for name, kind in kinds.items())
        self._of: dict[Logsource, tuple[Arrival, ...]] = {}

    def of(self, wanted: Logsource) -> tuple[Arrival, ...]:
        """Those that a rule for `wanted` looks at."""
        if wanted not in self._of:
            self._of[wanted] = tuple(
                arrival
                for arrival in self._arrivals
                if any(have.satisfies(wanted) for have in arrival.kind.logsources)
            )
        return self._of[wanted]


def missing(condition: Condition, arrival: Arrival, *, want: bool = True) -> Missing | None:
    """The fewest fields that `arrival` lacks for `condition` to be able to be `want`; None where no field helps."""
    if isinstance(condition, ConditionNOT):
        return missing(condition.args[0], arrival, want=not want)
    if isinstance(condition, ConditionAND | ConditionOR):
        parts = (missing(part, arrival, want=want) for part in condition.args)
        return _together(parts) if isinstance(condition, ConditionAND) is want else _fewest(parts)
    if isinstance(condition, ConditionFieldEqualsValueExpression):
        return _missing_for_atom(condition.field, condition.value, arrival, want=want)
    return NOTHING  # a keyword may stand in any value, and may stand in none


def _together(parts: Iterable[Missing | None]) -> Missing | None:
    needed: Missing = NOTHING
    for part in parts:
        if part is None:
            return None
        needed |= part
    return needed


def _fewest(parts: Iterable[Missing | None]) -> Missing | None:
    best: Missing | None = None
    for part in parts:
        if part is not None and (best is None or (len(part), sorted(part)) < (len(best), sorted(best))):
            best = part
            if not best:
                break
    return best


def _missing_for_atom(field: str, value: SigmaType, arrival: Arrival, *, want: bool) -> Missing | None:
    if field in arrival.kind.values and arrival.has(field):
        answers = {_holds(value, text) for text in arrival.kind.values[field]}
        return NOTHING if want in answers or None in answers else None
    absent = frozenset(name for name in _fields(field, value) if not arrival.has(name))
    if not absent:
        return NOTHING
    true_when_absent = isinstance(value, SigmaNull) or (isinstance(value, SigmaExists) and not value.exists)
    return NOTHING if want is true_when_absent else absent


def _fields(field: str, value: SigmaType) -> tuple[str, ...]:
    return (field, value.field) if isinstance(value, SigmaFieldReference) else (field,)


def _holds(value: SigmaType, text: str) -> bool | None:
    """Whether `value` matches `text`; None where that is not plain."""
    if isinstance(value, SigmaNumber):
        return str(value.number) == text
    if isinstance(value, SigmaString):
        pattern = str(value.to_regex().regexp)
        return re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) is not None
    if isinstance(value, SigmaExists):
        return bool(value.exists)
    return False if isinstance(value, SigmaNull) else None
