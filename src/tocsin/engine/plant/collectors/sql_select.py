"""What a database is asked: one SELECT, the owner's or made of a table's name, taken apart by a parser and never by patterns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tocsin.config import bounds
from tocsin.config.plant_source_sql import Database, Sql
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert

_DIALECTS: Final[dict[Database, str]] = {"postgresql": "postgres", "mssql": "tsql", "sqlite": "sqlite"}
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WRITES: Final = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Into, exp.Lock,
    exp.Set, exp.Use, exp.Copy, exp.TruncateTable, exp.Transaction, exp.Commit, exp.Rollback, exp.Pragma, exp.Attach,
    exp.Detach, exp.Execute, exp.Grant, exp.NextValueFor,
)  # fmt: skip
_CALLS: Final = frozenset(
    {
        "datetime", "json_array_elements", "json_each", "json_each_text", "jsonb_array_elements", "jsonb_each", "jsonb_each_text",
        "julianday", "printf", "switchoffset", "sysdatetimeoffset", "sysutcdatetime", "time_bucket", "timezone",
        "todatetimeoffset", "total", "unixepoch",
    }
)  # fmt: skip
"""Functions that the parser has no type of its own for, and that are known to do nothing but calculate."""

_HINTS: Final = frozenset(
    {"NOEXPAND", "NOLOCK", "NOWAIT", "READCOMMITTED", "READPAST", "READUNCOMMITTED", "SNAPSHOT"}
)
"""Of SQL Server's hints those that hold up nobody who writes."""

_CONTESTED: Final[dict[Database, str]] = {"postgresql": "\\$", "mssql": "", "sqlite": ""}
"""Signs of which only the server's settings say where a text ends."""


def check_select(select: str, database: Database) -> None:
    """Nothing where `select` is one SELECT that changes nothing and locks nothing.

    Raises:
        OperatorError: it is anything else.
    """
    right = "Write one SELECT, or make a view and name it as table."
    for sign in _CONTESTED[database]:
        if sign in select:
            raise OperatorError(f"The select of a plant's source has a {sign}, which may end a text.", right)
    try:
        found = sqlglot.parse(select, dialect=_DIALECTS[database])
    except (SqlglotError, RecursionError, ValueError) as error:
        said = "it nests too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0][:200]
        raise OperatorError(f"The select of a plant's source cannot be understood: {said}", right) from error
    statements = [one for one in found if one is not None]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise OperatorError("The select of a plant's source is not one SELECT.", right)
    for node in statements[0].walk():
        if isinstance(node, _WRITES):
            raise OperatorError(
                f"The select of a plant's source does more than read ({type(node).__name__.upper()}).", right
            )
        if why := _doubt(node):
            raise OperatorError(f"The select of a plant's source {why}.", right)
        if isinstance(node, exp.Placeholder | exp.Parameter):
            raise OperatorError("The select of a plant's source has a parameter, which has no value.", right)


def _doubt(node: exp.Expr) -> str:
    """Why `node` may do more than read; '' where it does not.

    A SELECT may call what writes, also where transactions are read-only: `dblink_exec`, `lo_export`, `OPENQUERY`.
    """
    if isinstance(node, exp.Anonymous) and node.name.lower() not in _CALLS:
        return f"calls {inert(node.name)[:100]}, which may do more than read"
    if isinstance(node, exp.WithTableHint):
        hints = {one.name.upper() for one in node.expressions}
        if hints - _HINTS:
            return f"asks for a lock ({inert(min(hints - _HINTS))[:100]})"
    return ""


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of a database, without parameters: drivers differ in what they take for one in the owner's text.

    Attributes:
        newest: Gives the newest time.
        head: Before the instant of `rows`.
        tail: Behind it.
    """

    newest: str
    head: str
    tail: str

    def rows(self, after: str) -> str:
        """Gives rows newer than `after` (a literal), the oldest first."""
        return f"{self.head}{after}{self.tail}"


def columns_question(settings: Sql, quote: Callable[[str], str]) -> str:
    """Asks what columns there are. OperatorError where the owner's select may not be asked."""
    return f"SELECT * FROM {_origin(settings, quote)} WHERE 1 = 0"  # noqa: S608  names are quoted, the select was parsed


def questions(settings: Sql, found: list[str], quote: Callable[[str], str]) -> Questions:
    """What is asked.

    Args:
        settings: Of the source.
        found: Its columns, as they are spelt.
        quote: Puts a name in the database's quotes.

    Raises:
        OperatorError: a column that the settings name is not there.
    """
    origin = _origin(settings, quote)
    time = quote(column(settings.time, found))
    named = [time]
    if settings.tag is not None and settings.value is not None:
        named += [quote(column(settings.tag, found)), quote(column(settings.value, found))]
    else:
        left_out = {one.casefold() for one in (*settings.ignore, settings.time)}
        named += [quote(one) for one in found if one.casefold() not in left_out]
    most = bounds.PLANT_QUERY_ROWS_MOST
    top, limit = (f"TOP ({most}) ", "") if settings.database == "mssql" else ("", f" LIMIT {most}")
    return Questions(
        f"SELECT MAX({time}) FROM {origin}",  # noqa: S608
        f"SELECT {top}{', '.join(named)} FROM {origin} WHERE {time} > ",  # noqa: S608
        f" ORDER BY {time}{limit}",
    )


def column(asked: str, found: list[str]) -> str:
    """The column that is `asked` for, however it is written large or small. OperatorError where it is not there."""
    alike = [one for one in found if one == asked] or [
        one for one in found if one.casefold() == asked.casefold()
    ]
    if not alike:
        raise OperatorError(
            f"The source has no column {asked}: it has {', '.join(found[:20])}.",
            "Name one of these in [[run.plant-source]].",
        )
    return alike[0]


def _origin(settings: Sql, quote: Callable[[str], str]) -> str:
    """What stands behind FROM."""
    if settings.table:
        parts = settings.table.split(".")
        return ".".join(one if _PLAIN.fullmatch(one) else quote(one) for one in parts) + " tocsin_source"
    check_select(settings.select, settings.database)
    return f"({settings.select.rstrip().rstrip(';')}\n) tocsin_source"
