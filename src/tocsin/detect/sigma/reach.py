"""Whether a rule's condition can be true on a kind of event, as a selection of switches makes that kind arrive.

A condition *can be true* on a kind when it is satisfiable while every field that the kind lacks is absent: an atom on
an absent field is false (`null` and `exists: false` are true), under NOT the other way round, and an atom on a present
field can be either. A field that can only hold known values in a kind (EventID, Channel) is judged by them. The answer
is never "cannot" for a condition that can; it may be "can" where two atoms of one rule contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tocsin.detect.sigma.catalogue.model import Catalogue, Kind
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.matching import predicate
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not
from tocsin.records.event import Logsource

Missing = frozenset[str]
"""Fields that a kind lacks and a condition needs."""

NOTHING: Missing = frozenset()


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


def can_fire(rule: CompiledRule, arrivals: Arrivals) -> bool:
    """Whether `rule` can be true on some kind of event that arrives."""
    return any(missing(rule.condition, arrival) == NOTHING for arrival in arrivals.of(rule.logsource))


def missing(condition: Node, arrival: Arrival, *, want: bool = True) -> Missing | None:
    """The fewest fields that `arrival` lacks for `condition` to be able to be `want`; None where no field helps."""
    if isinstance(condition, Not):
        return missing(condition.node, arrival, want=not want)
    if isinstance(condition, AllOf | AnyOf):
        parts = (missing(part, arrival, want=want) for part in condition.nodes)
        return _together(parts) if isinstance(condition, AllOf) is want else _fewest(parts)
    if condition.field is None:
        return NOTHING  # a keyword may stand in any value, and may stand in none
    return _missing_for(condition.field, condition, arrival, want=want)


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


def _missing_for(field: str, leaf: Leaf, arrival: Arrival, *, want: bool) -> Missing | None:
    values = arrival.kind.values.get(field)
    if values is not None and arrival.has(field) and leaf.op != "fieldref":
        return NOTHING if want in _answers(leaf, values) else None
    fields = (field, leaf.value[0]) if leaf.op == "fieldref" else (field,)
    absent = frozenset(name for name in fields if not arrival.has(name))
    true_when_absent = leaf.op == "null" or (leaf.op == "exists" and not leaf.value)
    return NOTHING if not absent or want is true_when_absent else absent


@lru_cache(maxsize=4_096)
def _answers(leaf: Leaf, values: frozenset[str]) -> frozenset[bool]:
    """What `leaf` says of a field that can only hold `values`."""
    asked = predicate(leaf)
    return frozenset(asked(EventView({leaf.field: value})) for value in values if leaf.field is not None)
