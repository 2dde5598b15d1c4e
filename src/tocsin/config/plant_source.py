"""Where readings of a plant come from: the tables `[[run.plant-source]]` of `tocsin.toml`, as typed values.

```toml
[[run.plant-source]]
plant = "waterworks"            # the name of a [[run.plant]]
kind = "folder"
folder = "/srv/historian"       # a historian puts CSV or Parquet there
zone = "Europe/Berlin"          # what a time without a zone means

[[run.plant-source]]
plant = "waterworks"
kind = "sql"
url = "mssql://reader@historian.example.org/Runtime"    # also postgresql://, and sqlite:////var/lib/history.db
password-file = "secrets/historian"
table = "History"               # or select = "SELECT ..."
time = "DateTime"
tag = "TagName"                 # without tag and value: one column for each tag
value = "Value"
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, cast, get_args
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.config import bounds
from tocsin.config.table import Table
from tocsin.records.instants import SECOND

KEY: Final = "plant-source"

Database = Literal["postgresql", "mssql", "sqlite"]

CONTROLLER_PORTS: Final[Mapping[int, str]] = {
    102: "Siemens S7",
    502: "Modbus",
    2222: "EtherNet/IP",
    2404: "IEC 60870-5-104",
    5007: "MELSEC",
    9600: "FINS",
    18245: "GE SRTP",
    20000: "DNP3",
    34962: "PROFINET",
    34963: "PROFINET",
    34964: "PROFINET",
    44818: "EtherNet/IP",
    47808: "BACnet",
}
"""Ports at which controllers listen, and for what; Tocsin connects to none of them."""

_COMMON: Final = ("kind", "name", "plant")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_RIGHT_NAME: Final = "Write letters, digits, dots, dashes or underscores, at most 64, such as waterworks."
_RIGHT_URL: Final = "Write one such as postgresql://reader@historian.example.org:5432/history."


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder into which a historian writes.

    Attributes:
        folder: The folder; what lies in folders below it is not read.
        time: The column of time; None to find it.
        ignore: Columns (in long tables: tags) that are left out.
        zone: What times without a zone mean.
        day_first: Whether `03/04/2026` is the third of April; None to decide from the column, or as the model learnt it.
        settle: Seconds without a change after which a file is complete.
        since: Readings before this instant are left out; None: none are.
    """

    folder: Path
    time: str | None = None
    ignore: tuple[str, ...] = ()
    zone: tzinfo = UTC
    day_first: bool | None = None
    settle: int = bounds.PLANT_SETTLE_SECONDS
    since: int | None = None


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


@dataclass(frozen=True, slots=True)
class PlantSource:
    """One source.

    Attributes:
        name: What it is called, on the disk too; no other has it.
        plant: Whose readings it has.
        kind: What it is.
        settings: What that kind is told: one of the dataclasses of `KINDS`.
    """

    name: str
    plant: str
    kind: str
    settings: Any


def refuse_controller_port(table: Table, key: str, port: int) -> None:
    """Refuses a port at which controllers listen. OperatorError; it names file, table and key."""
    if port in CONTROLLER_PORTS:
        table.refuse(
            key,
            f"leads to port {port}, where controllers listen ({CONTROLLER_PORTS[port]})",
            "Name a historian, a broker or a database: Tocsin connects to no controller.",
        )


def folder_source(table: Table) -> Folder:
    """What a table of kind `folder` says. OperatorError where it cannot be."""
    table.check((*_COMMON, "day-first", "folder", "ignore", "settle-seconds", "since", "time", "zone"))
    folder = table.path("folder")
    if folder is None:
        table.refuse("folder", "is missing", "Name the folder into which the historian writes.")
    return Folder(
        folder,
        table.text("time", "") if "time" in table.values else None,
        table.texts("ignore", 'Write a list, such as ["Remarks"].'),
        zone_in(table),
        table.flag("day-first", default=False) if "day-first" in table.values else None,
        table.whole("settle-seconds", bounds.PLANT_SETTLE_SECONDS, 1, 3_600),
        _since(table),
    )


def sql_source(table: Table) -> Sql:
    """What a table of kind `sql` says. OperatorError where it cannot be."""
    table.check(
        (*_COMMON, "authority", "every-seconds", "ignore", "late-seconds", "password-file", "plain", "rows", "select",
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
        _since(table),
        _plain(table),
        table.path("authority"),
    )


KINDS: Final[dict[str, Callable[[Table], Any]]] = {"folder": folder_source, "sql": sql_source}
"""What reads a table, by its kind."""


def plant_sources(run: Table, plants: Collection[str] | None = None) -> tuple[PlantSource, ...]:
    """What `[[run.plant-source]]` says, in its order.

    Args:
        run: The table `[run]`.
        plants: The names of `[[run.plant]]`; None where they are not looked at.

    Raises:
        OperatorError: it cannot be so; file, table and key are named.
    """
    values = run.values.get(KEY, [])
    if not isinstance(values, list) or not all(isinstance(one, Mapping) for one in values):
        run.refuse(KEY, "is no list of tables", f"Write [[{run.name}.{KEY}]] before each.")
    if len(values) > bounds.PLANT_SOURCES:
        run.refuse(KEY, f"are more than {bounds.PLANT_SOURCES}", "Name fewer.")
    found = tuple(_source(Table(run.file, f"{run.name}.{KEY}", one), plants) for one in values)
    names = [one.name.casefold() for one in found]
    for one in found:
        if names.count(one.name.casefold()) > 1:
            run.refuse(KEY, f"has the name {one.name} twice", 'Give each a name of its own: name = "pumps".')
    return found


def _source(table: Table, plants: Collection[str] | None) -> PlantSource:
    kind = table.text("kind", "", f"Write one of {', '.join(KINDS)}.")
    if kind not in KINDS:
        table.refuse("kind", f"is {kind!a}, which there is not", f"Write one of {', '.join(KINDS)}.")
    plant = _name(table, "plant", "")
    if plants is not None and plant not in plants:
        known = f"It has: {', '.join(plants)}." if plants else f"Write [[run.plant]] with the name {plant}."
        table.refuse("plant", f"is {plant}, which no [[run.plant]] is called", known)
    return PlantSource(_name(table, "name", f"{plant}-{kind}"[:64]), plant, kind, KINDS[kind](table))


def _name(table: Table, key: str, default: str) -> str:
    name = table.text(key, default, _RIGHT_NAME)
    if not _NAME.fullmatch(name):
        table.refuse(key, "is no name", _RIGHT_NAME)
    return name


def zone_in(table: Table) -> tzinfo:
    """What a time without a zone means: the key `zone`, UTC where it is missing. OperatorError where there is no such zone."""
    right = "Name one such as Europe/Berlin or UTC."
    name = table.text("zone", "UTC", right)
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        table.refuse("zone", f"names no time zone: {name!a}", right)


def _since(table: Table) -> int | None:
    value = table.values.get("since")
    if value is None:
        return None
    if not isinstance(value, date):
        table.refuse(
            "since", "is no date", "Write one such as 2026-11-01 or 2026-11-01T06:00:00Z, without quotes."
        )
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_in(table))
    return round(moment.timestamp()) * SECOND


def _plain(table: Table) -> bool:
    if "plain" not in table.values:
        return False
    if table.values["plain"] != PLAIN:
        table.refuse("plain", "does not say what it risks", f'Write "{PLAIN}", or remove it.')
    return True


PLAIN: Final = "password and readings can be read on the way"
"""What `plain` must say, word for word, before a database on another host is spoken with without TLS."""


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
