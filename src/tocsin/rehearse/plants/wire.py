"""The same plant behind real Modbus/TCP on loopback, and a historian that samples it from the wire.

The PLC holds what each sensor shows as a 32-bit count in two input registers, high word first, and the status of each
machine as a discrete input; the first two input registers are the number of the sample. The historian only reads
(function codes 2 and 4). Simulated time waits for it: the plant goes on when a sample was taken.
Modbus Application Protocol Specification V1.1b3, sections 6.2 and 6.4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND
from tocsin.records.readings import Readings
from tocsin.rehearse.plants.happenings import Happening
from tocsin.rehearse.plants.play import Counts, Pace, Played, rows, steps_of
from tocsin.rehearse.plants.site import Site

DEVICE: Final = 1
WORDS: Final = 120
"""Registers that are asked for at once, at most (the protocol allows 125)."""

_READ_DISCRETE, _READ_INPUT = 2, 4


def play_on_the_wire(site: Site, happenings: Sequence[Happening], pace: Pace) -> Played:
    """Plays `site` as `play` does, with every reading taken from the wire; the PLC listens on any free port of loopback.

    Raises:
        OperatorError: pymodbus is not installed.
    """
    return asyncio.run(_play(site, happenings, pace))


class _Registers:
    """What the PLC shows; `show` changes it between two samples."""

    def __init__(self, sensors: int, machines: int) -> None:
        self.words = [0] * (2 + 2 * sensors)
        self.bits = [False] * machines
        self._sensors = sensors

    def show(self, number: int, row: Counts) -> None:
        """Row `number` of the play."""
        for at, count in enumerate((number, *(int(one) for one in row[: self._sensors]))):
            self.words[2 * at] = count >> 16 & 0xFFFF
            self.words[2 * at + 1] = count & 0xFFFF
        for at, one in enumerate(row[self._sensors :]):
            self.bits[at] = bool(one)

    async def answer(  # noqa: PLR0913, PLR0917 - the signature is pymodbus's
        self,
        function: int,
        start: int,  # noqa: ARG002
        address: int,  # noqa: ARG002
        count: int,  # noqa: ARG002
        current: list[int],
        values: list[Any] | None,
    ) -> Any:
        """What pymodbus asks for before it answers a request: refuses writes, else brings registers up to date."""
        from pymodbus.constants import ExcCodes  # noqa: PLC0415 - for development only

        if values is not None or function not in {_READ_DISCRETE, _READ_INPUT}:
            return ExcCodes.ILLEGAL_FUNCTION
        if function == _READ_INPUT:
            current[: len(self.words)] = self.words
        else:  # pymodbus keeps discrete inputs sixteen to a word, the first in its lowest bit
            current[0] = sum(one << at for at, one in enumerate(self.bits))
        return None


async def _play(site: Site, happenings: Sequence[Happening], pace: Pace) -> Played:
    try:
        from pymodbus.client import AsyncModbusTcpClient  # noqa: PLC0415 - for development only
        from pymodbus.server import ModbusTcpServer  # noqa: PLC0415
    except ModuleNotFoundError:
        raise OperatorError(
            "A plant on the wire needs pymodbus, which is not installed.", "pip install wntr pymodbus"
        ) from None
    registers = _Registers(len(site.points), len(site.links))
    server: Any = ModbusTcpServer(_device(registers), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    listening = server.transport.sockets[0].getsockname()[1]
    client = AsyncModbusTcpClient("127.0.0.1", port=listening)
    try:
        await client.connect()
        times, sampled = [], []
        for number, (time, row) in enumerate(rows(site, happenings, pace)):
            registers.show(number, row)
            seen, counts = await _sample(client, len(site.points), len(site.links))
            if seen != number:
                raise ConnectionError(f"the PLC shows sample {seen} and not {number}")
            times.append(time)
            sampled.append(counts)
    finally:
        client.close()
        await server.shutdown()
    values = np.array(sampled, np.float64).reshape(len(times), len(site.tags)) * steps_of(site)
    return Played(Readings(site.tags, np.array(times, np.int64) * SECOND, values), tuple(happenings))


def _device(registers: _Registers) -> Any:
    from pymodbus.simulator import DataType, SimData, SimDevice  # noqa: PLC0415 - for development only

    def bits(count: int) -> Any:
        return SimData(0, values=[False] * count, datatype=DataType.BITS)

    def words(count: int) -> Any:
        return SimData(0, values=[0] * count, datatype=DataType.REGISTERS)

    blocks = ([bits(16)], [bits(16)], [words(1)], [words(len(registers.words))])
    return SimDevice(DEVICE, simdata=blocks, action=registers.answer)


async def _sample(client: Any, sensors: int, machines: int) -> tuple[int, list[int]]:
    """The number of the sample and its counts, as the wire has them."""
    words: list[int] = []
    total = 2 + 2 * sensors
    for at in range(0, total, WORDS):
        answer = await client.read_input_registers(at, count=min(WORDS, total - at), device_id=DEVICE)
        if answer.isError():
            raise ConnectionError(f"the PLC answers {answer}")
        words += answer.registers
    counts = [_signed(high << 16 | low) for high, low in zip(words[::2], words[1::2], strict=True)]
    bits: list[bool] = []
    if machines:
        answer = await client.read_discrete_inputs(0, count=machines, device_id=DEVICE)
        if answer.isError():
            raise ConnectionError(f"the PLC answers {answer}")
        bits = answer.bits[:machines]
    return counts[0], [*counts[1:], *(int(one) for one in bits)]


def _signed(count: int) -> int:
    return count - (1 << 32) if count & 1 << 31 else count
