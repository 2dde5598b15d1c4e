"""What plans are made of: equal parts of several plans are made once.

Plans of one set of rules differ in few rules, so most of their terms, and whole matchers of fields, are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakValueDictionary

from tocsin.detect.sigma.matching import Predicate
from tocsin.detect.sigma.plans.account import Usage
from tocsin.detect.sigma.plans.atoms import FieldMatcher
from tocsin.detect.sigma.plans.ir import Atom, Terms
from tocsin.detect.sigma.plans.questions import has_asks
from tocsin.detect.sigma.plans.triggers import Triggers, triggers
from tocsin.detect.sigma.plans.tuning import Tuning
from tocsin.detect.sigma.plans.value_cache import CachePool


class Parts:
    """Makes the parts of plans.

    Args:
        terms: What all rules are terms of.
        tuning: How values are searched and remembered.
        pool: Bounds what is remembered of values, events and shapes.
        usage: Where it is noted what rules are asked, and about which events.

    Attributes:
        asked: The predicates of asks that were made so far, by term.
    """

    def __init__(self, terms: Terms, tuning: Tuning, pool: CachePool, usage: Usage) -> None:
        self.terms = terms
        self.tuning = tuning
        self.pool = pool
        self.usage = usage
        self.asked: dict[int, Predicate] = {}
        self._matchers: WeakValueDictionary[frozenset[int], FieldMatcher] = WeakValueDictionary()
        self._triggers: dict[int, Triggers | None] = {}
        self._asking: dict[int, bool] = {}

    def matcher(self, atoms: Mapping[int, Atom]) -> FieldMatcher:
        """The matcher of these atoms, all of one field; what one plan learns of values, all know."""
        key = frozenset(atoms)
        found = self._matchers.get(key)
        if found is None:
            self._matchers[key] = found = FieldMatcher(atoms, self.tuning, self.pool)
        return found

    def triggers(self, term: int) -> Triggers | None:
        """The triggers of a rule."""
        if term not in self._triggers:
            self._triggers[term] = triggers(self.terms.nodes, term)
        return self._triggers[term]

    def has_asks(self, term: int) -> bool:
        """Whether anything in a rule is to be asked of the event."""
        if term not in self._asking:
            self._asking[term] = has_asks(self.terms.nodes, term)
        return self._asking[term]
