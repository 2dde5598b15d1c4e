"""A connection to an MQTT broker on which nothing is ever published: subscribed once, then read packet by packet.

What is sent is CONNECT, SUBSCRIBE, PUBACK, PINGREQ and DISCONNECT; there is no code here for anything else
(`sources/mqtt/packets.py`). The session is taken up again at each connection, so that the broker sends what came meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Final

from tocsin.config import bounds
from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.engine.plant.collectors.mqtt_login import client_context, login_of
from tocsin.records.errors import OperatorError
from tocsin.records.inert import inert
from tocsin.sources.mqtt import packets
from tocsin.sources.mqtt.packets import Accepted, BadPacket, Ended, Login, Packet, Published, Subscribed

_WRONG: Final = {
    1: "it does not speak this version of MQTT", 0x84: "it does not speak this version of MQTT",
    2: "it refuses the client id", 0x85: "it refuses the client id",
    4: "user or password are wrong", 0x86: "user or password are wrong",
    5: "user or password are wrong, or it may not connect", 0x87: "user or password are wrong, or it may not connect", 0x8A: "this client is banned",
    0x8C: "it wants another way to log in",
}  # fmt: skip
_TAKEN_OVER: Final = 0x8E


class Link:
    """One connection, subscribed.

    Attributes:
        resumed: Whether the broker kept the session of before.
        refused: Which of the topics that may be refused were.
        lowered: Which of them come at a lower quality of service than was asked for, so that some may be lost.
    """

    def __init__(self, broker: Mqtt, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._broker, self._reader, self._writer = broker, reader, writer
        self._framer = packets.Framer(broker.version)
        self._waiting: list[Packet] = []
        self._keep_alive = float(bounds.MQTT_KEEP_ALIVE_SECONDS)
        self.resumed = False
        self.refused: tuple[str, ...] = ()
        self.lowered: tuple[str, ...] = ()

    async def log_in(self, login: Login) -> None:
        """Sends who we are, and reads the answer.

        Raises:
            OperatorError: the broker will not have us.
            SourceLost: it does not answer, or cannot now.
        """
        self._writer.write(packets.connect(login, self._broker.version))
        answer, *self._waiting = await self._some()  # what the broker kept for us may come with its answer
        if not isinstance(answer, Accepted):
            raise SourceLost(f"the broker {self._called()} answers what was not asked")
        if answer.code:
            said = f" ({inert(answer.reason)[:200]})" if answer.reason else ""
            if answer.code in _WRONG:
                raise OperatorError(
                    f"The broker {self._called()} refuses the connection: {_WRONG[answer.code]}{said}.",
                    "Mend user, password-file, client-id or protocol, and restart Tocsin.",
                )
            raise SourceLost(f"the broker {self._called()} cannot take us now (code {answer.code}){said}")
        self.resumed = answer.resumed
        if answer.keep_alive:
            self._keep_alive = float(min(answer.keep_alive, bounds.MQTT_KEEP_ALIVE_SECONDS))

    async def subscribe(self, topics: Sequence[str], optional: Sequence[str] = ()) -> None:
        """Subscribes; of what is `optional` the broker may refuse any.

        Raises:
            OperatorError: it refuses a topic.
            SourceLost: it does not answer.
        """
        asked = (*topics, *optional)
        self._writer.write(packets.subscribe(asked, self._broker.qos, self._broker.version))
        early = self._waiting
        while True:
            early += await self._some()
            answer = next((one for one in early if isinstance(one, Subscribed)), None)
            if answer is not None:
                break
            held = sum(len(one.payload) + 1_000 for one in early if isinstance(one, Published))
            if held > bounds.MQTT_EARLY_BYTES:
                raise SourceLost(f"the broker {self._called()} does not answer a subscription")
        self._waiting = [one for one in early if one is not answer]
        codes = dict(zip(asked, answer.codes, strict=False))
        self.refused = tuple(one for one in optional if codes.get(one, 0x80) >= 0x80)
        self.lowered = tuple(one for one in asked if codes.get(one, 0x80) < self._broker.qos)
        for topic in topics:
            if codes.get(topic, 0x80) >= 0x80:
                raise OperatorError(
                    f"The broker {self._called()} refuses the topic {inert(topic)}.",
                    "Let the user read it at the broker, or name another topic.",
                )

    async def published(self) -> list[Published]:
        """What comes next: as much as there is, at least one message.

        Raises:
            SourceLost: the connection is gone, or nothing comes on it though something should.
        """
        while True:
            some, self._waiting = self._waiting or await self._some(), []
            found = [one for one in some if isinstance(one, Published)]
            if found:
                return found

    async def acknowledge(self, messages: Sequence[Published]) -> None:
        """Tells the broker that these are stored and may be forgotten.

        Raises:
            SourceLost: it takes nothing any more.
        """
        self._writer.write(b"".join(packets.acknowledge(one.packet) for one in messages if one.packet))
        try:
            async with asyncio.timeout(self._keep_alive * 1.5):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise SourceLost(f"the broker {self._called()} takes nothing any more") from error

    async def pinging(self) -> None:
        """Keeps the connection alive until it is cancelled, however long storing takes."""
        while True:
            await asyncio.sleep(self._keep_alive / 2)
            self._writer.write(packets.PING)

    async def _some(self) -> list[Packet]:
        """The next packets, at least one."""
        found: list[Packet] = []
        while not found:
            try:
                async with asyncio.timeout(self._keep_alive * 1.5):
                    data = await self._reader.read(bounds.MQTT_READ_BYTES)
                found.extend(self._framer.feed(data))
            except TimeoutError as error:
                raise SourceLost(f"the broker {self._called()} answers no more") from error
            except (OSError, BadPacket) as error:
                raise SourceLost(f"the connection to the broker {self._called()} broke: {error}") from error
            if not data:
                raise SourceLost(f"the broker {self._called()} closed the connection")
        for one in found:
            if isinstance(one, Ended):
                raise SourceLost(self._ended(one))
        return found

    def _ended(self, one: Ended) -> str:
        if one.code == _TAKEN_OVER:
            return f"another client logs in to the broker {self._called()} with the client id {self._broker.client}"
        said = f": {inert(one.reason)[:200]}" if one.reason else ""
        return f"the broker {self._called()} ended the connection (code {one.code}){said}"

    def _called(self) -> str:
        return f"{self._broker.host}:{self._broker.port}"


@contextlib.asynccontextmanager
async def linked(broker: Mqtt, topics: Sequence[str], optional: Sequence[str] = ()) -> AsyncIterator[Link]:
    """A connection to `broker`, subscribed to `topics`; goodbye is said at its end.

    Raises:
        OperatorError: settings, files or rights must be mended.
        SourceLost: the broker cannot be reached.
    """
    login, context = login_of(broker), client_context(broker)
    try:
        async with asyncio.timeout(bounds.MQTT_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                broker.host, broker.port, ssl=context, limit=bounds.MQTT_READ_BYTES
            )
    except ssl.SSLError as error:
        raise SourceLost(
            f"{broker.host}:{broker.port} cannot be trusted or speaks no TLS ({_said(error)})"
        ) from error
    except (OSError, UnicodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else "that is no name") or "it does not answer"
        raise SourceLost(f"the broker {broker.host}:{broker.port} cannot be reached: {why}") from error
    link = Link(broker, reader, writer)
    try:
        try:
            async with asyncio.timeout(bounds.MQTT_CONNECT_SECONDS):
                await link.log_in(login)
                await link.subscribe(topics, optional)
        except TimeoutError as error:
            raise SourceLost(f"the broker {broker.host}:{broker.port} does not answer") from error
        pings = asyncio.create_task(link.pinging())
        try:
            yield link
        finally:
            pings.cancel()
            writer.write(packets.GOODBYE)
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


def _said(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.reason or "no TLS"
