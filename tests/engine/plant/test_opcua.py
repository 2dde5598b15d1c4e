"""Reading a plant from an OPC UA server: a real server on loopback, and what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engine.plant.opcua_servers import PASSWORD, Plant, certificate, counted, started

from tocsin.config.plant_source_opcua import OpcUa, Secured
from tocsin.engine.plant.collectors.held import Held
from tocsin.engine.plant.collectors.interface import Reading, SourceLost
from tocsin.engine.plant.collectors.opcua import OpcUaCollector
from tocsin.records.errors import OperatorError, Refused

ua = pytest.importorskip("asyncua.ua")
guard = pytest.importorskip("tocsin.engine.plant.collectors.opcua_guard")

PATIENCE = 20.0
START = 1_772_352_000_250_000
THEN = datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)


@dataclass
class Stage:
    """The loop that a server lives in; a test runs its own part there."""

    runner: asyncio.Runner
    plant: Plant
    folder: Path

    def play(self, test: Callable[[Plant], Awaitable[None]]) -> None:
        async def whole() -> None:
            await self.plant.say()
            await self.plant.show("L_T1", 2.5)
            self.plant.asked.clear()
            await test(self.plant)

        self.runner.run(whole())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder, patch = tmp_path_factory.mktemp("opcua"), counted()
    certificate(folder, "tocsin")
    with asyncio.Runner() as runner:
        plant = runner.run(started(certificate(folder, "archive")))
        yield Stage(runner, plant, folder)
        runner.run(plant.server.stop())
    patch.undo()


class Store:
    """Takes readings, and tells when what is waited for came."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.called = 0
        self.open = asyncio.Event()
        self.open.set()
        self._came = asyncio.Condition()

    async def __call__(self, readings: Sequence[Reading], mark: str = "") -> None:
        async with self._came:
            self.called += 1
            self._came.notify_all()
        await self.open.wait()
        async with self._came:
            self.readings += readings
            self._came.notify_all()

    async def until(self, wanted: Callable[[], bool], task: asyncio.Task[None]) -> None:
        """Returns when `wanted` holds; raises what ended `task` before."""

        async def waiting() -> None:
            async with self._came:
                await self._came.wait_for(wanted)

        waits = asyncio.create_task(waiting())
        done, _ = await asyncio.wait((waits, task), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
        if task in done:
            await task
        assert waits in done

    def last(self, tag: str) -> Any:
        return next((one.value for one in reversed(self.readings) if one.tag == tag), "nothing")


def settings(plant: Plant, **more: Any) -> OpcUa:
    said = {"folder": ("Plant", "Tags"), "nodes": (), "names": (), "interval_ms": 50, "secured": None} | more
    return OpcUa(plant.endpoint, **said)


def reading_from(source: OpcUa, store: Store, told: list[str] | None = None) -> asyncio.Task[None]:
    collector = OpcUaCollector(source, (told if told is not None else []).append)
    return asyncio.create_task(collector.read(store, ""))


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def refusal(source: OpcUa) -> str:
    with pytest.raises(OperatorError) as caught:
        async with asyncio.timeout(PATIENCE):
            await reading_from(source, Store())
    return str(caught.value)


def test_present_values_and_changes_come_with_their_own_times(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        store = Store()
        task = reading_from(settings(plant), store)
        await store.until(lambda: {one.tag for one in store.readings} == set(plant.tags), task)
        values = {tag: store.last(tag) for tag in plant.tags}
        assert values["F_PU1"] == 40.0
        assert values["V1"] == "OPEN"
        assert values["Pump2.Speed"] == 1.0
        for number in range(3):
            await plant.show("L_T1", 3.0 + number, SourceTimestamp=THEN + timedelta(seconds=number))
        await store.until(lambda: store.last("L_T1") == 5.0, task)
        await ended(task)
        came = [one for one in store.readings if one.tag == "L_T1"][-3:]
        assert came == [Reading("L_T1", START + number * 1_000_000, 3.0 + number) for number in range(3)]
        assert set(plant.asked) <= guard.ALLOWED
        assert plant.asked["PublishRequest"] > 0
        assert plant.asked["CloseSessionRequest"] == 1

    stage.play(test)


def test_bad_quality_is_no_value_and_uncertain_is_one(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        store = Store()
        task = reading_from(settings(plant), store)
        await plant.show("L_T1", 2.5)
        await store.until(lambda: store.last("L_T1") == 2.5, task)
        await plant.show("L_T1", 9.0, StatusCode=ua.StatusCode(ua.StatusCodes.BadSensorFailure))
        await store.until(lambda: store.last("L_T1") is None, task)
        await plant.show("L_T1", 8.0, StatusCode=ua.StatusCode(ua.StatusCodes.UncertainLastUsableValue))
        await store.until(lambda: store.last("L_T1") == 8.0, task)
        await plant.show("L_T1", float("nan"))
        await store.until(lambda: store.last("L_T1") is None, task)
        await ended(task)

    stage.play(test)


def test_nodes_are_named_by_id_by_namespace_and_by_the_settings(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        store, told = Store(), list[str]()
        nodes = ("ns=2;s=L_T1", "nsu=urn:plant.example:tags;s=F_PU1", "ns=2;s=Gone", "nsu=urn:gone;i=5")
        source = settings(plant, folder=(), nodes=nodes, names=(("ns=2;s=F_PU1", "FLOW"),))
        task = reading_from(source, store, told)
        await store.until(lambda: {one.tag for one in store.readings} == {"L_T1", "FLOW"}, task)
        await ended(task)
        assert len([one for one in told if "not read" in one]) == 2

    stage.play(test)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"folder": ("Plant", "Gone")}, "no folder Plant/Gone"),
        ({"folder": (), "nodes": ("ns=2;s=Gone",)}, "none of the nodes"),
    ],
)
def test_a_server_without_the_nodes_is_told(stage: Stage, more: dict[str, Any], why: str) -> None:
    async def test(plant: Plant) -> None:
        assert why in await refusal(settings(plant, **more))

    stage.play(test)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"namespaces": ("http://PLCopen.org/OpcUa/IEC61131-3/",)}, "IEC 61131-3"),
        ({"namespaces": ("urn:BeckhoffAutomation:Ua:PLC1",)}, "Beckhoff"),
        ({"name": "SIMATIC.S7-1500.OPC-UA.Application:PLC_1"}, "Siemens"),
        ({"maker": "CODESYS GmbH"}, "CODESYS"),
        ({"writable": ("F_PU1",)}, "could be written"),
        ({"history": False}, "neither"),
        ({"history": False, "servers": ("urn:one",)}, "neither"),
    ],
)
def test_a_controller_is_refused(stage: Stage, says: dict[str, Any], why: str) -> None:
    async def test(plant: Plant) -> None:
        await plant.say(**says)
        said = await refusal(settings(plant))
        assert why in said
        assert "historian" in said
        assert "CreateSubscriptionRequest" not in plant.asked
        if "name" in says:  # it was told before anybody had a session
            assert "CreateSessionRequest" not in plant.asked

    stage.play(test)


def test_an_aggregation_server_is_read(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        await plant.say(history=False, servers=("urn:line1", "urn:line2"))
        store = Store()
        task = reading_from(settings(plant), store)
        await store.until(lambda: bool(store.readings), task)
        await ended(task)

    stage.play(test)


WRITES: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "Write": lambda client: client.get_node("ns=2;s=L_T1").write_value(99.0),
    "Write attributes": lambda client: client.uaclient.session.write_attributes(
        [ua.NodeId("L_T1", 2)], [ua.DataValue(9.0)]
    ),
    "Call": lambda client: client.get_node(ua.NodeId(2253)).call_method(ua.NodeId(11492), 1),
    "AddNodes": lambda client: client.uaclient.add_nodes([ua.AddNodesItem()]),
    "AddReferences": lambda client: client.uaclient.add_references([]),
    "DeleteNodes": lambda client: client.uaclient.delete_nodes(ua.DeleteNodesParameters()),
    "DeleteReferences": lambda client: client.uaclient.delete_references([]),
    "HistoryUpdate": lambda client: client.uaclient.history_update(ua.HistoryUpdateParameters()),
    "SetMonitoringMode": lambda client: client.uaclient.set_monitoring_mode(ua.SetMonitoringModeParameters()),
    "TransferSubscriptions": lambda client: client.uaclient.transfer_subscriptions(
        ua.TransferSubscriptionsParameters()
    ),
    "RegisterServer": lambda client: client.uaclient.register_server(ua.RegisteredServer()),
    "RegisterNodes": lambda client: client.uaclient.register_nodes([]),
    "the protocol itself": lambda client: client.uaclient.protocol.send_request(ua.WriteRequest()),
}


@pytest.mark.parametrize("way", WRITES)
def test_no_write_leaves_by_any_way(stage: Stage, way: str) -> None:
    async def test(plant: Plant) -> None:
        client = guard.ReadingClient(plant.endpoint)
        await client.connect()
        try:
            before = await client.get_node("ns=2;s=L_T1").read_value()
            asked = plant.asked.copy()
            with pytest.raises(Exception, match="was not sent"):  # the library wraps some of them
                await WRITES[way](client)
            assert await client.get_node("ns=2;s=L_T1").read_value() == before
            assert plant.asked - asked == {"ReadRequest": 1}
        finally:
            await client.disconnect()

    stage.play(test)


def test_bytes_that_go_around_the_guard_do_not_leave(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        client = guard.ReadingClient(plant.endpoint)
        await client.connect_sessionless()
        try:
            asked = plant.asked.copy()
            protocol = client.uaclient.protocol
            plain = super(type(protocol._connection), protocol._connection).message_to_binary
            with pytest.raises(Refused):
                protocol.transport.write(plain(b"\x01\x00\xa1\x02", request_id=7))
            assert plant.asked == asked
        finally:
            client.disconnect_socket()

    stage.play(test)


def secured(folder: Path, server: str = "archive") -> Secured:
    return Secured(
        "Basic256Sha256", True, folder / "tocsin.pem", folder / "tocsin.key", folder / f"{server}.pem"
    )


def test_a_channel_is_encrypted_and_the_user_known(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        password = stage.folder / "password"
        password.write_text(f"{PASSWORD}\n")
        password.chmod(0o600)
        source = settings(plant, secured=secured(stage.folder), user="tocsin", password_file=password)
        store = Store()
        task = reading_from(source, store)
        await store.until(lambda: bool(store.readings), task)
        await ended(task)
        password.write_text("wrong")
        assert "does not let user tocsin in" in await refusal(source)
        password.chmod(0o644)
        assert "chmod 600" in await refusal(source)

    stage.play(test)


def test_another_server_than_the_pinned_one_is_not_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(plant: Plant) -> None:
        monkeypatch.setattr("tocsin.config.bounds.OPCUA_SECONDS", 0.5)
        certificate(stage.folder, "other")
        with pytest.raises(SourceLost):
            async with asyncio.timeout(PATIENCE):
                await reading_from(settings(plant, secured=secured(stage.folder, "other")), Store())
        assert "CreateSessionRequest" not in plant.asked

    stage.play(test)


def test_what_is_not_stored_waits_at_the_server(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        store = Store()
        store.open.clear()
        task = reading_from(settings(plant), store)
        await store.until(lambda: store.called == 1, task)
        asked = plant.asked["PublishRequest"]
        for number in range(50):
            await plant.show("L_T1", float(number), SourceTimestamp=THEN + timedelta(seconds=number))
        assert plant.asked["PublishRequest"] == asked
        store.open.set()
        await store.until(lambda: store.last("L_T1") == 49.0, task)
        await ended(task)

    stage.play(test)


def test_what_one_connection_told_the_next_does_not_tell_again(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        told: list[str] = []
        collector = OpcUaCollector(settings(plant, nodes=("ns=2;s=Gone",)), told.append)
        for _ in range(2):
            store = Store()
            task = asyncio.create_task(collector.read(store, ""))
            await store.until(lambda store=store: bool(store.readings), task)
            await ended(task)
        assert len(told) == 1

    stage.play(test)


def test_changes_that_the_server_dropped_are_told() -> None:
    session = pytest.importorskip("tocsin.engine.plant.collectors.opcua_session")
    dropped = ua.DataValue(ua.Variant(3.0), StatusCode=ua.StatusCode(0x0480), SourceTimestamp=THEN)
    strange = ua.DataValue(ua.Variant([1.0, 2.0]), SourceTimestamp=THEN)
    items = [
        ua.MonitoredItemNotification(handle, value)
        for handle, value in ((0, dropped), (0, dropped), (1, strange), (9, dropped))
    ]
    message = ua.NotificationMessage(NotificationData=[ua.DataChangeNotification(MonitoredItems=items)])
    tags = [session.Tag(ua.NodeId(name, 2), name) for name in ("L_T1", "F_PU1")]
    told: list[str] = []
    came = list(session.readings_in(message, session.Followed(tags, told.append, 1.0, Held(0))))
    assert came == [Reading("L_T1", START, 3.0)] * 2 + [Reading("F_PU1", START, None)]
    assert ["dropped" in one for one in told] == [True, True, False]


def test_what_does_not_change_is_said_again_by_the_sources_clock() -> None:
    held = Held(10)
    assert held.again([Reading("A", 100, 1.0), Reading("B", 100, 2.0), Reading("C", 95, None)]) == []
    assert held.again([Reading("A", 105, 1.5)]) == []
    assert held.again([Reading("A", 111, 1.6)]) == []
    assert held.again([]) == [Reading("B", 111, 2.0), Reading("C", 111, None)]
    assert held.again([Reading("B", 125, 3.0)]) == []
    assert held.again([Reading("A", 126, 1.7)]) == [Reading("C", 125, None)], "A comes itself"
    assert Held(0).again([Reading("A", 1, 1.0)]) == []


def test_a_write_of_another_client_is_recorded(stage: Stage) -> None:
    """The count of services can fail: without the guard a write arrives, and is seen."""
    asyncua = pytest.importorskip("asyncua")

    async def test(plant: Plant) -> None:
        async with asyncua.Client(plant.endpoint) as client:
            with suppress(Exception):  # the server refuses it: it was asked
                await client.get_node("ns=2;s=L_T1").write_value(1.0)
        assert plant.asked["WriteRequest"] == 1

    stage.play(test)


def test_a_server_that_goes_is_lost(stage: Stage) -> None:
    async def test(plant: Plant) -> None:
        transports: list[asyncio.Transport] = []

        class Relay(asyncio.Protocol):
            """Passes bytes on to a peer, until the line is cut."""

            def __init__(self, peer: Any = None) -> None:
                self.peer, self.waiting, self.own = peer, [], None

            def connection_made(self, transport: Any) -> None:
                self.own = transport
                transports.append(transport)
                if self.peer is None:
                    self.opening = asyncio.ensure_future(self.open())

            async def open(self) -> None:
                port = int(plant.endpoint.rstrip("/").rpartition(":")[2])
                loop = asyncio.get_running_loop()
                self.peer = (await loop.create_connection(lambda: Relay(self.own), "127.0.0.1", port))[0]
                for data in self.waiting:
                    self.peer.write(data)

            def data_received(self, data: bytes) -> None:
                self.waiting.append(data) if self.peer is None else self.peer.write(data)

        line = await asyncio.get_running_loop().create_server(Relay, "127.0.0.1", 0)
        source = OpcUa(
            f"opc.tcp://127.0.0.1:{line.sockets[0].getsockname()[1]}/", ("Plant", "Tags"), (), (), 50, None
        )
        store = Store()
        task = reading_from(source, store)
        await store.until(lambda: bool(store.readings), task)
        line.close()
        for one in transports:
            one.abort()
        for _ in range(2):  # the line is cut; then nobody is there
            with pytest.raises(SourceLost, match="127"):
                async with asyncio.timeout(PATIENCE):
                    await task
            task = reading_from(source, store)
        with suppress(SourceLost):
            await task

    stage.play(test)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"ACKF\x1c\x00\x00\x00" + b"\xff" * 20,
        b"ACKF\xff\xff\xff\x7f" + b"x" * 4_000_000,
        b"",
    ],
    ids=["http", "absurd limits", "endless", "silent"],
)
def test_a_server_that_speaks_nonsense_is_lost(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    async def test() -> None:
        monkeypatch.setattr("tocsin.config.bounds.OPCUA_SECONDS", 0.5)

        left = asyncio.Event()

        async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                await reader.read(100)
                writer.write(answer)
                await writer.drain()
                await reader.read()
            writer.transport.abort()
            left.set()

        server = await asyncio.start_server(answers, "127.0.0.1", 0)
        plant = Plant(None, f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}/")  # type: ignore[arg-type]
        with pytest.raises(SourceLost):
            async with asyncio.timeout(PATIENCE):
                await reading_from(settings(plant), Store())
        async with asyncio.timeout(PATIENCE):
            await left.wait()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    asyncio.run(test())


def test_nothing_travels_behind_a_greeting() -> None:
    def greeting(size: int) -> bytes:
        return b"HELF" + size.to_bytes(4, "little") + bytes(size - 8)

    guard.Guard().let_out(greeting(60))
    with pytest.raises(Refused):
        guard.Guard().let_out(greeting(60) + b"MSGF" + bytes(40))
