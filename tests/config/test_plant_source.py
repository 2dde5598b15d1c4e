"""`[[run.plant-source]]`: what is read of it, and what is refused with which words."""

from __future__ import annotations

import tomllib
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from tocsin.config.plant_source import Folder, PlantSource, Sql, plant_sources
from tocsin.config.plant_source_keys import CONTROLLER_PORTS
from tocsin.config.service import service_settings
from tocsin.config.table import Table
from tocsin.records.errors import OperatorError

FOLDER = '[[plant-source]]\nplant = "town"\nkind = "folder"\nfolder = "exports"\n'
SQL = '[[plant-source]]\nplant = "town"\nkind = "sql"\nurl = "{}"\ntable = "h"\ntime = "t"\n'
URL = "postgresql://reader@db.example.org/history"


def read(text: str, plants: tuple[str, ...] | None = None) -> tuple[PlantSource, ...]:
    values: dict[str, Any] = tomllib.loads(text)
    return plant_sources(Table(Path("/etc/tocsin/tocsin.toml"), "run", values), plants)


def refusal(text: str, plants: tuple[str, ...] | None = None) -> str:
    with pytest.raises(OperatorError) as error:
        read(text, plants)
    assert "/etc/tocsin/tocsin.toml" in str(error.value)
    return str(error.value)


def test_a_folder_starts_from_the_folder_of_the_settings() -> None:
    (one,) = read(FOLDER)
    assert one == PlantSource("town-folder", "town", "folder", Folder(Path("/etc/tocsin/exports")))


def test_all_of_a_folder() -> None:
    (one,) = read(
        FOLDER
        + 'name = "pumps"\ntime = "Stamp"\nignore = ["Remark"]\nzone = "Europe/Berlin"\nday-first = true\n'
        "settle-seconds = 3\nsince = 2026-03-01\n"
    )
    settings = one.settings
    assert (one.name, settings.time, settings.ignore, settings.day_first, settings.settle) == (
        "pumps", "Stamp", ("Remark",), True, 3,
    )  # fmt: skip
    assert str(settings.zone) == "Europe/Berlin"
    assert settings.since == 1772319600_000_000  # midnight there


def test_a_database() -> None:
    (one,) = read(
        SQL.format("mssql://reader@[2001:db8::1]:1444/Runtime")
        + 'password-file = "secret"\ntag = "n"\nvalue = "v"'
    )
    assert one.settings == Sql(
        "mssql",
        "Runtime",
        "2001:db8::1",
        1444,
        "reader",
        Path("/etc/tocsin/secret"),
        "h",
        "",
        "t",
        "n",
        "v",
        zone=UTC,
    )


def test_a_file_of_sqlite() -> None:
    (one,) = read(SQL.format("sqlite:////var/lib/history.db"))
    assert one.settings.name == "/var/lib/history.db"
    (one,) = read(SQL.format("sqlite:///history.db"))
    assert one.settings.name == "/etc/tocsin/history.db"


@pytest.mark.parametrize("port", sorted(CONTROLLER_PORTS))
def test_a_port_of_controllers_is_refused(port: int) -> None:
    assert f"leads to port {port}, where controllers listen" in refusal(SQL.format(f"mssql://r@db:{port}/h"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FOLDER + "colour = 1", "has no setting colour"),
        (FOLDER.replace('"folder"', '"modbus"'), "kind is 'modbus', which there is not. Write one of folder"),
        (FOLDER.replace('"town"', '"../town"'), "plant is no name"),
        (FOLDER.replace('folder = "exports"\n', ""), "folder is missing"),
        (FOLDER + 'zone = "Nowhere/Town"', "names no time zone"),
        (FOLDER + 'since = "yesterday"', "since is no date"),
        (FOLDER + FOLDER, "has the name town-folder twice"),
        ("plant-source = 1", "is no list of tables"),
        (SQL.format("postgresql://reader:hunter2@db/h"), "holds a password, which belongs in a file of its own"),
        (SQL.format("oracle://reader@db/h"), "begins with none of postgresql://"),
        (SQL.format("postgresql://db/h"), "names no user"),
        (SQL.format("postgresql://reader@db/h?options=-c"), "holds more than"),
        (SQL.format("postgresql://reader@db:99999/h"), "is no address"),
        (SQL.format("sqlite://server/file"), "names no file"),
        (SQL.format(URL) + 'select = "SELECT 1"', "only one of them"),
        (SQL.format(URL).replace('table = "h"\n', ""), "or select must say"),
        (SQL.format(URL) + 'tag = "n"', "belong together"),
        (SQL.format(URL) + "plain = true", "does not say what it risks"),
        (SQL.format(URL) + "rows = 0", "rows is no whole number"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(text: str, said: str) -> None:
    found = refusal(text)
    assert said in found
    assert "hunter2" not in found


def test_a_plant_that_there_is_not_is_refused() -> None:
    assert "which no [[run.plant]] is called. It has: lake." in refusal(FOLDER, ("lake",))
    assert read(FOLDER, ("town",))


MQTT = '[[plant-source]]\nplant = "town"\nkind = "mqtt"\nhost = "broker.example.org"\n'


def test_two_sources_at_one_broker_do_not_log_each_other_out() -> None:
    two = read(MQTT + 'name = "pumps"\n' + MQTT + 'name = "tanks"\n')
    assert [one.settings.client for one in two] == ["tocsin-pumps", "tocsin-tanks"]
    assert "client id a twice" in refusal(
        MQTT + 'name = "pumps"\nclient-id = "a"\n' + MQTT + 'name = "tanks"\nclient-id = "a"\n'
    )
    assert len(read(MQTT + 'name = "b"\nclient-id = "a"\n' + MQTT + 'client-id = "a"\nport = 8884\n')) == 2


def test_the_service_has_them(tmp_path: Path) -> None:
    values = {"run": tomllib.loads(FOLDER + '[[plant]]\nname = "town"\nmodel = "town.model"\n')}
    service = service_settings(tmp_path / "tocsin.toml", values, tmp_path)
    assert [one.name for one in service.plant_sources] == ["town-folder"]
    with pytest.raises(OperatorError, match=r"which no .* is called"):
        service_settings(tmp_path / "tocsin.toml", {"run": tomllib.loads(FOLDER)}, tmp_path)
