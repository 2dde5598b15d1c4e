"""The same grid behind IEC 60870-5-104 on loopback, and a control centre that samples it from the wire.

The outstation tells what changed by itself, with its time, and answers an interrogation with all that it has (IEC 60870-5-5,
clause 6.6). It takes no command: whatever asks for one is refused. Simulated time waits for the control centre: the grid goes
on when a sample was taken. Numbers travel as 32-bit floats and are kept as the shortest decimals that are those floats.

Written here, as the libraries that exist are GPL (c104) or closed; tests hold it against c104, from both ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np

from tocsin.records.instants import SECOND
from tocsin.records.readings import Readings, Values
from tocsin.rehearse.grids.asdu import STATION, Cause, Object, Type, Unit, decode, encode, refused, units
from tocsin.rehearse.grids.happenings import Happening
from tocsin.rehearse.grids.link import Link
from tocsin.rehearse.grids.play import Played, rows
from tocsin.rehearse.grids.site import Grid

SAMPLE: Final = 1
"""Object address of the number of the sample."""
FLOATS: Final = 1001
"""Address of the first measured value."""
SINGLES: Final = 2001
"""Address of the first breaker."""
LINKS: Final = 4
"""Control centres at once, at most."""


def addresses(grid: Grid) -> dict[str, int]:
    """The object address of each tag: breakers are single points, all others measured values."""
    breakers = {grid.breaker_tag(at) for at in grid.breakers}
    numbers = iter(range(FLOATS, SINGLES))
    states = iter(range(SINGLES, SINGLES + len(breakers)))
    return {tag: next(states if tag in breakers else numbers) for tag in grid.tags}


def play_on_the_wire(grid: Grid, happenings: Sequence[Happening], first: int = 0, last: int = 0) -> Played:
    """Plays `grid` as `play` does, with every reading taken from the wire: rows `first` up to `last`, or to the end."""
    return asyncio.run(_play(grid, happenings, first, last or len(grid.feeding)))


class Outstation:
    """What shows a grid to control centres; `show` changes it between two samples."""

    def __init__(self) -> None:
        self._shown: dict[int, float] = {}
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        """Listens on any free port of loopback, which it returns."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def show(self, milliseconds: int, values: dict[int, float]) -> None:
        """Shows `values` by address from now on, and tells what of it changed to all that listen."""
        changed = [
            Object(at, value, time=milliseconds)
            for at, value in values.items()
            if self._shown.get(at) != value
        ]
        self._shown = dict(values)
        told = _by_type(changed, Type.TIMED_FLOAT, Type.TIMED_SINGLE, Cause.SPONTANEOUS)
        for link in [one for one in self._links if one.started]:
            try:
                for unit in told:
                    await link.send(encode(unit))
            except ConnectionError:
                self._links.discard(link)  # who does not answer is not waited for twice

    async def close(self) -> None:
        """Ends all connections."""
        if self._server is not None:
            self._server.close()
        for link in tuple(self._links):
            await link.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._links) >= LINKS:
            writer.close()
            return
        link = Link(reader, writer)
        self._links.add(link)
        try:
            while (data := await link.receive()) is not None:
                await self._answer(link, data)
        except ConnectionError:
            pass  # it is closed, and whoever it was may come again
        finally:
            self._links.discard(link)
            await link.close()

    async def _answer(self, link: Link, data: bytes) -> None:
        try:
            asked = decode(data)
        except ValueError:
            await link.send(refused(data, Cause.UNKNOWN_TYPE))
            return
        if asked.type is not Type.INTERROGATION:
            await link.send(refused(data, Cause.UNKNOWN_TYPE))
        elif asked.cause != Cause.ACTIVATION:
            await link.send(refused(data, Cause.UNKNOWN_CAUSE))
        elif asked.station not in {1, 0xFFFF}:
            await link.send(refused(data, Cause.UNKNOWN_STATION))
        else:
            held = [Object(at, value) for at, value in self._shown.items()]
            await link.send(encode(Unit(Type.INTERROGATION, Cause.CONFIRMED, asked.objects)))
            for unit in _by_type(held, Type.FLOAT, Type.SINGLE, Cause.INTERROGATED):
                await link.send(encode(unit))
            await link.send(encode(Unit(Type.INTERROGATION, Cause.TERMINATED, asked.objects)))


class ControlCentre:
    """What samples an outstation. It asks for everything, and knows no command.

    Attributes:
        held: The value of each object, as the last interrogation had it; NaN where the outstation does not stand by it.
        told: The last that the outstation told of each object by itself, with its time.
    """

    def __init__(self, link: Link) -> None:
        self.held: dict[int, float] = {}
        self.told: dict[int, Object] = {}
        self._link = link

    async def interrogate(self) -> None:
        """Asks for all that the outstation has.

        Raises:
            ConnectionError: it refuses, closes, or sends what is no data unit that is known here.
        """
        await self._link.send(encode(Unit(Type.INTERROGATION, Cause.ACTIVATION, (Object(0, STATION),))))
        while True:
            unit = await self._next()
            if unit.type is Type.INTERROGATION:
                if unit.negative:
                    raise ConnectionError(f"the outstation refuses an interrogation (cause {unit.cause})")
                if unit.cause == Cause.TERMINATED:
                    self._link.acknowledge()
                    return
            elif unit.type in {Type.TIMED_FLOAT, Type.TIMED_SINGLE}:
                self.told.update((one.address, one) for one in unit.objects)
            else:
                self.held.update((one.address, _value(one)) for one in unit.objects)

    async def _next(self) -> Unit:
        data = await self._link.receive()
        if data is None:
            raise ConnectionError("the outstation has closed")
        try:
            return decode(data)
        except ValueError as error:
            raise ConnectionError(f"the outstation sends {error}") from error


async def _play(grid: Grid, happenings: Sequence[Happening], first: int, last: int) -> Played:
    outstation = Outstation()
    port = await outstation.listen()
    link = Link(*await asyncio.open_connection("127.0.0.1", port))
    places = list(addresses(grid).values())
    times: list[int] = []
    sampled: list[list[float]] = []
    try:
        await link.start()
        centre = ControlCentre(link)
        for number, (time, row) in enumerate(rows(grid, happenings, first), first):
            if number >= last:
                break
            shown: dict[int, float] = {SAMPLE: number, **dict(zip(places, map(float, row), strict=True))}
            await outstation.show(time * 1000, shown)
            await centre.interrogate()
            times.append(_agreed(centre, number))
            sampled.append([centre.held[at] for at in places])
    finally:
        await link.close()
        await outstation.close()
    values = _decimals(np.array(sampled, np.float32).reshape(len(times), len(grid.tags)))
    return Played(Readings(grid.tags, np.array(times, np.int64) * SECOND, values), tuple(happenings))


def _agreed(centre: ControlCentre, number: int) -> int:
    """When sample `number` was, in seconds since 1970, where what was told and what was asked for are the same."""
    if centre.held.get(SAMPLE) != number:
        raise ConnectionError(f"the outstation shows sample {centre.held.get(SAMPLE)} and not {number}")
    for at, one in centre.told.items():
        if centre.held[at] != one.value:
            raise ConnectionError(
                f"the outstation told {one.value} of object {at} and shows {centre.held[at]}"
            )
    return (centre.told[SAMPLE].time or 0) // 1000


def _by_type(objects: Sequence[Object], floats: Type, singles: Type, cause: Cause) -> list[Unit]:
    numbers = [one for one in objects if one.address < SINGLES]
    states = [one for one in objects if one.address >= SINGLES]
    return units(floats, cause, numbers) + units(singles, cause, states)


def _value(one: Object) -> float:
    return one.value if one.valid else float("nan")


def _decimals(shown: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Values:
    values: Values = shown.astype(str).astype(np.float64)
    return values
