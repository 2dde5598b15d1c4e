"""A rule's condition as one SQL expression, in DuckDB's dialect.

A missing field is NULL, every question about it NULL too, and a row counts only where the whole is true: so AND and OR
need no care, and `not` is `IS NOT TRUE`.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.peers.columns import Columns, address_range
from benchmarks.peers.peer import CannotExpressError
from tocsin.detect.sigma.tree import AllOf, AnyOf, Leaf, Node, Not, Wild

_FUNCTIONS = {"startswith": "starts_with", "endswith": "ends_with", "contains": "contains"}
_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "neq": "<>"}


def condition(node: Node, columns: Columns) -> str:
    """`node` as an expression over `columns`.

    Raises:
        CannotExpressError: SQL cannot say it over these columns.
    """
    if isinstance(node, Leaf):
        return _OPS[node.op](node, columns)
    if isinstance(node, Not):
        return f"(({condition(node.node, columns)}) IS NOT TRUE)"
    if isinstance(node, AllOf):
        return "(" + " AND ".join(condition(child, columns) for child in node.nodes) + ")"
    return "(" + " OR ".join(_alternatives(node, columns)) + ")"


def _alternatives(node: AnyOf, columns: Columns) -> list[str]:
    """Equal texts of one column become one IN; the engine then asks a hash table."""
    equals: dict[str, list[str]] = {}
    others = []
    for child in node.nodes:
        if isinstance(child, Leaf) and child.op == "equals":
            equals.setdefault(columns.text(child), []).append(quoted(child.value))
        else:
            others.append(condition(child, columns))
    return [f"{column} IN ({', '.join(values)})" for column, values in equals.items()] + others


def quoted(text: str) -> str:
    """`text` as a literal.

    Raises:
        CannotExpressError: it holds a NUL, which no literal can.
    """
    if "\0" in text:
        raise CannotExpressError("a NUL in a literal")
    return "'" + text.replace("'", "''") + "'"


def _equals(leaf: Leaf, columns: Columns) -> str:
    return f"{columns.text(leaf)} = {quoted(leaf.value)}"


def _function(leaf: Leaf, columns: Columns) -> str:
    return f"{_FUNCTIONS[leaf.op]}({columns.text(leaf)}, {quoted(leaf.value)})"


def _glob(leaf: Leaf, columns: Columns) -> str:
    wild = {Wild.MANY: "%", Wild.ONE: "_"}
    pattern = "".join(wild[part] if isinstance(part, Wild) else _escaped(part) for part in leaf.value)
    return f"{columns.text(leaf)} LIKE {quoted(pattern)} ESCAPE '\\'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _regex(leaf: Leaf, columns: Columns) -> str:
    pattern, flags = leaf.value
    inline = f"(?{flags})" if flags else ""
    return f"regexp_matches({columns.text(leaf)}, {quoted(inline + pattern)})"


def _cidr(leaf: Leaf, columns: Columns) -> str:
    first, last = address_range(leaf.value)
    return f"{columns.column('a', leaf.field)} BETWEEN '{first}' AND '{last}'"


def _number(leaf: Leaf, columns: Columns) -> str:
    return f"{columns.column('n', leaf.field)} = {float(leaf.value)!r}"


def _compare(leaf: Leaf, columns: Columns) -> str:
    name, bound = leaf.value
    return f"{columns.column('n', leaf.field)} {_COMPARISONS[name]} {float(bound)!r}"


def _null(leaf: Leaf, columns: Columns) -> str:
    return f"({columns.column('f', leaf.field)} IS NULL)"


def _exists(leaf: Leaf, columns: Columns) -> str:
    return f"({columns.column('f', leaf.field)} IS {'NOT ' if leaf.value else ''}NULL)"


def _fieldref(leaf: Leaf, columns: Columns) -> str:
    other, relation = leaf.value
    left, right = columns.column("l", leaf.field), columns.column("l", other)
    if relation == "equals":
        return f"{left} = {right}"
    return f"{_FUNCTIONS[relation]}({left}, {right})"


def _timepart(leaf: Leaf, columns: Columns) -> str:
    del columns
    raise CannotExpressError(f"{leaf.value[0]} of a time in any of its spellings")


_OPS: dict[str, Callable[[Leaf, Columns], str]] = {
    "equals": _equals, "startswith": _function, "endswith": _function, "contains": _function, "glob": _glob,
    "regex": _regex, "cidr": _cidr, "number": _number, "compare": _compare, "null": _null, "exists": _exists,
    "fieldref": _fieldref, "timepart": _timepart,
}  # fmt: skip
