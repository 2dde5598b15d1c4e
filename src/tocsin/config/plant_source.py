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
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final

from tocsin.config import bounds
from tocsin.config.plant_source_keys import COMMON, refuse_controller_port, since_in, zone_in
from tocsin.config.plant_source_mqtt import mqtt_source
from tocsin.config.plant_source_opcua import opcua_source
from tocsin.config.plant_source_sql import Sql, sql_source
from tocsin.config.table import Table

__all__ = ["KINDS", "Folder", "PlantSource", "Sql", "plant_sources", "refuse_controller_port"]

KEY: Final = "plant-source"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_RIGHT_NAME: Final = "Write letters, digits, dots, dashes or underscores, at most 64, such as waterworks."


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


def folder_source(table: Table) -> Folder:
    """What a table of kind `folder` says. OperatorError where it cannot be."""
    table.check((*COMMON, "day-first", "folder", "ignore", "settle-seconds", "since", "time", "zone"))
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
        since_in(table),
    )


KINDS: Final[dict[str, Callable[[Table], Any]]] = {
    "folder": folder_source,
    "sql": sql_source,
    "mqtt": mqtt_source,
    "opcua": opcua_source,
}
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
    clients = [
        (one.settings.host, one.settings.port, one.settings.client) for one in found if one.kind == "mqtt"
    ]
    for host, port, client in clients:
        if clients.count((host, port, client)) > 1:
            run.refuse(
                KEY,
                f"has the client id {client} twice at the broker {host}:{port}, which would log the two out in turn",
                'Give each a client-id of its own: client-id = "tocsin-pumps".',
            )
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
