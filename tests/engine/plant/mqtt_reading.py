"""A collector at a real broker, what it delivered, and a publisher that is somebody else's (paho)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
from tests.mqtt_broker import PATIENCE

from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.engine.plant.collectors.interface import Reading, SourceLost
from tocsin.engine.plant.collectors.mqtt import MqttCollector

NOW = 1_767_300_000_000_000


@dataclass
class Delivered:
    """Stands for storing: keeps what it was handed, may hold everything up, and counts how often it was asked."""

    readings: list[Reading] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    calls: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.opened.set()

    async def __call__(self, readings: Sequence[Reading], mark: str = "") -> None:
        self.calls += 1
        self.heard.set()
        await self.opened.wait()
        self.readings += readings
        if mark:
            self.marks.append(mark)
        self.heard.set()

    async def until(self, true: Callable[[], Any]) -> None:
        """Waits until `true` says so; it fails after `PATIENCE`."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self.heard.clear()
                if not true():
                    await self.heard.wait()

    @property
    def tell(self) -> Callable[[str], None]:
        return self._tell

    @property
    def now(self) -> Callable[[], int]:
        return lambda: NOW

    def _tell(self, sentence: str) -> None:
        self.told.append(sentence)
        self.heard.set()


@asynccontextmanager
async def reading(broker: Mqtt, sink: Delivered, mark: str = "") -> AsyncIterator[MqttCollector]:
    """A collector that reads, and has subscribed; what ends it ends the test."""
    collector = MqttCollector(broker, sink)
    calls = sink.calls
    task = asyncio.create_task(collector.read(sink, mark))
    waiting = asyncio.create_task(sink.until(lambda: sink.calls > calls))
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        await task
    try:
        yield collector
    finally:
        task.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)


async def keep_reading(collector: MqttCollector, sink: Delivered) -> None:
    """As the engine does: again after it was lost."""
    while True:
        try:
            await collector.read(sink, sink.marks[-1] if sink.marks else "")
        except SourceLost:
            await asyncio.sleep(0.05)


class Client:
    """paho, connected; what it hears is in `heard`."""

    def __init__(self, port: int, *, listens: bool = False, **more: Any) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, **more)
        self._ready = threading.Event()
        if listens:
            self._client.on_message = lambda _c, _u, one: self.heard.append((one.topic, one.payload))
            self._client.on_subscribe = lambda *_: self._ready.set()
            self._client.on_connect = lambda *_: self._client.subscribe([("#", 1), ("$sparkplug/#", 1)])
        else:
            self._client.on_connect = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(PATIENCE)

    def publish(self, topic: str, data: bytes | str, qos: int = 1, *, retain: bool = False) -> None:
        """Comes back when the broker has it."""
        self._client.publish(topic, data, qos, retain).wait_for_publish(PATIENCE)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
