"""Messages that wait for the birth which explains them, where the broker sends new ones before those that it owes.

A broker sends again what was not acknowledged, in its order and before anything newer (MQTT 5.0, section 4.6). Not all do: NATS
sends what is new at once, and the births before it half a minute later.

Rules:

1. Data that only a birth explains, and the death of a device whose birth was not heard, wait where they come at quality of service 1
   while a birth may be owed. What follows of the same device, and the death of its node, wait behind it. Other devices and nodes go on.
2. Once the birth is heard they are heard in their order. Messages that are older than that birth are of an earlier one: they are heard
   before it, as where no birth is known.
3. What waits stands in the mark, so it may be acknowledged: a broker that sends only so many messages without an answer goes
   on, the births among them.
4. What waits and is sent again, because we were gone before it was acknowledged, waits once.
5. `bounds.SPARKPLUG_WAITING` messages of `SPARKPLUG_WAITING_BYTES` wait at most. Where more come, those of the node with most of them
   are given up, and no more of it wait. What is given up is heard as it is: counted and told as data without a birth.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson

from tocsin.config import bounds
from tocsin.sources.protobuf_wire import BadMessage
from tocsin.sources.sparkplug.hearing import Hearing
from tocsin.sources.sparkplug.payload import parse_payload
from tocsin.sources.sparkplug.showing import Shown
from tocsin.sources.sparkplug.topic import Topic, parse_topic

_BIRTHS: Final = frozenset({"NBIRTH", "DBIRTH"})
_MARK: Final = "waiting"


class Heard(NamedTuple):
    """What the message on `topic` showed; `late`: newer ones may have been heard before it."""

    topic: str
    shown: list[Shown]
    late: bool = False


class Message(NamedTuple):
    """A message of a node.

    Attributes:
        topic: Where it was published.
        data: The payload.
        at: When it came, microseconds since 1970.
        repeated: Whether the broker may have sent it before.
    """

    topic: str
    data: bytes
    at: int
    repeated: bool = False

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.topic.encode()) + len(self.data)


class _One(NamedTuple):
    """A message, and what is asked of it at every birth: so it is parsed once.

    Attributes:
        said: Who speaks.
        message: It.
        sent: When it was sent, in milliseconds; None where it does not say.
        needs: Whether only a birth can name what it shows, or it is a device's death, which comes after a birth.
    """

    said: Topic
    message: Message
    sent: int | None
    needs: bool


@dataclass(slots=True)
class _Queue:
    """What waits of one node, in its order; of which devices, and whether its death is among it."""

    messages: list[_One] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    dead: bool = False
    size: int = 0

    def put(self, one: _One) -> None:
        self.messages.append(one)
        self.devices.add(one.said.device)
        self.dead = self.dead or one.said.kind == "NDEATH"
        self.size += one.message.size

    def has(self, message: Message) -> bool:
        """Whether `message` waits already, and was sent again because we were gone before it was acknowledged."""
        return message.repeated and any(message[:2] == one.message[:2] for one in self.messages)

    def holds_up(self, said: Topic) -> bool:
        """Whether a message that `said` comes behind one that waits."""
        return bool(self.messages) and (self.dead or said.kind == "NDEATH" or said.device in self.devices)


class Waiting:
    """Hears through a `Hearing`, and keeps what must wait.

    Args:
        hearing: Knows the births.

    Attributes:
        hearing: The same.
        changed: Whether what waits is another than when this was last set to False.
    """

    def __init__(self, hearing: Hearing) -> None:
        self.hearing = hearing
        self.changed = False
        self._queues: dict[tuple[str, str], _Queue] = {}
        self._given_up: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return sum(len(queue.messages) for queue in self._queues.values())

    def connected(self) -> None:
        """There is a new connection: births may be owed again."""
        self._given_up.clear()

    def hear(self, message: Message, *, retained: bool = False, owed: bool = False) -> list[Heard]:
        """What `message` shows, and with it what had waited for it.

        Args:
            message: It.
            retained: Whether the broker had kept it for new subscribers.
            owed: Whether it may wait: a birth may be owed, and it came at quality of service 1.
        """
        said = parse_topic(message.topic)
        if said is None:
            return [self._heard(message, retained=retained)]
        key = said.group, said.node
        queue = self._queues.get(key)
        if said.kind in _BIRTHS:
            earlier = self._take_earlier(queue, said, message) if queue is not None else []
            found = [*self._all(earlier), self._heard(message, retained=retained)]
            return [*found, *self._release(key)]
        if not owed or retained or key in self._given_up or len(self._given_up) >= bounds.SPARKPLUG_NODES:
            return [self._heard(message, retained=retained)]
        one = _one(said, message)
        if not self._lacks(one) and not (queue is not None and queue.holds_up(said)):
            return [self._heard(message)]
        if queue is None:
            queue = self._queues[key] = _Queue()
        if not queue.has(message):
            queue.put(one)
            self.changed = True
        return self._within_bounds()

    def give_up(self) -> list[Heard]:
        """What all that waits shows as it is: no birth came."""
        queues, self._queues = self._queues, {}
        self.changed = self.changed or bool(queues)
        return [heard for queue in queues.values() for heard in self._all(queue.messages)]

    def kept(self) -> str:
        """The names, and what waits, for after a restart."""
        names = self.hearing.kept()
        if not self._queues:
            return names
        waiting = [
            [one.topic, base64.b64encode(one.data).decode(), one.at, one.repeated]
            for queue in self._queues.values()
            for _, one, *_ in queue.messages
        ]
        return orjson.dumps({**orjson.loads(names), _MARK: waiting}).decode()

    def restore(self, kept: str) -> None:
        """Takes up what `kept` said; what it never said is passed over."""
        self.hearing.restore(kept)
        try:
            for topic, data, at, repeated in orjson.loads(kept).get(_MARK, ()):
                message = Message(str(topic), base64.b64decode(data), int(at), bool(repeated))
                said = parse_topic(message.topic)
                if said is not None and len(self) < bounds.SPARKPLUG_WAITING:
                    self._queues.setdefault((said.group, said.node), _Queue()).put(_one(said, message))
        except (ValueError, TypeError, AttributeError):
            return  # of a mark that says no names either, which is told; of any other, only what waited is damaged

    def _heard(self, message: Message, *, retained: bool = False, waited: bool = False) -> Heard:
        topic, data, at, repeated = message
        late = repeated or waited
        return Heard(topic, self.hearing.hear(topic, data, at, retained=retained, repeated=late), late)

    def _all(self, messages: Iterable[_One]) -> list[Heard]:
        return [self._heard(one.message, waited=True) for one in messages]

    def _lacks(self, one: _One) -> bool:
        said = one.said
        return one.needs and not self.hearing.alive(said.group, said.node, said.device)

    def _take_earlier(self, queue: _Queue, said: Topic, birth: Message) -> list[_One]:
        """Takes from `queue` what is older than the `birth` that `said`: of its device, or of a node all, but for a death.

        A death's time is that of the connection. It is older than a node's birth that comes for the first time, with all before it.
        """
        at = _one(said, birth).sent
        ends = said.kind == "NBIRTH" and not birth.repeated
        dead = max(
            (place for place, one in enumerate(queue.messages) if ends and one.said.kind == "NDEATH"),
            default=-1,
        )
        earlier, left = [], _Queue()
        for place, one in enumerate(queue.messages):
            its = one.said.kind != "NDEATH" and (said.kind == "NBIRTH" or one.said.device == said.device)
            older = its and one.sent is not None and at is not None and one.sent < at
            if place <= dead or older:
                earlier.append(one)
            else:
                left.put(one)
        if earlier:
            self._queues[said.group, said.node] = left
            self.changed = True
        return earlier

    def _release(self, key: tuple[str, str]) -> list[Heard]:
        """What waited and waits no more."""
        queue = self._queues.pop(key, None)
        if queue is None:
            return []
        found, left = [], _Queue()
        for one in queue.messages:
            if left.holds_up(one.said) or self._lacks(one):
                left.put(one)
            else:
                found.append(self._heard(one.message, waited=True))
        if left.messages:
            self._queues[key] = left
        self.changed = self.changed or bool(found)
        return found

    def _within_bounds(self) -> list[Heard]:
        found: list[Heard] = []
        while (
            len(self) > bounds.SPARKPLUG_WAITING
            or sum(queue.size for queue in self._queues.values()) > bounds.SPARKPLUG_WAITING_BYTES
        ):
            key = max(self._queues, key=lambda one: self._queues[one].size)
            self._given_up.add(key)
            found += self._all(self._queues.pop(key).messages)
        return found


def _one(said: Topic, message: Message) -> _One:
    try:
        payload = parse_payload(message.data)
    except BadMessage:
        return _One(said, message, None, needs=False)
    unnamed = said.kind.endswith("DATA") and not all(one.name and one.datatype for one in payload.metrics)
    return _One(said, message, payload.timestamp, unnamed or said.kind == "DDEATH")
