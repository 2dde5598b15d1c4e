"""Readings handed to intake: line protocol in an HTTP POST over a Unix socket, again and again until it is answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tocsin.config import bounds
from tocsin.records.errors import OperatorError

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})")
_AGAIN: Final = frozenset({408, 425, 429})
_APART: Final = frozenset({400, 413, 422})
"""Answers that may be about one line of many: each half is handed over by itself, until the line is found."""

_PARTLY: Final = "partial write"
"""What InfluxDB's words for 400 begin with where all lines but some were stored."""

_HEAD_BYTES: Final = 64 * 1024
_REASON_BYTES: Final = 2_000


class Delivery:
    """Hands lines to intake.

    Args:
        socket: Intake's.
        plant: Whose readings they are.
        tell: Told, once, that intake cannot take any.
        aside: What keeps lines that intake would not take, given them and its reason.
    """

    def __init__(
        self, socket: Path, plant: str, tell: Callable[[str], None], aside: Callable[[list[bytes], str], None]
    ) -> None:
        self._socket, self._tell, self._aside = socket, tell, aside
        self._target = f"/api/v2/write?bucket={quote(plant, safe='')}&precision=us"
        self._waits = False

    async def hand_over(self, lines: Iterable[bytes]) -> None:
        """Comes back once every one of `lines` is stored or kept aside."""
        for body in bodies(lines):
            await self._until_answered(body)

    async def _until_answered(self, lines: list[bytes]) -> None:
        pause = 0.1
        while True:
            status, reason = await self._post(b"".join(lines))
            if 200 <= status < 300:
                self._took()
                return
            if status == 400 and _PARTLY in reason:
                self._took()
                self._tell(f"Intake stored what it could read, and set the rest aside: {reason}.")
                return
            if 400 <= status < 500 and status not in _AGAIN:
                break
            if pause > 1 and not self._waits:
                self._waits = True
                self._tell(
                    f"Readings wait: {reason}. They are handed over again and again until they are stored."
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, bounds.PLANT_PAUSE_SECONDS)
        self._took()
        if status not in _APART or len(lines) == 1:
            self._aside(lines, reason)
            return
        middle = len(lines) // 2
        await self._until_answered(lines[:middle])
        await self._until_answered(lines[middle:])

    def _took(self) -> None:
        if self._waits:
            self._waits = False
            self._tell("Readings are taken again.")

    async def _post(self, body: bytes) -> tuple[int, str]:
        """The status of the answer and what it says; 0 where there is none."""
        try:
            async with asyncio.timeout(bounds.PLANT_ANSWER_SECONDS):
                return await self._asked(body)
        except TimeoutError:
            return 0, "intake does not answer"
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError) as error:
            return 0, f"intake cannot be reached ({str(error) or type(error).__name__})"

    async def _asked(self, body: bytes) -> tuple[int, str]:
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=_HEAD_BYTES)
        try:
            writer.write(
                f"POST {self._target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain; charset=utf-8\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            )
            writer.write(body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            match = _STATUS.match(head)
            if match is None:
                raise ValueError("no answer of HTTP")
            status = int(match[1])
            said = b"" if status < 300 else await reader.read(_REASON_BYTES)
            return status, f"{status} {said.decode('utf-8', 'replace')}".strip()
        finally:
            writer.close()


def bodies(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """`lines` in portions of `bounds.PLANT_BODY_BYTES`."""
    gathered: list[bytes] = []
    size = 0
    for line in lines:
        if gathered and size + len(line) > bounds.PLANT_BODY_BYTES:
            yield gathered
            gathered, size = [], 0
        gathered.append(line)
        size += len(line)
    if gathered:
        yield gathered


def full(name: str, error: Exception) -> OperatorError:
    """What is raised where refused lines of the source `name` cannot be kept."""
    return OperatorError(
        f"The source {name} is read no further: what was refused of it cannot be kept ({error}).",
        "Make room on the disk, and restart Tocsin.",
    )
