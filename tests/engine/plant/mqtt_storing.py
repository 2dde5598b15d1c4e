"""A process that stores what an MQTT collector delivers, each value on a line of a file, until it is killed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.engine.plant.collectors.interface import Reading
from tocsin.engine.plant.collectors.mqtt import MqttCollector


class _Around:
    tell = print

    def now(self) -> int:
        return 1


async def _main(port: int, version: int, path: str) -> None:
    said = Mqtt(
        "127.0.0.1", port, ("plant/{tag}",), "number", "{tag}", client="storing", version=version, tls=False
    )
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    print_once = iter(["reads"])

    async def store(readings: Sequence[Reading], mark: str = "") -> None:
        for one in print_once:
            print(one, flush=True)  # noqa: T201  whoever started this waits for it
        await asyncio.sleep(0.005)  # so that it is killed while it stores
        os.write(file, "".join(f"{one.value:.0f}\n" for one in readings).encode())

    await MqttCollector(said, _Around()).read(store, "")


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
