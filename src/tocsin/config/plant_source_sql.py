"""A database that a plant's readings are read from: a table `[[run.plant-source]]` of kind `sql`, as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final, Literal, NoReturn, cast, get_args
from urllib.parse import unquote, urlsplit

from tocsin.config import bounds
from tocsin.config.plant_source_keys import COMMON, refuse_controller_port, since_in, zone_in
from tocsin.config.table import Table

Database = Literal["postgresql", "mssql", "sqlite"]

PLAIN: Final = "password and readings can be read on the way"
"""What `plain` must say, word for word, before a database on another host is spoken with without TLS."""

_RIGHT_URL: Final = "Write one such as postgresql://reader@historian.example.org:5432/history."


@dataclass(frozen=True, slots=True)
class Sql:
    """A database that is asked again and again, and only read.

    Attributes:
        database: Which kind it is.
        host: Where it is; '' for SQLite.
        port: Its port; None for the usual one.
        name: Of the database; of SQLite the file.
        user: Who asks; None for SQLite.
        password: The file with the password; None where there is none.
        table: The table or view that is read, with its schema before a dot; '' where `select` says what.
        select: A SELECT of the owner; '' where `table` says what.
        time: The column of time.
        tag: Of a long table the column with the names of tags; None where each tag has a column.
        value: Of a long table the column with what was read.
        ignore: Columns (in long tables: tags) that are left out.
        zone: What times without a zone mean.
        every: Seconds between two questions.
        timeout: Seconds that an answer may take.
        rows: New rows that are read with one question.
        late: Seconds by which a row may come behind newer ones of other tags.
        since: From when on readings are read; None: from the newest row there is at the first start.
        plain: Whether it may be spoken with without TLS.
        authority: Certificates (PEM) of who vouches for the database; None for those that the system knows.
    """

    database: Database
    name: str
    host: str = ""
    port: int | None = None
    user: str | None = None
    password: Path | None = None
    table: str = ""
    select: str = ""
    time: str = ""
    tag: str | None = None
    value: str | None = None
    ignore: tuple[str, ...] = ()
    zone: tzinfo = UTC
    every: int = bounds.PLANT_POLL_SECONDS
    timeout: int = bounds.PLANT_QUERY_SECONDS
    rows: int = bounds.PLANT_QUERY_ROWS
    late: int = bounds.PLANT_LATE_SECONDS
    since: int | None = None
    plain: bool = False
    authority: Path | None = None


def sql_source(table: Table) -> Sql:
    """What a table of kind `sql` says. OperatorError where it cannot be."""
    table.check(
        (*COMMON, "authority", "every-seconds", "ignore", "late-seconds", "password-file", "plain", "rows", "select",
         "since", "table", "tag", "time", "timeout-seconds", "url", "value", "zone")
    )  # fmt: skip
    database, host, port, user, name = _url(table)
    if port is not None:
        refuse_controller_port(table, "url", port)
    if ("table" in table.values) == ("select" in table.values):
        table.refuse(
            "table", "or select must say what is read, and only one of them", 'Write table = "history".'
        )
    if ("tag" in table.values) != ("value" in table.values):
        table.refuse(
            "tag", "and value belong together", "Name both columns, or neither for one column a tag."
        )
    if len(select := table.text("select", "none").strip()) > bounds.PLANT_SELECT_CHARS:
        table.refuse("select", "is too long", "Make a view of it, and name it as table.")
    password = table.path("password-file")
    if password is not None and user is None:
        table.refuse("password-file", "needs a user in url", _RIGHT_URL)
    return Sql(
        database,
        name,
        host,
        port,
        user,
        password,
        table.text("table", "") if "table" in table.values else "",
        select if "select" in table.values else "",
        table.text("time", "", "Name the column of time."),
        table.text("tag", "") if "tag" in table.values else None,
        table.text("value", "") if "value" in table.values else None,
        table.texts("ignore", 'Write a list, such as ["id"].'),
        zone_in(table),
        table.whole("every-seconds", bounds.PLANT_POLL_SECONDS, 1, 86_400),
        table.whole("timeout-seconds", bounds.PLANT_QUERY_SECONDS, 1, 3_600),
        table.whole("rows", bounds.PLANT_QUERY_ROWS, 1, bounds.PLANT_QUERY_ROWS_MOST // 2),
        table.whole("late-seconds", bounds.PLANT_LATE_SECONDS, 0, 86_400),
        since_in(table),
        _plain(table),
        table.path("authority"),
    )


def _plain(table: Table) -> bool:
    if "plain" not in table.values:
        return False
    if table.values["plain"] != PLAIN:
        table.refuse("plain", "does not say what it risks", f'Write "{PLAIN}", or remove it.')
    return True


def _url(table: Table) -> tuple[Database, str, int | None, str | None, str]:
    """Kind, host, port, user and name of the database."""

    def wrong(what: str) -> NoReturn:
        table.refuse("url", what, _RIGHT_URL)

    url = table.text("url", "", _RIGHT_URL)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        wrong("is no address")
    if parts.scheme not in get_args(Database):
        wrong(f"begins with none of {', '.join(f'{one}://' for one in get_args(Database))}")
    database = cast("Database", parts.scheme)
    if parts.password is not None:
        wrong("holds a password, which belongs in a file of its own (password-file)")
    if parts.query or parts.fragment:
        wrong("holds more than a user, a host, a port and a database")
    name = unquote(parts.path[1:])
    if database == "sqlite":
        if parts.netloc or not name:
            table.refuse("url", "names no file", "Write one such as sqlite:////var/lib/history.db.")
        return database, "", None, None, str(table.file.parent / name)
    if not parts.hostname or not name or not parts.username:
        wrong("names no user, no host or no database")
    return database, parts.hostname, port, unquote(parts.username), name
