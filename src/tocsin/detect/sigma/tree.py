"""A rule's condition as a small tree: what `compiling/lowering.py` makes of pySigma's and `matching.py` compiles.

`AllOf`, `AnyOf` and `Not` over `Leaf`s. A leaf asks one question of one field, or of every value of the event
(field None, Sigma's keywords). It is data: coverage and engines other than ours may walk it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias


class Wild(Enum):
    """Sigma's wildcards: `*` is any number of characters, `?` exactly one."""

    MANY = "*"
    ONE = "?"


Op = Literal[
    "equals", "startswith", "endswith", "contains",  # value: str
    "glob",  # value: tuple[str | Wild, ...]
    "regex",  # value: (pattern, flags out of "ims"); searched, not anchored
    "cidr",  # value: IPv4Network | IPv6Network
    "number",  # value: int | float, equal by value
    "compare",  # value: ("lt" | "lte" | "gt" | "gte" | "neq", int | float)
    "timepart",  # value: (part, "eq" | "lt" | …, int), part being minute, hour, day, week, month or year
    "fieldref",  # value: (other field, "equals" | "startswith" | "endswith" | "contains")
    "null",  # value: None
    "exists",  # value: bool
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One question.

    Attributes:
        field: The field as the rule names it; None asks every value of the event.
        op: How the field is compared.
        value: What it is compared with, by `op`; text is in lower case unless `cased`.
        cased: Whether letters of different case differ.
    """

    field: str | None
    op: Op
    value: Any
    cased: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every node is."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where some node is."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where `node` is not; a missing field makes `node` false, hence this true."""

    node: Node


Node: TypeAlias = Leaf | AllOf | AnyOf | Not


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf under `node`, left to right."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Not):
        yield from leaves(node.node)
    else:
        for child in node.nodes:
            yield from leaves(child)


def fields_of(node: Node) -> frozenset[str]:
    """The names of all fields that `node` asks for, those that are only referred to included."""
    found = {leaf.field for leaf in leaves(node) if leaf.field is not None}
    found.update(leaf.value[0] for leaf in leaves(node) if leaf.op == "fieldref")
    return frozenset(found)
