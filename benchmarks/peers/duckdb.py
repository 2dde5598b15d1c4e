"""DuckDB: one SELECT a rule, many of them in a UNION ALL, on one thread.

That was the fastest of the forms tried. The others were `count_if` and `list(row) FILTER (WHERE …)` for every rule in one
SELECT, and one table of all events with the logsource among each rule's conditions; they took up to twice as long.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from benchmarks.peers.columns import Columns
from benchmarks.peers.peer import CannotExpressError, Run
from benchmarks.peers.sql import condition
from benchmarks.peers.workload import Part, Workload, flat
from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.detect.sigma.tree import leaves

STATEMENT_RULES = 200
"""Rules in a statement: more makes planning slower than linear, fewer does not make it faster."""


class DuckDb:
    """A database in memory, with a table for each logsource that is filled, lower-cased, in the time that is measured.

    Args:
        batch: How many events it gets at a time; None for all of them, and then what the statements cost on empty tables
            belongs to the start.
    """

    def __init__(self, batch: int | None) -> None:
        self.name = f"duckdb, {batch} events at a time" if batch else "duckdb, all events at once"
        self._batch = batch

    def unavailable(self) -> str | None:
        """It is one of Tocsin's own dependencies."""
        return None

    def version(self) -> str:
        """The package's."""
        return str(duckdb.__version__)

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """What SQL cannot say, and what RE2 does not compile."""
        why = {}
        with connected() as database:
            for rule in workload.rules:
                columns = Columns.of([rule.condition])
                try:
                    expression = condition(rule.condition, columns)
                except CannotExpressError as error:
                    why[rule.id] = str(error)
                    continue
                if any(leaf.op == "regex" for leaf in leaves(rule.condition)):
                    database.register("probe", lowered(columns, columns.table([{}], [0])))
                    try:
                        database.execute(f"SELECT row FROM probe WHERE {expression}")  # noqa: S608  quoted
                    except duckdb.Error:
                        why[rule.id] = "regex: RE2 has no look-around and no back-references"
        return why

    def run(self, workload: Workload) -> Run:
        """Judges; loading the columns is free of charge."""
        parts = list(workload.parts())
        rules = [(rule, place) for place, part in enumerate(parts) for rule in part.rules]
        columns = Columns.of(rule.condition for rule, _ in rules)
        events = [flat(event.fields) for event in workload.events]
        table = columns.table(events, range(len(events)), [part.rows for part in parts])
        hits: dict[str, set[int]] = {}
        matching = start = 0.0
        statements: list[str] = []
        with connected() as database:
            database.register("given", table)
            database.execute("CREATE TABLE ready AS SELECT * FROM given")
            for name, chosen in (tables := _tables(parts, columns)).items():
                database.execute(f"CREATE TABLE {name} AS {chosen} LIMIT 0")
            for first in range(0, len(events), self._batch or len(events)):
                began = time.process_time()
                _fill(database, tables, first, first + (self._batch or len(events)))
                filled = time.process_time()
                if not statements:  # only now, so that they are planned for tables that hold something
                    statements = list(_statements(rules, columns))
                    for number, statement in enumerate(statements):
                        database.execute(f"PREPARE ask{number} AS {statement}")
                prepared = time.process_time()
                for place, row in _answers(database, len(statements)):
                    hits.setdefault(rules[place][0].id, set()).add(row)
                matching += time.process_time() - prepared + filled - began
                start += prepared - filled
            asked_nothing = 0.0 if self._batch else _asked_nothing(database, tables, len(statements))
            reading = _reading(database, workload, columns)
        found = {rule: frozenset(rows) for rule, rows in hits.items()}
        return Run(found, matching - asked_nothing, reading, start + asked_nothing)


def connected() -> duckdb.DuckDBPyConnection:
    """A database in memory that uses one thread."""
    return duckdb.connect(config={"threads": 1})


def lowered(columns: Columns, table: Any) -> Any:
    """`table` with the lower-case columns, for a few rows."""
    for text, name in columns.lowered_columns():
        values = [None if value is None else value.lower() for value in table[text].to_pylist()]
        table = table.append_column(name, [values])
    return table


def _tables(parts: Sequence[Part], columns: Columns) -> dict[str, str]:
    """The table of each logsource and the SELECT that fills it, with the columns that its rules need."""
    made = {}
    for place, part in enumerate(parts):
        own = Columns.of(rule.condition for rule in part.rules)
        chosen = ["row"]
        for name in own.places:
            number = columns.places[name]
            chosen.append(f"f{number}")
            chosen += [f"lower(f{number}) AS l{number}"] if name in own.lowered else []
            chosen += [f"n{number}"] if name in own.numbers else []
            chosen += [f"a{number}"] if name in own.addresses else []
        made[f"judged{place}"] = f"SELECT {', '.join(chosen)} FROM ready WHERE s{place}"  # noqa: S608  our own names
    return made


def _fill(database: duckdb.DuckDBPyConnection, tables: Mapping[str, str], first: int, last: int) -> None:
    for name, chosen in tables.items():
        database.execute(f"TRUNCATE {name}")
        database.execute(f"INSERT INTO {name} {chosen} AND row >= {first} AND row < {last}")


def _statements(rules: Sequence[tuple[CompiledRule, int]], columns: Columns) -> Iterator[str]:
    """Each answers (place of the rule, row)."""
    for start in range(0, len(rules), STATEMENT_RULES):
        yield " UNION ALL ".join(
            f"SELECT {number}, row FROM judged{part} WHERE {condition(rule.condition, columns)}"  # noqa: S608  quoted
            for number, (rule, part) in enumerate(rules[start : start + STATEMENT_RULES], start)
        )


def _answers(database: duckdb.DuckDBPyConnection, statements: int) -> Iterator[tuple[int, int]]:
    for number in range(statements):
        yield from database.execute(f"EXECUTE ask{number}").fetchall()


def _asked_nothing(database: duckdb.DuckDBPyConnection, tables: Mapping[str, str], statements: int) -> float:
    """CPU seconds of the same statements on no events."""
    for name in tables:
        database.execute(f"TRUNCATE {name}")
    began = time.process_time()
    assert not list(_answers(database, statements))
    return time.process_time() - began


def _reading(database: duckdb.DuckDBPyConnection, workload: Workload, columns: Columns) -> float:
    """CPU seconds of reading the fields that rules ask for, as text."""
    types = ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in columns.places)
    began = time.process_time()
    database.execute(
        f"CREATE TABLE read AS SELECT * FROM read_json(?, format = 'newline_delimited', columns = {{{types}}})",  # noqa: S608
        [str(workload.lines)],
    )
    return time.process_time() - began
