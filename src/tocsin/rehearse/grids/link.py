"""One end of a connection of IEC 60870-5-104: frames, numbers, windows and timers (2006 edition, clause 5).

I-format frames carry data units and are numbered, S-format ones acknowledge, U-format ones start, stop and test (5.1 to 5.3).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

UNACKNOWLEDGED: Final = 12
"""Frames that may be on their way (k, 5.5)."""
LATEST: Final = 8
"""Frames after which the receiver acknowledges (w, 5.5)."""
ANSWER_S, ACKNOWLEDGE_S, IDLE_S = 15.0, 10.0, 20.0
"""t1, t2 and t3 (5.2, 5.5)."""
WAITING: Final = 256
"""Data units that wait to be taken; beyond, the peer has to."""

_START, _START_CON, _STOP, _STOP_CON, _TEST, _TEST_CON = 0x07, 0x0B, 0x13, 0x23, 0x43, 0x83
_ANSWERS: Final = {_START: _START_CON, _STOP: _STOP_CON, _TEST: _TEST_CON}
_NUMBERS: Final = 1 << 15
_FIRST: Final = 0x68


class Link:
    """A connection once it stands; `asyncio` streams of any kind will do. Whatever is wrong closes it.

    Attributes:
        started: Whether data may be sent (STARTDT, 5.3).
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.started = False
        self._reader, self._writer = reader, writer
        self._sent = self._received = self._acknowledged = self._told = 0
        self._sent_at: deque[float] = deque()
        self._units: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        self._changed = asyncio.Event()
        self._broken: Exception | None = None
        self._reading = asyncio.create_task(self._read())

    async def start(self) -> None:
        """Asks the other end to send data.

        Raises:
            ConnectionError: it does not answer in time, or what it sends is no frame of this standard.
        """
        self._control(_START)
        await self._until(lambda: self.started)

    async def send(self, unit: bytes) -> None:
        """Sends one data unit, once fewer than k are on their way.

        Raises:
            ConnectionError: as `start`.
        """
        await self._until(lambda: len(self._sent_at) < UNACKNOWLEDGED)
        self._frame(self._sent << 1 & 0xFFFF, self._received, unit)
        self._sent = (self._sent + 1) % _NUMBERS
        self._sent_at.append(asyncio.get_running_loop().time())
        await self._writer.drain()

    async def receive(self) -> bytes | None:
        """The next data unit; None once the other end has closed.

        Raises:
            ConnectionError: as `start`.
        """
        unit = await self._units.get()
        if unit is None:
            self._units.put_nowait(None)
            if self._broken is not None:
                raise ConnectionError(str(self._broken)) from self._broken
        return unit

    def acknowledge(self) -> None:
        """Tells the other end at once what has come."""
        if self._told != self._received:
            self._frame(0x01, self._received, b"")

    async def close(self) -> None:
        """Ends the connection."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def _until(self, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                while not holds():
                    if self._reading.done():
                        raise ConnectionError(str(self._broken or "the other end has closed"))
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise ConnectionError(f"no answer in {ANSWER_S:g} s") from None

    async def _read(self) -> None:
        try:
            while (frame := await self._next()) is not None:
                await self._taken(frame)
        except (OSError, ValueError, TimeoutError) as error:
            self._broken = error
            self._writer.close()
        finally:
            self._changed.set()
            if self._units.full():  # whoever takes slowly still learns of the end
                self._units.get_nowait()
            self._units.put_nowait(None)

    async def _next(self) -> bytes | None:
        """The next frame without its first two octets; None at the end. Keeps the timers meanwhile."""
        asked = False
        while True:
            wait = ANSWER_S if asked else ACKNOWLEDGE_S if self._told != self._received else IDLE_S
            try:
                async with asyncio.timeout(wait):
                    head = await self._reader.readexactly(2)
                break
            except asyncio.IncompleteReadError as end:
                if end.partial:
                    raise ValueError("the connection ends within a frame") from None
                return None
            except TimeoutError:
                if asked:
                    raise
                self._check_answered()
                asked = self._told == self._received
                self.acknowledge()
                if asked:
                    self._control(_TEST)
        if head[0] != _FIRST or not 4 <= head[1] <= 253:
            raise ValueError(f"no frame begins with {head.hex()}")
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._reader.readexactly(head[1])
        except asyncio.IncompleteReadError:
            raise ValueError("the connection ends within a frame") from None

    def _check_answered(self) -> None:
        if self._sent_at and asyncio.get_running_loop().time() - self._sent_at[0] > ANSWER_S:
            raise TimeoutError(f"nothing is acknowledged for {ANSWER_S:g} s")

    async def _taken(self, frame: bytes) -> None:
        first, second = int.from_bytes(frame[:2], "little"), int.from_bytes(frame[2:4], "little") >> 1
        if not first & 1:  # I
            if not self.started:
                raise ValueError("data before the start")
            if first >> 1 != self._received:
                raise ValueError(f"frame {first >> 1} where {self._received} was due")
            self._received = (self._received + 1) % _NUMBERS
            self._answered(second)
            await self._units.put(frame[4:])
            if (self._received - self._told) % _NUMBERS >= LATEST:
                self.acknowledge()
        elif len(frame) != 4:
            raise ValueError(f"a control frame of {len(frame)} octets")
        elif first & 3 == 1:  # S
            self._answered(second)
        else:
            self._controlled(frame[0])
        self._changed.set()
        await self._writer.drain()  # who asks for answers and does not read them, waits

    def _answered(self, number: int) -> None:
        """Forgets what the other end has: all up to `number`."""
        count = (number - self._acknowledged) % _NUMBERS
        if count > len(self._sent_at):
            raise ValueError(f"frame {number} is acknowledged and was never sent")
        for _ in range(count):
            self._sent_at.popleft()
        self._acknowledged = number

    def _controlled(self, code: int) -> None:
        if code in _ANSWERS:
            self.started = (self.started or code == _START) and code != _STOP
            self._control(_ANSWERS[code])
        elif code == _START_CON:
            self.started = True
        elif code not in _ANSWERS.values():
            raise ValueError(f"a control frame of {code:#04x}")

    def _control(self, code: int) -> None:
        self._writer.write(bytes([_FIRST, 4, code, 0, 0, 0]))

    def _frame(self, first: int, received: int, unit: bytes) -> None:
        self._told = received
        head = first.to_bytes(2, "little") + (received << 1).to_bytes(2, "little")
        self._writer.write(bytes([_FIRST, 4 + len(unit)]) + head + unit)
