"""Polars: one boolean expression a rule, on one thread; the expressions of a logsource together in one select.

The other form tried, every rule over every event with the logsource among its conditions, took up to twice as long.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read once, when Polars is imported

from benchmarks.peers.columns import Columns
from benchmarks.peers.peer import CannotExpressError, Run
from benchmarks.peers.workload import Part, Workload, flat
from tocsin.detect.sigma.tree import leaves

if TYPE_CHECKING:
    import polars as pl

SELECT_RULES = 200
"""Rules in a select."""


class Polars:
    """A DataFrame in memory, filtered for each logsource, and lower-cased, in the time that is measured.

    Args:
        batch: How many events it gets at a time; None for all of them, and then what the same costs with no event belongs
            to the start.
    """

    def __init__(self, batch: int | None) -> None:
        self.name = f"polars, {batch} events at a time" if batch else "polars, all events at once"
        self._batch = batch

    def unavailable(self) -> str | None:
        """It is no dependency of Tocsin's."""
        return None if find_spec("polars") else "not installed: pip install polars"

    def version(self) -> str:
        """The package's."""
        return version("polars")

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """What an expression cannot say, and what Rust's regex does not compile."""
        import polars as pl

        from benchmarks.peers.expressions import condition

        why = {}
        for rule in workload.rules:
            columns = Columns.of([rule.condition])
            try:
                expression = condition(rule.condition, columns)
            except CannotExpressError as error:
                why[rule.id] = str(error)
                continue
            if any(leaf.op in {"regex", "glob"} for leaf in leaves(rule.condition)):
                probe = lowered(columns, frame(columns, [dict.fromkeys(columns.places, "x")], [0], []))
                try:
                    probe.select(expression)
                except pl.exceptions.PolarsError:
                    why[rule.id] = "regex: Rust's has no look-around and no back-references"
        return why

    def run(self, workload: Workload) -> Run:
        """Judges; loading the columns and making the expressions are free of charge."""
        import polars as pl

        parts = list(workload.parts())
        columns = Columns.of(rule.condition for part in parts for rule in part.rules)
        events = [flat(event.fields) for event in workload.events]
        ready = frame(columns, events, range(len(events)), [part.rows for part in parts])
        hits: dict[str, frozenset[int]] = {}
        began = time.process_time()
        asked = [_expressions(part, columns) for part in parts]
        _judged(ready.clear(), asked, columns)
        started = time.process_time()
        for first in range(0, len(events), self._batch or len(events)):
            for rule, rows in _judged(ready.slice(first, self._batch), asked, columns):
                hits[rule] = hits.get(rule, frozenset()) | rows
        judged = time.process_time()
        asked_nothing = 0.0
        if not self._batch:
            _judged(ready.clear(), asked, columns)
            asked_nothing = time.process_time() - judged
        reading = time.process_time()
        pl.read_ndjson(workload.lines, infer_schema_length=None)
        done = time.process_time()
        matching = judged - started - asked_nothing
        return Run(hits, matching, done - reading, started - began)


def _judged(
    ready: pl.DataFrame, asked: Sequence[Mapping[str, pl.Expr]], columns: Columns
) -> list[tuple[str, frozenset[int]]]:
    """(rule id, the rows that match) of each rule that any row matches."""
    import polars as pl

    events = lowered(columns, ready)
    return [
        hit for place, rules in enumerate(asked) for hit in _hits(events.filter(pl.col(f"s{place}")), rules)
    ]


def frame(
    columns: Columns,
    events: Sequence[Mapping[str, object]],
    rows: Sequence[int],
    guards: Sequence[Sequence[int]],
) -> pl.DataFrame:
    """The events as a frame, without the lower-case columns."""
    import polars as pl

    made = pl.from_arrow(columns.table(events, rows, guards))  # type: ignore[arg-type]
    assert isinstance(made, pl.DataFrame)
    return made


def lowered(columns: Columns, ready: pl.DataFrame) -> pl.DataFrame:
    """`ready` with the lower-case columns."""
    import polars as pl

    return ready.with_columns(
        pl.col(text).str.to_lowercase().alias(name) for text, name in columns.lowered_columns()
    )


def _expressions(part: Part, columns: Columns) -> dict[str, pl.Expr]:
    from benchmarks.peers.expressions import condition

    return {rule.id: condition(rule.condition, columns) for rule in part.rules}


def _hits(events: pl.DataFrame, rules: Mapping[str, pl.Expr]) -> Iterator[tuple[str, frozenset[int]]]:
    names = list(rules)
    for start in range(0, len(names), SELECT_RULES):
        some = names[start : start + SELECT_RULES]
        answers = events.lazy().select(rules[name].alias(name) for name in some).collect()
        for column in answers:
            places = column.fill_null(value=False).arg_true()
            if len(places):
                yield column.name, frozenset(events["row"].gather(places).to_list())
