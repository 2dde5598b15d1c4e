"""The rules of one set of logsources, and the plans that come of them for what events say in `KEY_FIELDS`."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

from tocsin.config import bounds
from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.plans.atoms import FieldMatcher
from tocsin.detect.sigma.plans.ir import FALSE, Atom
from tocsin.detect.sigma.plans.parts import Parts
from tocsin.detect.sigma.plans.plan import Plan, Roots, Signature
from tocsin.detect.sigma.plans.shapes import Fields, Keys, Layout, PlannedLayout

KEY_FIELDS: Final = ("Channel", "EventID")
"""What rules are evaluated partially for: few values, and most rules for Windows' own logs name them."""


class PlanTable:
    """The plans of all sectors: equal ones are one, and of too many, or too large ones, the oldest are given up.

    Args:
        parts: What they are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._by_roots: WeakValueDictionary[Roots, Plan] = WeakValueDictionary()
        self._order: deque[tuple[Sector, Signature, int]] = deque()
        self._rules = 0

    def plan(self, sector: Sector, signature: Signature, roots: Roots) -> Plan:
        """The plan of `roots`, which is `sector`'s for `signature`."""
        found = self.shared(roots)
        self._order.append((sector, signature, len(roots)))
        self._rules += len(roots)
        while len(self._order) > 1 and (
            len(self._order) > bounds.PLANS or self._rules > bounds.PLANNED_RULES
        ):
            oldest, given_up, rules = self._order.popleft()
            self._rules -= rules
            oldest.forget(given_up)
        return found

    def shared(self, roots: Roots) -> Plan:
        """The one plan of `roots`, which the caller has to keep."""
        found = self._by_roots.get(roots)
        if found is None:
            self._by_roots[roots] = found = Plan(self.parts, roots)
        return found

    def plans(self) -> Sequence[Plan]:
        """Every plan that is in use."""
        return list(self._by_roots.values())


class Sector:
    """Rules that look at events of one set of logsources.

    Args:
        table: Where its plans are kept.
        roots: Its rules.
    """

    def __init__(self, table: PlanTable, roots: Roots) -> None:
        self.is_empty = not roots
        self._table = table
        self._roots = roots
        within = table.parts.terms.within(term for _, term in roots)
        self._known_atoms = {
            number: node
            for number, node in within.items()
            if isinstance(node, Atom) and node.field in KEY_FIELDS
        }
        self._matchers: dict[str, FieldMatcher] = {
            field: table.parts.matcher(found)
            for field in KEY_FIELDS
            if (found := {n: atom for n, atom in self._known_atoms.items() if atom.field == field})
        }
        self._plans: dict[Signature, Plan] = {}
        self._general: Plan | None = None
        self._shapes: dict[Keys, Shape] = {}

    def shape(self, keys: Keys, sample: Fields) -> Shape:
        """What is known of events with these keys, `sample` being one of them."""
        found = self._shapes.get(keys)
        if found is None:
            found = Shape(self, Layout(sample, self._matchers, set()))
            if len(keys) <= bounds.CACHED_SHAPE_FIELDS:
                self._shapes[keys] = found
                self.remember(self._shapes, keys, 100 * len(keys))
        return found

    def remember(self, kept: dict[Any, Any], key: Hashable, size: int) -> None:
        """Counts what was put into `kept` under `key`, `size` bytes: it is forgotten when much else came after it."""
        self._table.parts.pool.added(kept, (key,), size)

    def general(self, sample: Fields) -> PlannedLayout:
        """The layout of events with the keys of `sample`, whatever their key fields say: slow, and one for all of them."""
        if self._general is None:
            self._general = self._table.shared(self._roots)
        return PlannedLayout(sample, self._general, self._table.parts.pool)

    def layout(self, sample: Fields, signature: Signature) -> PlannedLayout:
        """The layout of events with the keys of `sample`, and with this signature of the key fields, missing ones too."""
        plan = self._plans.get(signature)
        if plan is None:
            holding = frozenset[int]().union(*signature)
            truth = {number: number in holding for number in self._known_atoms}
            memo: dict[int, int] = {}
            given = self._table.parts.terms.given
            reduced = ((place, given(term, truth, memo)) for place, term in self._roots)
            roots = tuple((place, term) for place, term in reduced if term != FALSE)
            self._plans[signature] = plan = self._table.plan(self, signature, roots)
        return PlannedLayout(sample, plan, self._table.parts.pool)

    def forget(self, signature: Signature) -> None:
        """Gives up the plan for `signature`, and every layout that uses it."""
        plan = self._plans.pop(signature)
        plan.note()
        for shape in self._shapes.values():
            shape.forget(plan)


class Shape:
    """Events of a sector with the same keys."""

    def __init__(self, sector: Sector, layout: Layout) -> None:
        self._sector = sector
        self._layout = layout
        self._planned: dict[Signature, PlannedLayout] = {}
        self._general: PlannedLayout | None = None

    def planned(self, fields: Fields) -> PlannedLayout:
        """The layout for one event."""
        signature = self._layout.signature(fields)
        return self._planned.get(signature) or self._new(signature, fields)

    def divided(self, rows: Sequence[Fields]) -> Iterator[tuple[PlannedLayout, Sequence[int]]]:
        """The layouts for many events with the same Channel and EventID, each with the indices of its own."""
        if self._layout.reads(KEY_FIELDS):
            yield self.planned(rows[0]), range(len(rows))
            return
        found: dict[Signature, list[int]] = {}  # they stand under other names here, so they may differ
        for index, signature in enumerate(map(self._layout.signature, rows)):
            found.setdefault(signature, []).append(index)
        for signature, indices in found.items():
            yield self._planned.get(signature) or self._new(signature, rows[indices[0]]), indices

    def forget(self, plan: Plan) -> None:
        """Gives up the layouts for `plan`."""
        for signature in [one for one, layout in self._planned.items() if layout.plan is plan]:
            del self._planned[signature]

    def _new(self, signature: Signature, sample: Fields) -> PlannedLayout:
        if any(len(values or ()) > 1 for values in map(EventView(sample).values.__getitem__, KEY_FIELDS)):
            # Of lists there are more combinations than of values: a plan for each would be a sender's to multiply.
            self._general = self._general or self._sector.general(sample)
            return self._general
        self._planned[signature] = found = self._sector.layout(sample, self._layout.with_missing(signature))
        self._sector.remember(self._planned, signature, bounds.SHAPE_BYTES + 50 * len(sample))
        return found
