"""An hour sampled from the wire is the hour that was played, to the last bit; and the PLC lets nobody write."""

import asyncio

import pytest

pytest.importorskip("numpy", reason="plants need numpy: pip install 'tocsin[plant]'")
pytest.importorskip("wntr", reason="simulated plants need wntr (group `plants`)")
pytest.importorskip("pymodbus", reason="a plant on the wire needs pymodbus (group `plants`)")

from tocsin.rehearse.plants import wire
from tocsin.rehearse.plants.happenings import Happening, Kind
from tocsin.rehearse.plants.play import Pace, play
from tocsin.rehearse.plants.site import site


@pytest.mark.parametrize("name", ["Net1", "ky10"])
def test_the_wire_gives_the_very_readings(name):
    plant = site(name, 3, 1)
    stuck = Happening(Kind.STUCK_LEVEL, 1200, 3600, plant.rules[0].tank, 0.0, (f"L_{plant.rules[0].tank}",))
    quick = play(plant, [stuck], Pace(60, 60, 3600))
    wired = wire.play_on_the_wire(plant, [stuck], Pace(60, 60, 3600))
    assert len(quick.readings) == 59
    assert wired.readings.tags == quick.readings.tags
    assert wired.readings.times.tobytes() == quick.readings.times.tobytes()
    assert wired.readings.values.tobytes() == quick.readings.values.tobytes()
    assert wired.labels == quick.labels


def test_the_plc_refuses_writes():
    async def attempt():
        from pymodbus.client import AsyncModbusTcpClient
        from pymodbus.server import ModbusTcpServer

        server = ModbusTcpServer(wire._device(wire._Registers(3, 2)), address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        client = AsyncModbusTcpClient("127.0.0.1", port=server.transport.sockets[0].getsockname()[1])
        await client.connect()
        try:
            return (
                await client.write_register(0, 1, device_id=wire.DEVICE),
                await client.write_coil(0, True, device_id=wire.DEVICE),
                await client.read_input_registers(0, count=8, device_id=wire.DEVICE),
            )
        finally:
            client.close()
            await server.shutdown()

    register, coil, reading = asyncio.run(attempt())
    assert register.isError()
    assert coil.isError()
    assert not reading.isError()
