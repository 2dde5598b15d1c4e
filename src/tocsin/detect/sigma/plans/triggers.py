"""Which atoms to wait for: a rule is asked only where one of its triggers holds.

Of a conjunction the most selective part that can serve is enough; of an alternative every branch needs its own. What can
hold without any atom (a bare NOT) has no trigger: it is asked of every event of its plan.

How selective an atom is, is guessed from its text alone: a wrong guess costs time, never a match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tocsin.detect.sigma.plans.ir import Atom, Every, Some, Term, Test


class Triggers(NamedTuple):
    """The atoms, and the share of events in which some of them hold (a guess; may exceed 1)."""

    share: float
    atoms: tuple[int, ...]


_COMMON_FIELDS: Final = frozenset(
    {
        "Image",
        "ParentImage",
        "SourceImage",
        "TargetImage",
        "OriginalFileName",
        "User",
        "ImageLoaded",
        "Provider_Name",
    }
)
"""Fields that take few different values: a long text is no rare one."""

_SHARES: Final = {
    "null": 1.0,
    "exists": 1.0,
    "text": 1.0,
    "number": 0.1,
    "compare": 0.5,
    "timepart": 0.5,
    "cidr": 0.1,
}


def triggers(nodes: Sequence[Term], term: int) -> Triggers | None:
    """The triggers of `term`; None where it may hold with no atom holding."""
    node = nodes[term]
    if isinstance(node, Atom):
        return Triggers(_share(node), (term,))
    if isinstance(node, Every):
        found = [one for one in (triggers(nodes, part) for part in node.terms) if one is not None]
        return min(found, key=lambda one: one.share) if found else None
    if isinstance(node, Some):
        each = [triggers(nodes, part) for part in node.terms]
        known = [one for one in each if one is not None]
        if len(known) < len(each):
            return None
        return Triggers(sum(one.share for one in known), tuple({atom for one in known for atom in one.atoms}))
    return None


def _share(atom: Atom) -> float:
    return sum(_share_of_test(atom.field, test) for test in atom.tests)


def _share_of_test(field: str | None, test: Test) -> float:
    if test.op in _SHARES:
        return _SHARES[test.op]
    texts = test.value if test.op == "maybe" else (test.value,)
    return sum(_share_of_text(field, test.op, text) for text in texts)


def _share_of_text(field: str | None, op: str, text: str) -> float:
    length = len(text)
    if op == "equals":
        return 0.01 if length > 5 else 0.1
    if field in _COMMON_FIELDS:
        return 0.05 if length > 8 else 0.3
    return 1.0 / (1 + length * length)
