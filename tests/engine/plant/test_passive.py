"""Promise 7, on the wire: whatever the plant's path does, no packet goes to a controller, and none that writes to anybody.

Each command runs in a network of its own (`passive_stage.py`), in which all packets are captured and decoys listen where controllers do. The
last tests break the promise on purpose, to show that these would see it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
from benchmarks.running import new_site
from tests.engine.plant.passive_stage import PATIENCE, TCP_PORTS, UDP_PORTS, Act, Report
from tests.mqtt_broker import free_port, mosquitto, nats

STAGE = ("unshare", "-rn", sys.executable, "-m", "tests.engine.plant.passive_stage")
OPCUA = (sys.executable, "-m", "tests.engine.plant.passive_opcua")
SOURCES = (sys.executable, "-m", "tests.engine.plant.passive_sources")
READING_SERVICES = {
    "GetEndpointsRequest", "CreateSessionRequest", "ActivateSessionRequest", "CloseSessionRequest", "BrowseRequest",
    "BrowseNextRequest", "ReadRequest", "CreateSubscriptionRequest", "CreateMonitoredItemsRequest", "PublishRequest",
    "FindServersRequest", "DeleteSubscriptionsRequest",
    "CONNECT", "SUBSCRIBE", "PUBACK", "PINGREQ", "DISCONNECT",
}  # fmt: skip
"""Services of OPC UA, packets of MQTT."""


@cache
def missing() -> str:
    """What this machine lacks for a network of its own; "" for nothing."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    for program, package in (("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            return f"the program {program} ({package}) is not there"
    tried = subprocess.run([*STAGE, "--try"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["no reason"])[-1]
        return f"no network namespace with a capture can be made here: {last}"
    return ""


@pytest.fixture(autouse=True)
def _own_network() -> None:
    if why := missing():
        pytest.skip(why)


def played(act: Act) -> Report:
    done = subprocess.run(
        STAGE,
        input=json.dumps(asdict(act)),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Report(**json.loads(done.stdout))


def violations(report: Report, *allowed: int) -> list[str]:
    """What a report shows that must not be, where packets may go to and from the ports `allowed` of loopback."""
    found = [f"{count} connections to the decoy {port}" for port, count in report.decoys.items()]
    if report.lost:
        found.append(f"the capture lost {report.lost} packets")
    for protocol, source, port, target, to, count in report.packets:
        own = {source, target} <= {"127.0.0.1", "::1"} and {port, to} & set(allowed)
        if not own or to in TCP_PORTS + UDP_PORTS or protocol != "tcp":
            found.append(f"{count} packets {protocol} {source}:{port} -> {target}:{to}")
    if report.beside[1]:
        asked = json.loads(report.beside[1])
        found += [f"asked for {service}" for service in asked if service not in READING_SERVICES]
    return found


def made_plant(folder: Path) -> Path:
    """Readings of four tags, an hour apart."""
    lines = ["time,L_T1,F_PU1,S_PU1,P_J1"]
    for hour in range(24 * 40):
        on = hour % 6 < 3
        level = 2 + (hour % 6) * 0.1
        flow = 40.0 + (hour * 7 % 11) / 10 if on else 0.0
        day, of_day = divmod(hour, 24)
        lines.append(
            f"2026-{1 + day // 28:02}-{1 + day % 28:02}T{of_day:02}:00:00Z,{level:.2f},{flow:.2f},{int(on)},{flow / 2 + level:.2f}"
        )
    file = folder / "readings.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_learning_and_watching_send_nothing(tmp_path: Path) -> None:
    file, model = made_plant(tmp_path), tmp_path / "plant.model"
    tocsin = f"{sys.executable} -m tocsin plant"
    learn = f"{tocsin} learn {file} --model {model} --threads 1 --json"
    report = played(Act(["sh", "-c", f"{learn} && {tocsin} watch {file} --model {model} --json"]))
    assert report.code in {0, 3}, report.out
    assert model.exists()
    assert '"kind":"row"' in report.out
    assert violations(report) == []
    assert report.packets == []


def served(folder: Path, more: str = "", until: str = '"kind":"ready"') -> Report:
    """`tocsin run` with `more` at the end of its settings, until it says `until`."""
    site = new_site(folder / "site")
    settings = site.folder / "tocsin.toml"
    settings.write_text(settings.read_text() + more)
    command = [sys.executable, "-m", "tocsin", "--config", str(settings), "run", "--json"]
    return played(Act(["env", f"XDG_CACHE_HOME={folder}", *command], until))


def test_the_service_sends_nothing(tmp_path: Path) -> None:
    report = served(tmp_path)
    assert report.code == 0, report.out
    assert violations(report) == []
    assert report.packets == []


def test_a_service_with_a_source_of_each_kind_speaks_to_these_alone_and_writes_nothing(
    tmp_path: Path,
) -> None:
    for name in ("asyncua", "sqlalchemy", "sqlglot", "numpy", "paho.mqtt.client"):
        pytest.importorskip(name)
    from tests.detect.plant.plants import tank
    from tests.engine.plant.passive_sources import KINDS, prepared

    from tocsin.detect.plant.learn import learn
    from tocsin.engine.plant.model_file import write_model
    from tocsin.records.readings import Spelling

    if mosquitto() is None and nats() is None:
        pytest.skip("no broker is installed")
    ports = {name: free_port() for name in ("opcua", "mqtt", "behind")}
    site = new_site(tmp_path / "site")
    settings = site.folder / "tocsin.toml"
    write_model(site.folder / "works.model", learn(tank(220), 0.1, 2), Spelling())
    settings.write_text(
        settings.read_text().replace("rules = []", "starter = false") + prepared(site.folder, ports)
    )
    before = {one.name: one.read_bytes() for one in (site.folder / "exports").iterdir()}
    before["history.db"] = (site.folder / "history.db").read_bytes()
    beside = [*SOURCES, "serve", *(str(ports[name]) for name in ("opcua", "mqtt", "behind"))]
    report = played(
        Act(
            ["env", f"XDG_CACHE_HOME={tmp_path}", *SOURCES, "watch", str(settings), str(site.data)],
            beside=beside,
        )
    )
    assert report.code == 0, report.out
    assert all(f"works-{kind}" in report.out for kind in KINDS)
    asked = json.loads(report.beside[1])
    assert asked["SUBSCRIBE"] > 0
    assert asked["PUBACK"] > 0
    assert asked["PublishRequest"] > 0
    assert violations(report, *ports.values()) == []
    after = {one.name: one.read_bytes() for one in (site.folder / "exports").iterdir()}
    assert after | {"history.db": (site.folder / "history.db").read_bytes()} == before
    assert not list(site.folder.glob("history.db-*"))


def port_of(report: Report) -> int:
    return int(report.beside[0].rstrip("/").rpartition(":")[2])


@pytest.mark.soak
def test_an_opcua_source_speaks_to_its_endpoint_alone_and_asks_for_nothing_that_writes() -> None:
    pytest.importorskip("asyncua")
    report = played(Act([*OPCUA, "read", "{beside}"], beside=[*OPCUA, "serve"]))
    assert report.code == 0, report.out
    assert json.loads(report.beside[1])["PublishRequest"] > 0, report.out
    assert report.packets
    assert violations(report, port_of(report)) == []


@pytest.mark.soak
def test_a_write_would_be_seen() -> None:
    pytest.importorskip("asyncua")
    report = played(Act([*OPCUA, "write", "{beside}"], beside=[*OPCUA, "serve"]))
    assert violations(report, port_of(report)) == ["asked for WriteRequest"]


@pytest.mark.soak
def test_a_message_that_is_published_would_be_seen() -> None:
    pytest.importorskip("asyncua")
    ports = [free_port() for _ in range(3)]
    code = (
        "import socket, time; one = socket.create_connection(('127.0.0.1', %d)); "
        "one.sendall(bytes.fromhex('100d00044d5154540402003c000178300600036f6e2f31')); time.sleep(0.5)"
    )
    beside = [*SOURCES, "serve", *map(str, ports)]
    report = played(Act([sys.executable, "-c", code % ports[1]], beside=beside))
    assert violations(report, *ports) == ["asked for PUBLISH"]


@pytest.mark.parametrize(
    ("address", "port"),
    [("127.0.0.1", 502), ("10.20.30.40", 102), ("2001:db8::7", 20_000), ("192.0.2.1", 12_345)],
)
def test_a_connection_would_be_seen(address: str, port: int) -> None:
    code = f"import socket; socket.create_connection(({address!r}, {port}), 5)"
    report = played(Act(["sh", "-c", f'{sys.executable} -c "{code}"; true']))
    seen = violations(report)
    assert any(f"{address}:{port}" in one for one in seen)
    assert any("decoy" in one for one in seen) == (port in TCP_PORTS)


def test_a_datagram_or_a_name_that_is_looked_up_would_be_seen() -> None:
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.9', 47808))"
    seen = violations(played(Act([sys.executable, "-c", code])))
    assert len(seen) == 2
