"""A Sparkplug node at a real broker, and the real service: what it says is stored and judged, through a crash of the service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("paho.mqtt.client")

from benchmarks.running import Running, awaited, new_site
from tests import sparkplug_node as sp
from tests.detect.plant.plants import tank
from tests.engine.plant.mqtt_reading import Client
from tests.mqtt_broker import Broker, NatsBroker, mosquitto, nats

from tocsin.detect.plant.learn import learn
from tocsin.engine.figures import read_figures
from tocsin.engine.plant.model_file import write_model
from tocsin.engine.serving import reads
from tocsin.records.readings import Spelling
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if mosquitto() is None and nats() is None:
        pytest.skip("no broker is installed")
    folder = tmp_path / "broker"
    folder.mkdir()
    one = (Broker if mosquitto() is not None else NatsBroker)(folder).start()
    yield one
    one.stop(kill=True)


@pytest.fixture
def run() -> Iterator[Callable[[Path], Running]]:
    """Starts the service; what still runs when the test ends is killed, however it ends."""
    started: list[Running] = []

    def start(folder: Path) -> Running:
        started.append(Running(folder))
        started[-1].port()
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def test_what_a_node_publishes_is_stored_once_the_service_runs_again(
    tmp_path: Path, broker: Broker, run: Callable[[Path], Running]
) -> None:
    readings = tank(60)
    site = new_site(tmp_path)
    write_model(tmp_path / "works.model", learn(tank(220), 0.1, 2), Spelling())
    settings = tmp_path / "tocsin.toml"
    version = "5" if mosquitto() is not None else "3.1.1"
    settings.write_text(
        settings.read_text().replace("rules = []", "starter = false")
        + '\n[[run.plant]]\nname = "works"\nmodel = "works.model"\n\n[[run.plant-source]]\nplant = "works"\nkind = "mqtt"\n'
        + f'host = "127.0.0.1"\ntls = false\nport = {broker.port}\ntag = "{{metric}}"\nprotocol = "{version}"\n'
    )
    plant, node = Client(broker.port), sp.Node()
    start = int(time.time() * 1000) - 60_000

    def published(row: int) -> None:
        values = [sp.data(at, sp.DOUBLE, float(one)) for at, one in enumerate(readings.values[row])]
        plant.publish(*node.device_data(*values, at=start + 1000 * row))

    service = run(site.folder)
    awaited(lambda: state(site.data) == "reads" or None)
    plant.publish(*node.birth(start - 1000))
    metrics = [
        sp.metric(tag, sp.DOUBLE, float(readings.values[0][at]), alias=at)
        for at, tag in enumerate(readings.tags)
    ]
    plant.publish(*node.device_birth(metrics, start - 1000))
    for row in range(20):
        published(row)
    service.kill()
    for row in range(20, 40):
        published(row)
    service = run(site.folder)
    for row in range(40, 60):
        published(row)
    wanted = {(start + 1000 * row) * 1000 for row in range(-1, 60)}
    awaited(lambda: {one.time for one in stored(site.data)} >= wanted or None)
    service.stop()
    events = stored(site.data)
    assert {one.time for one in events} == wanted
    assert all(set(one.fields["readings"]) == set(readings.tags) for one in events)


def stored(data: Path) -> list:  # type: ignore[type-arg]
    with Store.read_only(data, reads(ReceivedOptions())) as store:
        return list(store.events_between(-(2**62), 2**62))


def state(data: Path) -> str:
    figures = read_figures(data)
    found = figures.collected.get("works-mqtt") if figures is not None else None
    return found.state if found is not None else ""
