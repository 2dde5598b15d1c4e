"""Reads a plant from an MQTT broker: Sparkplug B, JSON or bare values. It subscribes only.

Rules:

1. A message is acknowledged once its readings are stored. What is not acknowledged is sent again: at quality of service 1 a
   crash loses nothing and may repeat. Sparkplug nodes publish at 0, and what comes so while we are away is lost, unless
   the broker raises it to what we asked for.
2. While readings are being stored nothing more is read of the connection, so memory stays bounded and the broker waits.
3. The mark holds the names that births gave, for births do not come again at a restart, and none is asked for. It also says
   that there was a session: where the broker has none any more, that is told.
4. For `bounds.SPARKPLUG_OWED_SECONDS` of listening after a session was taken up the broker may owe births. Data that only they explain
   waits so long, in the mark, and is then heard in its order, or counted and told as data without a birth (`sparkplug/waiting.py`).
5. What does not change is said again while it stands (`mqtt_standing.py`): its connection and its node live, and not for too long.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from tocsin.config import bounds
from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.engine.plant.collectors.interface import Deliver, Reading
from tocsin.engine.plant.collectors.mqtt_link import Link, linked
from tocsin.engine.plant.collectors.mqtt_standing import Came, Standing
from tocsin.records.instants import SECOND
from tocsin.sources.mqtt.packets import Published
from tocsin.sources.mqtt.topics import first_places, subscription, tag_of
from tocsin.sources.mqtt.values import BadValue, Value, bare_value, json_values
from tocsin.sources.sparkplug.hearing import Hearing
from tocsin.sources.sparkplug.topic import CERTIFICATES, NAMESPACE
from tocsin.sources.sparkplug.waiting import Heard, Message, Waiting

_BEGUN: Final = "{}"
"""The mark where only that there was one counts."""

_NO_LOSS: Final = frozenset(
    {"historical", "repeats", "kept by the broker", "deaths of an earlier birth", "births of before"}
)


class Around(Protocol):
    """What a collector has around it."""

    @property
    def tell(self) -> Callable[[str], None]:
        """Told what an operator should know, in a sentence."""

    @property
    def now(self) -> Callable[[], int]:
        """The present instant."""


class MqttCollector:
    """Reads one broker.

    Args:
        broker: Which, and what of it.
        around: Who is told, and the clock.

    Attributes:
        counts: Messages and metrics that were left out or are worth a note, by why.
    """

    def __init__(self, broker: Mqtt, around: Around) -> None:
        self._broker, self._around = broker, around
        self._waiting: Waiting | None = None
        self._standing = Standing(broker, self._alive)
        self._owed = 0.0  # seconds of listening in which births may still come that the broker owes
        self._listened = 0.0  # until when we listened, by the loop's clock
        self._was_there = False
        self._summed, self._summed_at = Counter[str](), around.now()
        self._told: set[str] = set()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Counter[str]:
        """A copy of the counts so far."""
        return self._counts + (self._waiting.hearing.counts if self._waiting is not None else Counter())

    async def read(self, deliver: Deliver, mark: str) -> None:
        """As `interface.Collector`."""
        if self._broker.format == "sparkplug" and self._waiting is None:
            self._waiting = Waiting(Hearing())
            if mark:
                self._waiting.restore(mark)
        topics = [subscription(topic) for topic in self._broker.topics]
        async with linked(self._broker, topics, self._certificates(topics)) as link:
            if (mark or self._was_there) and self._broker.qos and not link.resumed:
                self._around.tell(
                    "The broker kept nothing for us while we were away: what came meanwhile is lost."
                )
            self._was_there = True
            if link.lowered:
                self._tell_once(
                    f"The broker sends {link.lowered[0]} at a lower quality of service than was asked for: what comes while we are "
                    "away is lost."
                )
            await deliver((), mark or (self._waiting.kept() if self._waiting is not None else _BEGUN))
            self._owed = bounds.SPARKPLUG_OWED_SECONDS if link.resumed or self._waiting else 0.0
            self._standing.connected(resumed=link.resumed and self._broker.qos > 0)
            if self._waiting is not None:
                self._waiting.connected()
            self._listened = asyncio.get_running_loop().time()
            while True:
                await self._pass_on(link, await self._published(link), deliver)

    def _certificates(self, topics: Sequence[str]) -> list[str]:
        """Where a Sparkplug Aware MQTT Server keeps births, for who cannot ask for one."""
        if self._broker.format != "sparkplug":
            return []
        return [CERTIFICATES + topic for topic in topics if topic.startswith(f"{NAMESPACE}/")]

    async def _published(self, link: Link) -> list[Published]:
        """What comes next; nothing where data waits for a birth that is owed no more, or values are to be said again."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._owed -= min(began - self._listened, bounds.SPARKPLUG_STORING_SECONDS)
        limits = [self._standing.within, max(self._owed, 0.0) if self._waiting else None]
        try:
            async with asyncio.timeout(min((one for one in limits if one is not None), default=None)):
                return await link.published()
        except TimeoutError:
            return []
        finally:
            self._listened = loop.time()
            self._owed -= self._listened - began

    async def _pass_on(self, link: Link, messages: Sequence[Published], deliver: Deliver) -> None:
        """Stores what `messages` show, or what is to be done where none came."""
        now = self._around.now()
        gone = self._waiting.give_up() if self._waiting is not None and self._owed <= 0 else ()
        readings: list[Reading] = []
        if gone or not messages:
            readings += self._with_standing(self._shown(gone), now, sure=True)
        for one in messages:
            readings += self._with_standing(self._readings(one, now), now, sure=bool(one.packet))
        if self._standing.full:
            self._tell_once(
                f"There are more than {bounds.HISTORIAN_TAGS:,} tags: further ones are not said again while they do not change."
            )
        mark = ""
        if self._waiting is not None:
            if self._waiting.changed or self._waiting.hearing.changed:
                mark = self._waiting.kept()
            for sentence in self._waiting.hearing.notices():
                self._around.tell(sentence)
        self._sum_up(now)
        if readings or mark:
            await deliver(readings, mark)
        if mark and self._waiting is not None:
            self._waiting.changed = self._waiting.hearing.changed = False
        await link.acknowledge(messages)

    def _with_standing(self, came: Sequence[Came], now: int, *, sure: bool) -> list[Reading]:
        """The readings that `came`, behind what is said again."""
        return [*self._standing.again(came, now, sure=sure), *(one.reading for one in came)]

    def _alive(self, group: str, node: str, device: str) -> bool:
        return self._waiting is not None and self._waiting.hearing.alive(group, node, device)

    def _readings(self, message: Published, now: int) -> list[Came]:
        if len(message.topic.encode()) > bounds.MQTT_TOPIC_BYTES:
            self._counts["topics that are too long"] += 1
            return []
        if message.cut:
            self._counts["messages that are too large"] += 1
            self._tell_once(
                f"Messages of more than {bounds.MQTT_PACKET_BYTES:,} bytes are left out; further ones are counted."
            )
            return []
        if self._waiting is not None:
            return self._heard(self._waiting, message, now)
        try:
            return self._valued(message, now)
        except BadValue as error:
            self._counts["not readable"] += 1
            self._tell_once(f"Messages are left out: {error}; further ones are counted.")
            return []

    def _heard(self, waiting: Waiting, message: Published, now: int) -> list[Came]:
        said = message.topic.removeprefix(CERTIFICATES)
        if (
            first_places(self._broker.topics, said) is None
        ):  # a subscription of before, which the broker still has
            self._counts["other topics"] += 1
            return []
        owed = self._owed > 0 and bool(message.packet)
        one = Message(message.topic, message.payload, now, message.repeated)
        return self._shown(waiting.hear(one, retained=message.retained, owed=owed))

    def _shown(self, heard: Sequence[Heard]) -> list[Came]:
        found: list[Came] = []
        for topic, shown, late in heard:
            for one in shown:
                places = {
                    "topic": topic, "group": one.group, "node": one.node, "device": one.device, "metric": one.metric,
                }  # fmt: skip
                found += [
                    Came(reading, (one.group, one.node, one.device), one.current, not late)
                    for reading in self._named(places, one.instant, one.value)
                ]
        return found

    def _valued(self, message: Published, now: int) -> list[Came]:
        places = first_places(self._broker.topics, message.topic)
        if places is None:
            self._counts["other topics"] += 1
            return []
        instant: int | None = None
        if self._broker.format == "number":
            values: list[tuple[str, Value]] = [("", bare_value(message.payload))]
        else:
            instant, values = json_values(message.payload, self._broker.value, self._broker.time)
        if message.retained and instant is None:
            self._counts["kept by the broker, of unknown age"] += 1
            return []
        at = now if instant is None else instant
        latest = instant is None and not message.repeated
        return [
            Came(reading, None, latest=latest)
            for key, value in values
            for reading in self._named({**places, "key": key}, at, value)
        ]

    def _named(self, places: dict[str, str], instant: int, value: Value) -> list[Reading]:
        tag = tag_of(self._broker.tag, places)
        if 0 < len(tag) <= bounds.HISTORIAN_NAME_CHARS and tag.isprintable():
            return [Reading(tag, instant, value)]
        self._counts["tags without a usable name"] += 1
        self._tell_once("Readings are left out: their tag's name is empty, too long, or does not print.")
        return []

    def _sum_up(self, now: int) -> None:
        """Tells once a day what was lost or left out since."""
        if abs(now - self._summed_at) < bounds.MQTT_TELL_SECONDS * SECOND:
            return
        counts = self.counts
        new = [f"{why} ({count - self._summed[why]:,})" for why, count in sorted(counts.items())
               if count > self._summed[why] and why not in _NO_LOSS]  # fmt: skip
        self._summed, self._summed_at = counts, now
        if new:
            self._around.tell(f"Lost or left out since yesterday: {', '.join(new)}.")

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._told and len(self._told) < bounds.MQTT_TOPICS:
            self._told.add(sentence)
            self._around.tell(sentence)
