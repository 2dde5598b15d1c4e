"""A rule's condition as one Polars expression; nulls mean what they mean in `sql.py`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from operator import and_, ge, gt, le, lt, ne, or_

import polars as pl

from benchmarks.peers.columns import Columns, address_range
from benchmarks.peers.peer import CannotExpressError
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Wild

_COMPARISONS: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {
    "lt": lt,
    "lte": le,
    "gt": gt,
    "gte": ge,
    "neq": ne,
}


def condition(node: Node, columns: Columns) -> pl.Expr:
    """`node` as an expression over `columns`.

    Raises:
        CannotExpressError: Polars cannot say it over these columns.
    """
    if isinstance(node, Leaf):
        return _OPS[node.op](node, columns)
    if isinstance(node, Not):
        return ~condition(node.node, columns).fill_null(value=False)
    if isinstance(node, AllOf):
        return reduce(and_, [condition(child, columns) for child in node.nodes])
    return reduce(or_, _alternatives(node, columns))


def _alternatives(node: AnyOf, columns: Columns) -> list[pl.Expr]:
    """Literals of one column become one set look-up, or one automaton, as a reader of Polars' manual would write them."""
    equals: dict[str, list[str]] = {}
    contains: dict[str, list[str]] = {}
    others = []
    for child in node.nodes:
        if isinstance(child, Leaf) and child.op == "equals":
            equals.setdefault(columns.text(child), []).append(child.value)
        elif isinstance(child, Leaf) and child.op == "contains":
            contains.setdefault(columns.text(child), []).append(child.value)
        else:
            others.append(condition(child, columns))
    sets = [pl.col(column).is_in(values) for column, values in equals.items()]
    automata = [
        pl.col(column).str.contains_any(values) if len(values) > 1 else _holds(column, values[0])
        for column, values in contains.items()
    ]
    return sets + automata + others


def _holds(column: str, text: str) -> pl.Expr:
    return pl.col(column).str.contains(text, literal=True)


def _text(leaf: Leaf, columns: Columns) -> pl.Expr:
    column = pl.col(columns.text(leaf))
    if leaf.op == "equals":
        return column.eq(leaf.value)
    if leaf.op == "contains":
        return _holds(columns.text(leaf), leaf.value)
    return column.str.starts_with(leaf.value) if leaf.op == "startswith" else column.str.ends_with(leaf.value)


def _glob(leaf: Leaf, columns: Columns) -> pl.Expr:
    wild = {Wild.MANY: ".*", Wild.ONE: "."}
    parts = (wild[part] if isinstance(part, Wild) else re.escape(part) for part in leaf.value)
    return pl.col(columns.text(leaf)).str.contains(f"(?s)^{''.join(parts)}$")


def _regex(leaf: Leaf, columns: Columns) -> pl.Expr:
    pattern, flags = leaf.value
    return pl.col(columns.text(leaf)).str.contains(f"(?{flags}){pattern}" if flags else pattern)


def _cidr(leaf: Leaf, columns: Columns) -> pl.Expr:
    first, last = address_range(leaf.value)
    return pl.col(columns.column("a", leaf.field)).is_between(pl.lit(first), pl.lit(last))


def _number(leaf: Leaf, columns: Columns) -> pl.Expr:
    return pl.col(columns.column("n", leaf.field)).eq(float(leaf.value))


def _compare(leaf: Leaf, columns: Columns) -> pl.Expr:
    name, bound = leaf.value
    return _COMPARISONS[name](pl.col(columns.column("n", leaf.field)), float(bound))


def _null(leaf: Leaf, columns: Columns) -> pl.Expr:
    return pl.col(columns.column("f", leaf.field)).is_null()


def _exists(leaf: Leaf, columns: Columns) -> pl.Expr:
    column = pl.col(columns.column("f", leaf.field))
    return column.is_not_null() if leaf.value else column.is_null()


def _fieldref(leaf: Leaf, columns: Columns) -> pl.Expr:
    other, relation = leaf.value
    left, right = pl.col(columns.column("l", leaf.field)), pl.col(columns.column("l", other))
    relations: dict[str, Callable[[], pl.Expr]] = {
        "equals": lambda: left == right,
        "startswith": lambda: left.str.starts_with(right),
        "endswith": lambda: left.str.ends_with(right),
        "contains": lambda: left.str.contains(right, literal=True),
    }
    return relations[relation]()


def _timepart(leaf: Leaf, columns: Columns) -> pl.Expr:
    del columns
    raise CannotExpressError(f"{leaf.value[0]} of a time in any of its spellings")


_OPS: dict[str, Callable[[Leaf, Columns], pl.Expr]] = {
    "equals": _text, "startswith": _text, "endswith": _text, "contains": _text, "glob": _glob, "regex": _regex,
    "cidr": _cidr, "number": _number, "compare": _compare, "null": _null, "exists": _exists, "fieldref": _fieldref,
    "timepart": _timepart,
}  # fmt: skip
