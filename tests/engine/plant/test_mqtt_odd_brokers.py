"""The MQTT collector at brokers that answer as no good broker does, played byte by byte on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

pytest.importorskip("paho.mqtt.client")

from tests.engine.plant.mqtt_reading import Delivered, reading
from tests.mqtt_broker import PATIENCE

from tocsin.config import bounds
from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.engine.plant.collectors.mqtt_link import Link, linked
from tocsin.sources.mqtt.packets import Published

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head, size = await reader.readexactly(2)
    assert size < 128
    return head, await reader.readexactly(size)


@asynccontextmanager
async def broker(play: Play, *, version: int = 4, granted: int = 1) -> AsyncIterator[Mqtt]:
    """A broker that lets in, grants that quality of service, and then plays."""
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await packet(reader)
            writer.write(b"\x20\x03\x00\x00\x00" if version == 5 else b"\x20\x02\x00\x00")
            await packet(reader)
            writer.write(
                b"\x90\x04\x00\x01\x00" + bytes((granted,))
                if version == 5
                else b"\x90\x03\x00\x01" + bytes((granted,))
            )
            await play(reader, writer)
            await ended.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Mqtt(
            "127.0.0.1", server.sockets[0].getsockname()[1], ("plant/{tag}",), "number", "{tag}", tls=False, version=version
        )  # type: ignore[arg-type]  # fmt: skip
    finally:
        ended.set()
        server.close()


def published(topic: str, payload: bytes, number: int) -> bytes:
    body = struct.pack("!H", len(topic)) + topic.encode() + struct.pack("!H", number) + payload
    size, length = len(body), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return b"\x32" + bytes((*length, size)) + body


def test_a_message_too_large_is_let_go_and_what_follows_is_read() -> None:
    """MQTT 3.1.1 lets nobody say a size: what is not acknowledged would come again for ever."""
    answers: list[tuple[int, bytes]] = []
    acknowledged = asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(published("plant/level", b"x" * (bounds.MQTT_PACKET_BYTES + 70_000), 7))
        writer.write(published("plant/level", b"1.5", 8))
        await writer.drain()
        answers.extend([await packet(reader), await packet(reader)])
        acknowledged.set()

    async def run() -> Delivered:
        sink = Delivered()
        async with broker(play) as said, reading(said, sink):
            async with asyncio.timeout(PATIENCE):
                await acknowledged.wait()
        return sink

    sink = asyncio.run(run())
    assert [one.value for one in sink.readings] == [1.5]
    assert answers == [(0x40, b"\x00\x07"), (0x40, b"\x00\x08")]
    assert any("more than 8,388,608 bytes are left out" in one for one in sink.told)


@pytest.mark.parametrize("version", [5, 4])
def test_a_lower_quality_of_service_than_asked_for_is_told(version: int) -> None:
    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def run(granted: int) -> list[str]:
        sink = Delivered()
        async with broker(play, version=version, granted=granted) as said, reading(said, sink):
            await sink.until(lambda: sink.calls)
        return sink.told

    assert asyncio.run(run(1)) == []
    assert any("plant/+ at a lower quality of service" in one for one in asyncio.run(run(0)))


def test_a_broker_that_takes_nothing_any_more_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MQTT_KEEP_ALIVE_SECONDS", 0.2)
    messages = [Published("plant/a", b"1", 1)] * 60_000

    async def run() -> None:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            link = Link(Mqtt("127.0.0.1", 1883, ("plant/{tag}",)), reader, writer)

            async def acknowledge() -> None:
                while True:
                    await link.acknowledge(messages)

            with pytest.raises(SourceLost, match="takes nothing any more"):
                await asyncio.wait_for(acknowledge(), PATIENCE)
            writer.transport.abort()

    asyncio.run(run())


@pytest.mark.parametrize("wrong", ["stranger", "other host", ""])
def test_only_the_broker_itself_is_told_the_password(tmp_path: Path, wrong: str) -> None:
    ours, came = trustme.CA(), bytearray()
    certificate = (trustme.CA() if wrong == "stranger" else ours).issue_cert(
        "broker.example.org" if wrong == "other host" else "127.0.0.1"
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    authority, password = tmp_path / "authority.pem", tmp_path / "password"
    ours.cert_pem.write_to_path(str(authority))
    password.write_text("only for the broker")
    password.chmod(0o600)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            came.extend(await reader.read(1_000))
        writer.close()

    async def run() -> str:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        said = Mqtt(
            "127.0.0.1", server.sockets[0].getsockname()[1], ("plant/{tag}",), authority=authority, user="tocsin", password=password
        )  # fmt: skip
        with pytest.raises(SourceLost) as lost:
            async with linked(said, ["plant/+"]):
                pass
        server.close()
        return str(lost.value)

    said = asyncio.run(run())
    assert ("cannot be trusted" in said) == bool(wrong)
    assert (b"only for the broker" in came) == (not wrong)
