"""A folder and a database read, stored and judged by the real service, while its processes are killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from benchmarks.running import Running, Site, awaited, new_site
from tests.detect.plant.live.readings import lying, rows
from tests.detect.plant.plants import tank

from tocsin.detect.plant.learn import learn
from tocsin.engine.figures import read_figures
from tocsin.engine.plant.model_file import read_model, write_model
from tocsin.engine.serving import reads
from tocsin.records.instants import HOUR, SECOND
from tocsin.records.readings import Spelling
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store

ROWS, FIRST, LAST, OUTFLOW = 150, 90, 130, 2

SETTINGS = """
[[run.plant]]
name = "works"
model = "works.model"
[[run.plant]]
name = "lake"
model = "works.model"
[[run.plant-source]]
plant = "works"
kind = "folder"
folder = "exports"
settle-seconds = 1
[[run.plant-source]]
plant = "lake"
kind = "sql"
url = "sqlite:///history.db"
table = "history"
time = "t"
tag = "tag"
value = "value"
every-seconds = 1
since = 2020-01-01
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    write_model(tmp_path / "works.model", learn(tank(600), 0.1, 2), Spelling(units={"INFLOW": "m3/h"}))
    settings = tmp_path / "tocsin.toml"
    settings.write_text(settings.read_text().replace("rules = []", "starter = false") + SETTINGS)
    (tmp_path / "exports").mkdir()
    with closing(sqlite3.connect(tmp_path / "history.db")) as own, own:
        own.execute("CREATE TABLE history (t INTEGER, tag TEXT, value REAL)")
    return made


@pytest.fixture
def service(site: Site) -> Iterator[list[Running]]:
    started = [Running(site.folder)]
    started[0].port()
    yield started
    if started[-1].process.poll() is None:
        started[-1].kill()


def put(site: Site, shown: list[tuple[int, dict[str, float]]]) -> None:
    """What a historian writes: some rows more, into its file and into its database."""
    path = site.folder / "exports" / "now.csv"
    with path.open("a") as file:
        if not file.tell():
            file.write(f"time,{','.join(shown[0][1])}\n")
        file.writelines(f"{at // SECOND},{','.join(map(str, found.values()))}\n" for at, found in shown)
    with closing(sqlite3.connect(site.folder / "history.db")) as own, own:
        own.executemany(
            "INSERT INTO history VALUES (?, ?, ?)",
            [(at // SECOND, tag, value) for at, found in shown for tag, value in found.items()],
        )


def stored(site: Site) -> set[tuple[str, str, int, Any]]:
    with Store.read_only(site.data, reads(ReceivedOptions())) as store:
        return {
            (str(one.fields["plant"]), tag, one.time, value)
            for one in store.events_between(-(2**62), 2**62)
            for tag, value in one.fields["readings"].items()
        }


@pytest.mark.soak
def test_what_a_historian_shows_is_stored_and_judged_though_processes_are_killed(
    site: Site, service: list[Running]
) -> None:
    start = int(time.time()) * SECOND // HOUR * HOUR - ROWS * HOUR
    given = list(rows(lying(tank(ROWS, seed=9), FIRST, LAST, OUTFLOW, 6.0), start))
    for at in range(0, ROWS, 30):
        put(site, given[at : at + 30])
        awaited(lambda at=at: len(stored(site)) > 2 * at * len(given[0][1]) or None)
        if at == 30:
            os.kill(service[-1].workers()[1], signal.SIGKILL)
        if at == 60:
            service[-1].kill()
            service.append(Running(site.folder))
            service[-1].port()
    expected = {
        (plant, tag, at, float(value))
        for plant in ("works", "lake")
        for at, found in given
        for tag, value in found.items()
    }
    awaited(lambda: stored(site) == expected or None, lambda: str(len(stored(site) ^ expected)))

    def judged() -> bool | None:
        figures = read_figures(site.data)
        return (figures is not None and figures.collected["lake-sql"].state == "reads"
                and all(figures.plants[name].rows == ROWS - 1 for name in ("works", "lake"))) or None  # fmt: skip

    awaited(judged)
    service[-1].stop()
    with Store.read_only(site.data, reads(ReceivedOptions())) as store:
        alarms = [one for one in store.findings() if one.level == "high"]
    assert sorted(one.rule_id.rpartition("/")[2] for one in alarms) == ["lake", "works"]


def test_a_model_in_other_units_counts_from_the_reload_on(site: Site, service: list[Running]) -> None:
    kept = read_model(site.folder / "works.model")
    shown = list(rows(tank(3, seed=9), int(time.time()) * SECOND // HOUR * HOUR - 3 * HOUR))
    units = {"INFLOW": "l/s"}
    path = site.folder / "exports" / "units.csv"

    def put(at: int) -> int:
        """Appends a row in litres a second; gives its instant."""
        with path.open("a") as file:
            if not file.tell():
                file.write(
                    f"time,{','.join(shown[at][1])}\n,{','.join(units.get(tag, '') for tag in shown[at][1])}\n"
                )
            file.write(
                f"{shown[at][0] // SECOND},{','.join(map(str, ({**shown[at][1], 'INFLOW': 10.0}).values()))}\n"
            )
        return shown[at][0]

    instant = put(0)
    awaited(lambda: ("works", "INFLOW", instant, 36.0) in stored(site) or None)
    write_model(site.folder / "works.model", kept.model, Spelling(units={"INFLOW": "l/min"}))
    service[0].reload()
    service[0].line("reloaded")
    later = put(1)
    awaited(lambda: ("works", "INFLOW", later, 600.0) in stored(site) or None)
