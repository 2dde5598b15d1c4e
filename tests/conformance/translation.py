"""Rules as SQL, by `pysigma-backend-sqlite`, over columns of our own; and the database that can run them.

What differs from the backend as it comes, and why:

- Columns get plain names of our own, since SQLite folds the case of names and rules do not.
- Networks and comparisons are asked of Python (`ipaddress`, numbers by value): the backend compares them as text.
- `exists` looks at a column of its own, since a null in a table cannot tell null from missing.
- Keywords are looked for in one text of all values.
"""

from __future__ import annotations

import contextlib
import ipaddress
import sqlite3
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import regex
from sigma.backends.sqlite import sqliteBackend
from sigma.conditions import ConditionFieldEqualsValueExpression
from sigma.conversion.state import ConversionState
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

ALL_TEXT = "all text"
"""The column of keywords. No field of a rule can bear this name: it would have to hold a blank and be asked for."""

PRESENT = "present "
"""Prefix of the columns that say whether a field is there."""


class Translation(sqliteBackend):
    """The backend with columns of our own. See the module's docstring."""

    bool_expression = "{field}={value}"  # our columns hold true and false as text, never 1 and 0
    compare_op_expression = "number({field}) {operator} {value}"
    collate_nocase = False  # the columns are declared NOCASE

    def __init__(self) -> None:
        super().__init__(fulltext_field=ALL_TEXT)
        self.columns: dict[str, str] = {}
        self.used: set[str] = set()

    def escape_and_quote_field(self, name: str) -> str:
        self.used.add(name)
        return self.columns.setdefault(name, f"c{len(self.columns)}")

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: str, index: int, state: ConversionState
    ) -> str:
        return query

    def convert_condition_field_exists(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        return f"{self.escape_and_quote_field(PRESENT + cond.field)} IS NOT NULL"

    def convert_condition_field_not_exists(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        return f"{self.escape_and_quote_field(PRESENT + cond.field)} IS NULL"

    def convert_condition_field_eq_val_cidr(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        return f"in_network({self.escape_and_quote_field(cond.field)}, '{cond.value.cidr}')"


@contextlib.contextmanager
def database(*, exact: bool) -> Iterator[sqlite3.Connection]:
    """A database in memory with the functions that translated rules call.

    Args:
        exact: With a LIKE and a NOCASE of our own, which know all letters and are slow.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000_000)
    connection.create_function("regexp", 2, _regexp, deterministic=True)
    connection.create_function("in_network", 2, _in_network, deterministic=True)
    connection.create_function("number", 1, _number, deterministic=True)
    if exact:
        connection.create_function("like", 3, _like, deterministic=True)
        connection.create_collation("NOCASE", _compared)
    with contextlib.closing(connection):
        yield connection


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> Any:
    return regex.compile(pattern)


def _regexp(pattern: str, value: str | None) -> bool | None:
    return None if value is None else _expression(pattern).search(value, timeout=10) is not None


@lru_cache(maxsize=4096)
def _like_expression(pattern: str) -> Any:
    parts = regex.findall(r"\\.|.", pattern, flags=regex.DOTALL)
    wild = {"%": ".*", "_": "."}
    return regex.compile(
        "".join(wild.get(part) or regex.escape(part[-1]) for part in parts), regex.I | regex.S
    )


def _like(pattern: str, value: str | None, _escape: str) -> bool | None:
    return None if value is None else _like_expression(pattern).fullmatch(value) is not None


def _compared(one: str, other: str) -> int:
    one, other = one.lower(), other.lower()
    return (one > other) - (one < other)


@cache
def _network(text: str) -> Any:
    return ipaddress.ip_network(text)


@lru_cache(maxsize=65_536)
def _in_network(value: str | None, network: str) -> bool | None:
    if value is None:
        return None
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in _network(network)


def _number(value: str | None) -> int | float | None:
    if value is None or not regex.fullmatch(r"[+-]?\d+(\.\d+)?", value):
        return None
    return float(value) if "." in value else int(value)
