"""What an event must have for a condition to hold at all, so that a rule need not be asked in vain."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.detect.sigma.fields import Number, number_of
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node


def required_numbers(node: Node, field: str) -> frozenset[Number] | None:
    """The numbers one of which `field` must have where `node` holds; None where it may hold with others or none."""
    if isinstance(node, Leaf):
        return _of_leaf(node) if node.field == field else None
    if isinstance(node, AllOf):
        return min((found for found in _each(node, field) if found is not None), key=len, default=None)
    if isinstance(node, AnyOf):
        each = list(_each(node, field))
        known = [found for found in each if found is not None]
        return frozenset().union(*known) if len(known) == len(each) else None
    return None  # under a `not` another number is what the rule asks for


def _each(node: AllOf | AnyOf, field: str) -> Iterator[frozenset[Number] | None]:
    return (required_numbers(child, field) for child in node.nodes)


def _of_leaf(leaf: Leaf) -> frozenset[Number] | None:
    number = leaf.value if leaf.op == "number" else number_of(leaf.value) if leaf.op == "equals" else None
    return None if number is None else frozenset({number})
