"""Condition trees → a hash-consed boolean form: equal questions and equal combinations of them exist once.

A *term* is a number into `Terms.nodes`. What it is made of:

- `Atom`: one or more tests of one field that a value passes or fails by itself. Alternatives on one field are one
  atom: how many of them a value passes matters to nobody, and values fall into fewer classes.
- `Ask`: a question that is put to the event itself, because it is dear or is about two fields. Where it can, it stands
  beside atoms that must hold for it to hold (a glob's texts, a literal that an expression needs): most events are never asked.
- `Negation`, `Every`, `Some`: NOT, AND, OR over terms; and the constants TRUE and FALSE, which only partial evaluation
  brings forth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from tocsin.detect.sigma.plans.factors import required_literals
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Wild


class Test(NamedTuple):
    """One question about one value: an `Op` of the tree, or one of ours.

    Ours: `text` (the value has a text at all), and `maybe` (its value: literals; the text is not ASCII or holds one).
    """

    op: str
    value: Any
    cased: bool = False


class Atom(NamedTuple):
    """True where some value of `field` passes some of `tests`; field None is every value of the event."""

    field: str | None
    tests: frozenset[Test]


class Ask(NamedTuple):
    """True where the event itself, asked `leaf`, says so."""

    leaf: Leaf


class Negation(NamedTuple):
    """NOT."""

    term: int


class Every(NamedTuple):
    """AND over two or more terms, in ascending order."""

    terms: tuple[int, ...]


class Some(NamedTuple):
    """OR over two or more terms, in ascending order."""

    terms: tuple[int, ...]


class Constant(NamedTuple):
    """TRUE or FALSE."""

    value: bool


Term = Atom | Ask | Negation | Every | Some | Constant

FALSE: Final = 0
TRUE: Final = 1
_LAZY: Final = frozenset({"glob", "regex", "fieldref"})
_TEXT: Final = frozenset({Test("text", None)})


class Terms:
    """The terms of a set of rules. Grows only; a term's number never changes."""

    def __init__(self) -> None:
        self.nodes: list[Term] = []
        self._known: dict[tuple[type, Term], int] = {}
        self._add(Constant(value=False))
        self._add(Constant(value=True))

    def _add(self, node: Term) -> int:
        key = (type(node), node)  # as tuples, an AND and an OR of the same terms are equal
        found = self._known.get(key)
        if found is None:
            self._known[key] = found = len(self.nodes)
            self.nodes.append(node)
        return found

    def lower(self, node: Node) -> int:
        """The term of a condition."""
        if isinstance(node, Leaf):
            return self._leaf(node)
        if isinstance(node, Not):
            return self.negation(self.lower(node.node))
        if isinstance(node, AllOf):
            return self.every(map(self.lower, node.nodes))
        return self._any_of(node)

    def _any_of(self, node: AnyOf) -> int:
        """OR: the plain leaves of each field as one atom."""
        tests: dict[str | None, set[Test]] = {}
        others: list[int] = []
        for child in node.nodes:
            if isinstance(child, Leaf) and child.op not in _LAZY and child.op != "exists":
                tests.setdefault(child.field, set()).add(Test(child.op, child.value, child.cased))
            else:
                others.append(self.lower(child))
        atoms = [self._add(Atom(field, frozenset(found))) for field, found in tests.items()]
        return self.some([*atoms, *others])

    def _leaf(self, leaf: Leaf) -> int:
        if leaf.op == "exists":
            there = self._atom(leaf.field, "exists", value=True)
            return there if leaf.value else self.negation(there)
        if leaf.op not in _LAZY:
            return self._atom(leaf.field, leaf.op, leaf.value, cased=leaf.cased)
        needs = {"glob": self._glob_needs, "regex": self._regex_needs, "fieldref": self._fieldref_needs}
        return self.every([*needs[leaf.op](leaf), self._add(Ask(leaf))])

    def _atom(self, field: str | None, op: str, value: Any, *, cased: bool = False) -> int:
        return self._add(Atom(field, frozenset({Test(op, value, cased)})))

    def _glob_needs(self, leaf: Leaf) -> Iterable[int]:
        """Every text of a glob stands in the value, the first and the last one perhaps at its edge."""
        parts: tuple[str | Wild, ...] = leaf.value
        for place, part in enumerate(parts):
            if isinstance(part, str):
                first, last = place == 0, place == len(parts) - 1
                op = "startswith" if first else "endswith" if last else "contains"
                yield self._atom(leaf.field, op, part, cased=leaf.cased)
        if not any(isinstance(part, str) for part in parts):
            yield self._add(Atom(leaf.field, _TEXT))

    def _regex_needs(self, leaf: Leaf) -> Iterable[int]:
        literals = required_literals(*leaf.value)
        if literals is None:
            yield self._add(Atom(leaf.field, _TEXT))
        else:
            yield self._atom(leaf.field, "maybe", literals)

    def _fieldref_needs(self, leaf: Leaf) -> Iterable[int]:
        yield self._add(Atom(leaf.field, _TEXT))
        yield self._add(Atom(leaf.value[0], _TEXT))

    def negation(self, term: int) -> int:
        """NOT."""
        node = self.nodes[term]
        if isinstance(node, Negation):
            return node.term
        if isinstance(node, Constant):
            return FALSE if node.value else TRUE
        return self._add(Negation(term))

    def every(self, terms: Iterable[int]) -> int:
        """AND, flattened."""
        found: set[int] = set()
        for term in terms:
            node = self.nodes[term]
            found.update(node.terms if isinstance(node, Every) else (term,))
        found.discard(TRUE)
        if FALSE in found:
            return FALSE
        return _single(found) if len(found) < 2 else self._add(Every(tuple(sorted(found))))

    def some(self, terms: Iterable[int]) -> int:
        """OR, flattened."""
        found: set[int] = set()
        for term in terms:
            node = self.nodes[term]
            found.update(node.terms if isinstance(node, Some) else (term,))
        found.discard(FALSE)
        if TRUE in found:
            return TRUE
        return _single(found, FALSE) if len(found) < 2 else self._add(Some(tuple(sorted(found))))

    def given(self, term: int, truth: Mapping[int, bool], memo: dict[int, int]) -> int:
        """`term` where the atoms of `truth` are known: partial evaluation.

        Args:
            term: What to evaluate.
            truth: Atom to whether it holds.
            memo: Empty at first, to be passed in again with the same `truth` only.
        """
        done = memo.get(term)
        if done is None:
            memo[term] = done = self._given(term, truth, memo)
        return done

    def _given(self, term: int, truth: Mapping[int, bool], memo: dict[int, int]) -> int:
        node = self.nodes[term]
        if isinstance(node, Atom):
            return int(truth[term]) if term in truth else term
        if isinstance(node, Negation):
            return self.negation(self.given(node.term, truth, memo))
        if isinstance(node, Every | Some):
            parts = [self.given(part, truth, memo) for part in node.terms]
            if tuple(parts) == node.terms:
                return term
            return self.every(parts) if isinstance(node, Every) else self.some(parts)
        return term

    def within(self, terms: Iterable[int]) -> dict[int, Term]:
        """All of `terms` and all that they are made of, each once, by number."""
        found: dict[int, Term] = {}
        waiting = [*terms][::-1]
        while waiting:
            term = waiting.pop()
            if term in found:
                continue
            found[term] = node = self.nodes[term]
            if isinstance(node, Negation):
                waiting.append(node.term)
            elif isinstance(node, Every | Some):
                waiting.extend(node.terms)
        return found


def _single(found: set[int], empty: int = TRUE) -> int:
    return next(iter(found), empty)
