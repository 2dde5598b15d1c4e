"""Our outstation and control centre against another implementation's, and against what is no frame; nobody commands."""

import asyncio
import struct
import time
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("numpy", reason="grids need numpy: pip install 'tocsin[plant]'")

from tocsin.rehearse.grids import wire
from tocsin.rehearse.grids.link import Link

STARTED = bytes.fromhex("68 04 0b 00 00 00")
START = bytes.fromhex("68 04 07 00 00 00")
INTERROGATION = bytes.fromhex("68 0e 00 00 00 00 64 01 06 00 01 00 00 00 00 14")
FLOAT = struct.unpack("<f", struct.pack("<f", 20.15))[0]


@asynccontextmanager
async def listening():
    outstation = wire.Outstation()
    port = await outstation.listen()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield outstation, reader, writer, port
    finally:
        writer.close()
        await outstation.close()


def talk(script):
    async def within():
        async with asyncio.timeout(90), listening() as parts:
            return await script(*parts)

    return asyncio.run(within())


@pytest.mark.parametrize("command", [45, 46, 47, 48, 50, 51, 58, 63, 101, 103, 105, 110])
def test_no_command_is_taken(command):
    async def script(outstation, reader, writer, port):
        await outstation.show(0, {2001: 1})
        unit = bytes([command, 1, 6, 0, 1, 0, 0xD1, 7, 0, 0])
        writer.write(START + bytes([0x68, 4 + len(unit), 0, 0, 0, 0]) + unit)
        assert await reader.readexactly(6) == STARTED
        head = await reader.readexactly(2)
        answer = await reader.readexactly(head[1])
        return unit, answer[4:]

    unit, answer = talk(script)
    assert answer == unit[:2] + bytes([0x40 | 44]) + unit[3:]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes.fromhex("68 03 07 00 00"),  # too short
        bytes.fromhex("68 fe") + bytes(254),  # too long
        bytes.fromhex("68 04 ff 00 00 00"),  # no control function
        bytes.fromhex("68 06 07 00 00 00 01 02"),  # a control frame with data
        bytes.fromhex("68 0e 0a 00 00 00 64 01 06 00 01 00 00 00 00 14"),  # frame 5 where 0 was due
        bytes.fromhex("68 04 01 00 0a 00"),  # acknowledges what was never sent
        INTERROGATION,  # before the start
    ],
)
def test_what_is_no_frame_closes_the_connection_and_no_other(sent):
    async def script(outstation, reader, writer, port):
        other = Link(*await asyncio.open_connection("127.0.0.1", port))
        await other.start()
        writer.write(sent if sent.startswith(INTERROGATION) else START + sent)
        got = await reader.read()
        await outstation.show(1_704_067_205_000, {wire.SAMPLE: 1})
        centre = wire.ControlCentre(other)
        await centre.interrogate()
        await other.close()
        return got, centre

    got, centre = talk(script)
    assert got in {b"", STARTED}
    assert centre.held == {wire.SAMPLE: 1}
    assert centre.told[wire.SAMPLE].time == 1_704_067_205_000


def test_a_test_frame_is_answered_and_nothing_is_told_before_the_start():
    async def script(outstation, reader, writer, port):
        writer.write(bytes.fromhex("68 04 43 00 00 00"))
        first = await reader.readexactly(6)
        await outstation.show(0, {wire.SAMPLE: 1})
        writer.write(START)
        return first, await reader.readexactly(6)

    tested, started = talk(script)
    assert tested == bytes.fromhex("68 04 83 00 00 00")
    assert started == STARTED


def test_no_more_than_k_frames_are_on_their_way():
    async def script(outstation, reader, writer, port):
        writer.write(START)
        assert await reader.readexactly(6) == STARTED
        showing = asyncio.create_task(outstation.show(0, dict.fromkeys(range(1, 501), 1.0)))
        frames = 0
        for _ in range(12):
            head = await reader.readexactly(2)
            await reader.readexactly(head[1])
            frames += 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.readexactly(1)
        writer.write(bytes.fromhex("68 04 01 00") + struct.pack("<H", frames << 1))
        while frames < 32:  # 500 objects, 16 in a data unit
            head = await reader.readexactly(2)
            await reader.readexactly(head[1])
            frames += 1
            writer.write(bytes.fromhex("68 04 01 00") + struct.pack("<H", frames << 1))
        await showing

    talk(script)


def came(condition, seconds=5):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


def test_another_control_centre_reads_our_outstation():
    """Asked and told up to five times: c104 drops an answer that comes before it begins to wait for it."""
    c104 = pytest.importorskip("c104", reason="the other implementation (group `plants`)")
    held, told = {1001: 20.15, 2001: 1}, {1001: 20.15, 2001: 1, 1002: -3.5, 2002: 1}

    def connect(port):
        client = c104.Client(tick_rate_ms=50, command_timeout_ms=2000)
        connection = client.add_connection(ip="127.0.0.1", port=port, init=c104.Init.NONE)
        station = connection.add_station(common_address=1)
        points = (
            station.add_point(io_address=1001, type=c104.Type.M_ME_NC_1),
            station.add_point(io_address=2001, type=c104.Type.M_SP_NA_1),
            station.add_point(io_address=1002, type=c104.Type.M_ME_TF_1),
            station.add_point(io_address=2002, type=c104.Type.M_SP_TB_1),
        )
        client.start()
        assert came(lambda: connection.state == c104.ConnectionState.OPEN, 20)
        return client, connection, points

    def asked(connection, points):
        for _ in range(5):
            connection.interrogation(common_address=1, wait_for_response=False)
            if came(lambda: points[0].value == FLOAT and bool(points[1].value)):
                return True
        return False

    async def script(outstation, reader, writer, port):
        await outstation.show(0, held)
        client, connection, points = await asyncio.to_thread(connect, port)
        try:
            assert await asyncio.to_thread(asked, connection, points)
            for _ in range(5):
                await outstation.show(1_704_070_800_250, held)
                await outstation.show(1_704_070_800_250, told)
                if await asyncio.to_thread(came, lambda: points[2].value == -3.5 and bool(points[3].value)):
                    break
            return [point.value for point in points], points[2].recorded_at.timestamp()
        finally:
            await asyncio.to_thread(client.stop)

    values, recorded = talk(script)
    assert values == [FLOAT, True, -3.5, True]
    assert recorded == 1_704_070_800.25


def test_our_control_centre_reads_another_outstation():
    c104 = pytest.importorskip("c104", reason="the other implementation (group `plants`)")
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = c104.Server(ip="127.0.0.1", port=port, tick_rate_ms=50)
    station = server.add_station(common_address=1)
    expected = {}
    for at in range(100):
        station.add_point(io_address=1001 + at, type=c104.Type.M_ME_NC_1).value = at / 8
        station.add_point(io_address=2001 + at, type=c104.Type.M_SP_NA_1).value = bool(at % 3)
        expected |= {1001 + at: at / 8, 2001 + at: float(bool(at % 3))}
    server.start()

    async def script():
        async with asyncio.timeout(60):
            link = Link(*await asyncio.open_connection("127.0.0.1", port))
            try:
                await link.start()
                centre = wire.ControlCentre(link)
                await centre.interrogate()
                await centre.interrogate()
                return centre.held
            finally:
                await link.close()

    try:
        assert asyncio.run(script()) == expected
    finally:
        server.stop()
