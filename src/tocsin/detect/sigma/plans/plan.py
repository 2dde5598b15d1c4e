"""A plan: the rules that can match events of one kind, cut down to what is not yet known of them.

Its fields' matchers hold only the atoms that are left. An event comes to a *signature*, one class per field that it has;
all events of one signature have the same answer, but for rules that must ask the event itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.plans.atoms import NO_ATOM, Class
from tocsin.detect.sigma.plans.ir import TRUE, Ask, Atom
from tocsin.detect.sigma.plans.keywords import KeywordMatcher
from tocsin.detect.sigma.plans.parts import Parts
from tocsin.detect.sigma.plans.questions import Answer, could_hold, holds
from tocsin.detect.sigma.tree import fields_of

Signature = tuple[Class, ...]
Roots = tuple[tuple[int, int], ...]
"""(place of the rule in order of loading, its term), ascending, none of them FALSE."""


class Verdict(NamedTuple):
    """What a signature comes to.

    Attributes:
        matched: Places of the rules that match.
        pending: Indices into the plan of rules that may match, if the event itself agrees.
        atoms: The atoms that hold; what `Plan.asks` needs.
    """

    matched: tuple[int, ...]
    pending: tuple[int, ...]
    atoms: Class


NOTHING: Final = Verdict((), (), NO_ATOM)
"""No rule matches: the usual answer, always this object."""

UNDECIDED: Final = Verdict((), (), frozenset({-1}))
"""What is there of the event is not enough to tell."""


class Plan:
    """Rules over events of one kind.

    Args:
        parts: What it is made of.
        roots: Its rules.

    Attributes:
        matchers: Field → its matcher.
        keywords: The matcher of every value, None where no rule asks for keywords.
        considered: Events that were judged by it since `note`.
    """

    def __init__(self, parts: Parts, roots: Roots) -> None:
        self._nodes = parts.terms.nodes
        self._usage = parts.usage
        self.roots = roots
        self._always_true = tuple(place for place, term in roots if term == TRUE)
        within = parts.terms.within(term for _, term in roots)
        by_field: dict[str | None, dict[int, Atom]] = {}
        for number, node in within.items():
            if isinstance(node, Atom):
                by_field.setdefault(node.field, {})[number] = node
        every = by_field.pop(None, None)
        self.keywords = KeywordMatcher(every, parts.tuning, parts.pool) if every else None
        self.matchers = {
            field: parts.matcher(found) for field, found in by_field.items() if field is not None
        }
        self._asks = [node for node in within.values() if isinstance(node, Ask)]
        self.considered = 0
        self._fields: set[str] = set()
        self._could: list[Answer | None] = [None] * len(roots)
        self._holds: list[Answer | None] = [None] * len(roots)
        self._asked = parts.asked
        self._pending = tuple(parts.has_asks(term) for _, term in roots)
        self._by_trigger, self._untriggered = self._triggers(parts)

    def _triggers(self, parts: Parts) -> tuple[Mapping[int, tuple[int, ...]], tuple[int, ...]]:
        by_atom: dict[int, list[int]] = {}
        untriggered: list[int] = []
        for index, (_, term) in enumerate(self.roots):
            if term == TRUE:
                continue
            found = parts.triggers(term)
            if found is None:
                untriggered.append(index)
            else:
                for atom in found.atoms:
                    by_atom.setdefault(atom, []).append(index)
        return {atom: tuple(rules) for atom, rules in by_atom.items()}, tuple(untriggered)

    def needs(self) -> frozenset[str] | None:
        """The names of the fields that any answer depends on; None where every value may matter."""
        blind = self.keywords is not None and self.keywords.raw is None
        if blind or any(ask.leaf.field is None for ask in self._asks):
            return None
        asked = (fields_of(ask.leaf) for ask in self._asks)
        return frozenset(self.matchers).union(*asked)

    def judge(self, signature: Iterable[Class]) -> Verdict:
        """What `signature` comes to; dear, so remember it."""
        atoms: Class = frozenset().union(*signature)
        candidates = set(self._untriggered)
        for atom in self._by_trigger.keys() & atoms:
            candidates.update(self._by_trigger[atom])
        found = [index for index in sorted(candidates) if self._could_hold(index, atoms)]
        matched = [self.roots[index][0] for index in found if not self._pending[index]]
        pending = tuple(index for index in found if self._pending[index])
        if not matched and not pending and not self._always_true:
            return NOTHING
        return Verdict(tuple(sorted((*self._always_true, *matched))), pending, atoms if pending else NO_ATOM)

    def _could_hold(self, index: int, atoms: Class) -> bool:
        began = self._usage.now()
        could = self._could[index]
        if could is None:
            self._could[index] = could = could_hold(self._nodes, self.roots[index][1])
        found = could(atoms, None)
        self._usage.asked_since(self.roots[index][0], began)
        return found

    def asks(self, index: int, atoms: Class, view: EventView) -> bool:
        """Whether the pending rule `index` matches the event.

        Raises:
            TimeoutError: an expression took too long.
        """
        began = self._usage.now()
        answer = self._holds[index]
        if answer is None:
            self._holds[index] = answer = holds(self._nodes, self.roots[index][1], self._asked)
        try:
            return answer(atoms, view)
        finally:
            self._usage.asked_since(self.roots[index][0], began)

    def met(self, sample: Iterable[str]) -> set[str]:
        """Notes that events with the keys of `sample` are judged; the result takes what else is found in them."""
        self._fields.update(self._usage.asked_for.intersection(sample))
        return self._fields

    def note(self) -> None:
        """Notes which events were judged so far."""
        self._usage.considered_by((place for place, _ in self.roots), self.considered, self._fields)
        self.considered = 0
