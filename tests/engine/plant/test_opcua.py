"""Reading a plant from an OPC UA server: real servers on loopback, and what they were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tocsin.config.plant_source_opcua import OpcUa, Secured
from tocsin.engine.plant.collectors.interface import Reading, SourceLost
from tocsin.engine.plant.collectors.opcua import OpcUaCollector
from tocsin.records.errors import OperatorError

from tests.engine.plant.opcua_servers import Plant, certificate, serving

from asyncua import ua  # isort: skip

from tocsin.engine.plant.collectors.opcua_guard import ALLOWED

PATIENCE = 20.0


class Store:
    """Takes readings, and tells when one came that is waited for."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.batches = 0
        self.open = asyncio.Event()
        self.open.set()
        self._came = asyncio.Condition()

    async def __call__(self, readings: Sequence[Reading], mark: str = "") -> None:
        self.batches += 1
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
    return OpcUa("works", plant.endpoint, **said)


def reading_from(source: OpcUa, store: Store, told: list[str] | None = None) -> asyncio.Task[None]:
    collector = OpcUaCollector(source, (told if told is not None else []).append)
    return asyncio.create_task(collector.read(store, ""))


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def refused(source: OpcUa) -> str:
    with pytest.raises(OperatorError) as caught:
        async with asyncio.timeout(PATIENCE):
            await reading_from(source, Store())
    return str(caught.value)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_present_values_and_changes_come_with_their_own_times(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with serving(monkeypatch) as plant:
            store = Store()
            task = reading_from(settings(plant), store)
            await store.until(lambda: {one.tag for one in store.readings} == set(plant.tags), task)
            assert [store.last(tag) for tag in ("L_T1", "F_PU1", "V1", "S_PU1")] == [2.5, 40.0, "OPEN", 1.0]
            then = datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)
            for number in range(3):
                moment = then + timedelta(seconds=number)
                await plant.show("L_T1", 3.0 + number, SourceTimestamp=moment)
            await store.until(lambda: store.last("L_T1") == 5.0, task)
            await ended(task)
            came = [one for one in store.readings if one.tag == "L_T1"][-3:]
            first = 1_772_352_000_250_000
            assert came == [Reading("L_T1", first + number * 1_000_000, 3.0 + number) for number in range(3)]
            assert set(plant.asked) <= ALLOWED
            assert plant.asked["PublishRequest"] > 0
            assert plant.asked["CloseSessionRequest"] == 1

    run(test())


def test_bad_quality_is_no_value_and_uncertain_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with serving(monkeypatch) as plant:
            store = Store()
            task = reading_from(settings(plant), store)
            await store.until(lambda: store.last("L_T1") == 2.5, task)
            bad = ua.StatusCode(ua.StatusCodes.BadSensorFailure)
            await plant.show("L_T1", 9.0, StatusCode=bad)
            await store.until(lambda: store.last("L_T1") is None, task)
            await plant.show("L_T1", 8.0, StatusCode=ua.StatusCode(ua.StatusCodes.UncertainLastUsableValue))
            await store.until(lambda: store.last("L_T1") == 8.0, task)
            await plant.show("L_T1", float("nan"))
            await store.until(lambda: store.last("L_T1") is None, task)
            await ended(task)

    run(test())
