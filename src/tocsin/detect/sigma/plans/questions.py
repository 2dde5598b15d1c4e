"""Terms → closures that answer them, given the atoms that hold and, for what must be asked of the event, its view.

`could_hold` takes every ask for whatever answer would help: where it says no, the answer is no; where it says yes and the
term holds asks, `holds` must be called with the event. Neither depends on the order of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tocsin.detect.sigma.fields import EventView
from tocsin.detect.sigma.matching import Predicate, predicate
from tocsin.detect.sigma.plans.ir import Ask, Atom, Constant, Every, Negation, Some, Term

Answer: TypeAlias = Callable[[frozenset[int], EventView | None], bool]
Part: TypeAlias = Answer | bool


def could_hold(nodes: Sequence[Term], term: int) -> Answer:
    """Whether `term` may hold where exactly these atoms do; the view is not looked at."""
    return _whole(_Builder(nodes, {}, asking=False).part(term, positive=True))


def holds(nodes: Sequence[Term], term: int, asked: dict[int, Predicate]) -> Answer:
    """Whether `term` holds; raises TimeoutError where an expression of it took too long.

    Args:
        nodes: Of `Terms`.
        term: What to answer.
        asked: The predicates of asks that were made so far, by term; added to.
    """
    return _whole(_Builder(nodes, asked, asking=True).part(term, positive=True))


def has_asks(nodes: Sequence[Term], term: int) -> bool:
    """Whether anything in `term` is to be asked of the event."""
    node = nodes[term]
    if isinstance(node, Negation):
        return has_asks(nodes, node.term)
    if isinstance(node, Every | Some):
        return any(has_asks(nodes, part) for part in node.terms)
    return isinstance(node, Ask)


def _whole(part: Part) -> Answer:
    return (lambda _atoms, _view: part) if isinstance(part, bool) else part


class _Builder:
    """Builds closures in negation normal form: `positive` says whether a part stands under an even number of NOTs."""

    def __init__(self, nodes: Sequence[Term], asked: dict[int, Predicate], *, asking: bool) -> None:
        self._nodes = nodes
        self._asked = asked
        self._asking = asking

    def part(self, term: int, *, positive: bool) -> Part:
        node = self._nodes[term]
        if isinstance(node, Constant):
            return node.value is positive
        if isinstance(node, Negation):
            return self.part(node.term, positive=not positive)
        if isinstance(node, Atom):
            return (lambda atoms, _: term in atoms) if positive else (lambda atoms, _: term not in atoms)
        if isinstance(node, Ask):
            return self._ask(term, node, positive=positive) if self._asking else True
        together = isinstance(node, Every) is positive
        return (_all if together else _any)(self._parts(node, positive=positive, together=together))

    def _ask(self, term: int, ask: Ask, *, positive: bool) -> Part:
        asks = self._asked.get(term)
        if asks is None:
            self._asked[term] = asks = predicate(ask.leaf)

        def answer(_: frozenset[int], view: EventView | None) -> bool:
            assert view is not None
            return asks(view) is positive

        return answer

    def _parts(self, node: Every | Some, *, positive: bool, together: bool) -> list[Part]:
        """Its parts, the atoms among them as one, what is asked of the event last."""
        atoms = frozenset(term for term in node.terms if isinstance(self._nodes[term], Atom))
        parts: list[Part] = [_of_atoms(atoms, positive=positive, together=together)] if atoms else []
        others = [term for term in node.terms if term not in atoms]
        others.sort(key=lambda term: has_asks(self._nodes, term))
        return parts + [self.part(term, positive=positive) for term in others]


def _of_atoms(wanted: frozenset[int], *, positive: bool, together: bool) -> Part:
    """All or any of `wanted` hold, or do not."""
    if together:
        if positive:
            return lambda atoms, _: wanted <= atoms
        return lambda atoms, _: wanted.isdisjoint(atoms)
    if positive:
        return lambda atoms, _: not wanted.isdisjoint(atoms)
    return lambda atoms, _: not wanted <= atoms


def _all(parts: list[Part]) -> Part:
    if any(part is False for part in parts):
        return False
    asked = tuple(part for part in parts if not isinstance(part, bool))
    if len(asked) < 2:
        return asked[0] if asked else True

    def every(atoms: frozenset[int], view: EventView | None) -> bool:
        for part in asked:  # noqa: SIM110  a loop costs half of all() over a generator, and this is the hot path
            if not part(atoms, view):
                return False
        return True

    return every


def _any(parts: list[Part]) -> Part:
    if any(part is True for part in parts):
        return True
    asked = tuple(part for part in parts if not isinstance(part, bool))
    if len(asked) < 2:
        return asked[0] if asked else False

    def some(atoms: frozenset[int], view: EventView | None) -> bool:
        for part in asked:  # noqa: SIM110  as in _all
            if part(atoms, view):
                return True
        return False

    return some
