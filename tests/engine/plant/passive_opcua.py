"""The two sides of an OPC UA server for the passive proof: `serve` is the server, `read` and `write` are clients of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

from tests.engine.plant.opcua_servers import Plant, counted, started

from tocsin.config.plant_source_opcua import OpcUa
from tocsin.engine.plant.collectors.interface import Reading
from tocsin.engine.plant.collectors.opcua import OpcUaCollector


async def serve() -> None:
    """Serves until its input ends; its first line is its address, its last what it was asked for."""
    counted()
    plant = await started()
    print(plant.endpoint, flush=True)
    change = asyncio.create_task(_change(plant))
    await asyncio.to_thread(sys.stdin.readline)
    change.cancel()
    print(json.dumps(plant.asked))
    await plant.server.stop()


async def _change(plant: Plant) -> None:
    number = 0.0
    while True:
        await plant.show("L_T1", number := number + 1)
        await asyncio.sleep(0.05)


async def read(endpoint: str) -> None:
    """Reads with the collector until 20 changes came."""
    enough = asyncio.Event()
    came: list[Reading] = []

    async def deliver(readings: Sequence[Reading], mark: str = "") -> None:
        came.extend(readings)
        if len(came) > 20:
            enough.set()

    source = OpcUa(endpoint, ("Plant", "Tags"), (), (), 50, None)
    task = asyncio.create_task(OpcUaCollector(source, print).read(deliver, ""))
    waits = asyncio.create_task(enough.wait())
    await asyncio.wait((task, waits), timeout=30, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    print(f"{len(came)} readings", flush=True)


async def write(endpoint: str) -> None:
    """What must never happen: a client without the guard writes."""
    from asyncua import Client

    async with Client(endpoint) as client:
        try:
            await client.get_node("ns=2;s=L_T1").write_value(1.0)
        except Exception as error:  # noqa: BLE001  the server may refuse it: it was asked
            print(error)


if __name__ == "__main__":
    asyncio.run({"serve": serve, "read": read, "write": write}[sys.argv[1]](*sys.argv[2:]))
