"""A plant watched by the real service: what is told, through a crash in the middle, and when its model changes."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.running import Running, Site, awaited, new_site
from tests.detect.plant.live.readings import lying, rows
from tests.detect.plant.plants import tank

from tocsin.advise.tell import tell
from tocsin.config.plant import Plant
from tocsin.detect.plant.learn import learn
from tocsin.detect.plant.live.detector import PlantDetector
from tocsin.detect.plant.model import PlantModel
from tocsin.engine.figures import read_figures
from tocsin.engine.plant.live_models import read_plants
from tocsin.engine.plant.model_file import write_model
from tocsin.engine.serving import reads
from tocsin.records.event import Event, EventBatch
from tocsin.records.instants import HOUR, SECOND
from tocsin.records.readings import Spelling
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store

ROWS, FIRST, LAST = 150, 90, 130
OUTFLOW = 2


@pytest.fixture(scope="module")
def model() -> PlantModel:
    return learn(tank(1_500), 0.1, 2)


@pytest.fixture
def site(tmp_path: Path, model: PlantModel) -> Site:
    made = new_site(tmp_path)
    write_model(tmp_path / "works.model", model, Spelling())
    settings = tmp_path / "tocsin.toml"
    text = settings.read_text().replace("rules = []", "starter = false")
    settings.write_text(f'{text}\n[[run.plant]]\nname = "works"\nmodel = "works.model"\n')
    return made


@pytest.fixture
def service(site: Site) -> Iterator[list[Running]]:
    started = [Running(site.folder)]
    started[0].port()
    yield started
    if started[-1].process.poll() is None:
        started[-1].kill()


def lines() -> list[str]:
    """The readings of a plant that ends now, whose outflow lies for a while, a line for each hour."""
    start = int(time.time()) * SECOND // HOUR * HOUR - ROWS * HOUR
    readings = lying(tank(ROWS, seed=9), FIRST, LAST, OUTFLOW, 6.0)
    return [
        f"plant {','.join(f'{tag}={value}' for tag, value in shown.items())} {instant // SECOND}"
        for instant, shown in rows(readings, start)
    ]


def post(site: Site, body: Sequence[str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=10)
    try:
        connection.request(
            "POST", "/api/v2/write?bucket=works&precision=s", "\n".join(body).encode(), {"Authorization": f"Token {site.token}"}
        )  # fmt: skip
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def delivered(site: Site, body: Sequence[str]) -> None:
    awaited(lambda: post(site, body) == 204 or None)


def stored(site: Site) -> list[Event]:
    with Store.read_only(site.data, reads(ReceivedOptions())) as store:
        return list(store.events_between(-(2**62), 2**62))


def told(command: str, site: Site) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", "--config", str(site.folder / "tocsin.toml"), command, "--json"],
        capture_output=True, check=False,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_manipulated_stretch_is_one_incident_told_once_through_a_crash(
    site: Site, service: list[Running], model: PlantModel
) -> None:
    given, findings = lines(), []
    for at in range(0, ROWS, 10):
        delivered(site, given[at : at + 10])
        if at in (FIRST, LAST - 10):
            findings += [one for one in service[-1].told() if one["kind"] == "finding"]
            service[-1].kill()
            service.append(Running(site.folder))
            service[-1].port()
    judged(site, ROWS - 1)
    findings += [one for one in service[-1].told() if one["kind"] == "finding"]
    service[-1].stop()
    assert len({one["id"] for one in findings}) == len(findings)
    with Store.read_only(site.data, reads(ReceivedOptions())) as store:
        kept, incidents = list(store.findings()), list(store.incidents())
    detector = PlantDetector(read_plants([Plant("works", site.folder / "works.model")]))
    expected = detector.process(EventBatch.of(stored(site)))
    assert {one.id for one in kept if one.rule_id != "plant-silent/works"} == {one.id for one in expected}
    first = int(given[FIRST].rpartition(" ")[2]) * SECOND
    alarm, *again = sorted(
        (one for one in kept if one.level == "high" and one.time >= first), key=lambda one: one.time
    )
    (incident,) = [one for one in incidents if alarm.id in {finding.id for finding in one.findings}]
    assert incident.severity == "high"
    assert {one.id for one in again} <= {one.id for one in incident.findings}
    assert 1 <= len(again) <= (LAST - FIRST + 12) // 12, "while it lasts, each twelve hours"
    assert all("is still out of step" in one.rule_title for one in again)
    words = tell(incident)
    assert "The plant works is out of step, OUTFLOW first" in words.title
    assert "OUTFLOW shows " in words.story[0].text
    assert "would fit the other tags" in words.story[0].text
    assert "gauge for OUTFLOW at works" in words.steps[0]
    assert given[FIRST : FIRST + 10].count(alarm.evidence[0].raw) == 1


def test_status_says_what_was_too_old_to_be_judged(site: Site, service: list[Running]) -> None:
    given = lines()
    old = [f"{one.rpartition(' ')[0]} {int(one.rpartition(' ')[2]) - 30 * 86_400}" for one in given[:5]]
    delivered(site, [*old, *given[:40]])
    judged(site, 39)
    awaited(lambda: [one for one in service[0].told() if one["kind"] == "finding"] or None)
    service[0].stop()
    (shown,) = [one for one in told("status", site) if one["kind"] == "plant"]
    assert shown["untimed"] == 5 * shown["tags"]
    said = [json.dumps(one) for one in told("doctor", site) if one.get("about") == "plants"]
    assert any("not judged (an older history is for `tocsin plant watch`)" in one for one in said)


def judged(site: Site, count: int) -> None:
    """Waits until so many rows were judged by the present model."""

    def rows_() -> bool | None:
        figures = read_figures(site.data)
        return (
            figures is not None and "works" in figures.plants and figures.plants["works"].rows == count
        ) or None

    awaited(rows_)


def test_a_changed_model_is_taken_up_and_a_broken_one_refused(
    site: Site, service: list[Running], model: PlantModel
) -> None:
    given = lines()
    delivered(site, given[:40])
    judged(site, 39)
    path = site.folder / "works.model"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    service[0].reload()
    service[0].says("Nothing was reloaded")
    assert [one["state"] for one in told("doctor", site) if one.get("about") == "plants"].count("broken") == 1
    delivered(site, given[40:50])
    judged(site, 49)
    write_model(path, replace(model, threshold=2 * model.threshold), Spelling())
    service[0].reload()
    service[0].line("reloaded")
    delivered(site, given[50:60])
    judged(site, 10)
    service[0].stop()
    (shown,) = [one for one in told("status", site) if one["kind"] == "plant"]
    assert (shown["tags"], shown["missing"], shown["promise"]["unit"]) == (6, [], "week")
