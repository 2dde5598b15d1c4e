"""Readings of a plant through the real service: InfluxDB's own client, restarts, and settings that change."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag

import pytest
from benchmarks.running import Site, new_site
from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import WriteOptions
from tests.plant_service import running

from tocsin.engine.serving import reads
from tocsin.records.event import Event
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store


class Service:
    """The service of a site, started anew as often as a test likes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.begin()

    def begin(self) -> None:
        self.now = running(self._folder)
        self.now.port()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    named(made, "works")
    settings = made.folder / "tocsin.toml"
    settings.write_text(settings.read_text().replace("rules = []", "rules = []\nstarter = false"))
    return made


@pytest.fixture
def service(site: Site) -> Iterator[Service]:
    one = Service(site.folder)
    yield one
    if one.now.process.poll() is None:
        one.now.kill()


def named(site: Site, *plants: str) -> None:
    (site.folder / "plants").write_text("\n".join(plants))


def stored(site: Site) -> list[Event]:
    with Store.read_only(site.data, reads(ReceivedOptions())) as store:
        return list(store.events_between(-(2**62), 2**62))


def post(site: Site, plant: str, body: bytes = b"m f=1") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=10)
    try:
        connection.request(
            "POST", f"/api/v2/write?bucket={plant}", body, {"Authorization": f"Token {site.token}"}
        )
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_official_client_loses_and_repeats_nothing_through_restarts(
    site: Site, service: Service, pytestconfig: pytest.Config
) -> None:
    """It gathers points, sends them as it likes, and tries again by itself what was not answered. `--soak` does more of it."""
    count, ends = (
        (40_000, ("kill", "stop", "kill")) if pytestconfig.getoption("--soak") else (4_000, ("kill",))
    )
    restarts = {count * (turn + 1) // (len(ends) + 1): end for turn, end in enumerate(ends)}
    given_up = Flag()
    options = WriteOptions(
        batch_size=250, flush_interval=100, jitter_interval=0, retry_interval=100, max_retry_delay=1_000, max_retries=60,
        max_retry_time=60_000, exponential_base=2,
    )  # fmt: skip
    with InfluxDBClient(f"http://127.0.0.1:{site.http}", site.token, org="o") as client:
        writer = client.write_api(options, error_callback=lambda *_: given_up.set())
        for number in range(count):
            writer.write("works", record=Point("flow").field("no", number).field("F", number / 7))
            if number in restarts:
                getattr(service.now, restarts[number])()
                service.begin()
        writer.close()
    assert not given_up.is_set()
    service.now.stop()
    events = stored(site)
    numbers = Counter(event.fields["readings"]["no"] for event in events)
    assert (count - len(numbers), numbers.total() - len(numbers)) == (0, 0), "lost, repeated"
    assert all(event.fields["readings"]["F"] == event.fields["readings"]["no"] / 7 for event in events)
    assert {(event.kind, event.auth, event.format) for event in events} == {
        ("plant/works", "token", "line-protocol")
    }


def test_plants_come_and_go_while_it_runs(site: Site, service: Service) -> None:
    path = site.data / "collect.sock"
    assert (post(site, "works"), post(site, "dam"), path.exists()) == (204, 404, True)
    named(site, "dam")
    service.now.reload()
    service.now.line("reloaded")
    assert (post(site, "works"), post(site, "dam"), path.exists()) == (404, 204, True)
    named(site)
    service.now.reload()
    service.now.line("reloaded", 1)
    assert (post(site, "dam"), path.exists()) == (404, False)
    path.write_text("somebody's")
    named(site, "works")
    service.now.reload()
    service.now.says("something else is there")
    assert (post(site, "works"), path.read_text()) == (404, "somebody's")
    path.unlink()
    service.now.reload()
    service.now.line("reloaded", 2)
    assert (post(site, "works"), path.exists()) == (204, True)
    assert post(site, "works", b"m f=NaN") == 400
    assert service.now.line("set_aside")["reason"] == "Field 1 has a value that is no number."
    service.now.stop()
    assert not path.exists()
    assert [event.fields["plant"] for event in stored(site)] == ["works", "dam", "works"]
