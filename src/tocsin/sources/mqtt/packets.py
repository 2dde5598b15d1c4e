"""Packets of an MQTT client that only listens: what it sends, and what a broker answers.

Source: MQTT 5.0 and MQTT 3.1.1 (OASIS standards), chapters 2 and 3. A client of this module can connect, subscribe,
acknowledge, ask whether the broker is there, and say goodbye. There is nothing here that makes a PUBLISH packet or a last
will, so it can write nothing to a plant. Every packet is bounded before it is held.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from tocsin.config import bounds

Version = Literal[4, 5]
"""4 is MQTT 3.1.1, 5 is MQTT 5.0, as the protocol counts."""

PING: Final = b"\xc0\x00"
GOODBYE: Final = b"\xe0\x00"
"""DISCONNECT, by which the broker keeps the session until it expires."""

_SESSION_EXPIRY, _RECEIVE_MAXIMUM, _PACKET_MAXIMUM = 0x11, 0x21, 0x27
_SERVER_KEEP_ALIVE, _REASON = 0x13, 0x1F
_LENGTHS: Final[Mapping[int, int]] = {
    0x01: 1, 0x17: 1, 0x19: 1, 0x24: 1, 0x25: 1, 0x28: 1, 0x29: 1, 0x2A: 1,
    0x13: 2, 0x21: 2, 0x22: 2, 0x23: 2, 0x02: 4, 0x11: 4, 0x18: 4, 0x27: 4,
}  # fmt: skip
_TEXTS: Final = frozenset({0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F})  # two of them binary data
_PAIR, _SUBSCRIPTION = 0x26, 0x0B
_BEFORE_PAYLOAD: Final = 2 + 65_535 + 2
"""Bytes within which, in MQTT 3.1.1, a message's topic and number stand."""


class BadPacket(ValueError):  # noqa: N818  named for what it is about
    """Bytes that are no packet of a broker, or go over a bound; the text says which."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who connects.

    Attributes:
        client: The client's id, by which the broker knows its session.
        user: None for nobody.
        password: None for none.
    """

    client: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """CONNACK.

    Attributes:
        code: 0 where the broker lets us in, else why not (3.1.1, table 3.1; 5.0, section 3.2.2.2).
        resumed: Whether the broker kept a session of ours.
        keep_alive: Seconds that the broker wants instead of ours; None where it does not say.
        reason: What it says about it.
    """

    code: int
    resumed: bool = False
    keep_alive: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """SUBACK: for each topic the quality of service that is granted, or 128 and above for a refusal."""

    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """PUBLISH, from the broker.

    Attributes:
        topic: Where it was published.
        payload: What.
        packet: Its number for PUBACK; 0 where none is wanted (quality of service 0).
        retained: Whether the broker had kept it for new subscribers, so that it is of unknown age.
        repeated: Whether the broker may have sent it before.
        cut: Whether it was too large to be held, so that its payload is left out.
    """

    topic: str
    payload: bytes
    packet: int = 0
    retained: bool = False
    repeated: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Pong:
    """PINGRESP."""


@dataclass(frozen=True, slots=True)
class Ended:
    """DISCONNECT of the broker (5.0 only).

    Attributes:
        code: Why (section 3.14.2.1).
        reason: What it says about it.
    """

    code: int
    reason: str = ""


Packet = Accepted | Subscribed | Published | Pong | Ended


def connect(login: Login, version: Version) -> bytes:
    """CONNECT that takes up the session of before, without a will."""
    flags = (0x80 if login.user is not None else 0) | (0x40 if login.password is not None else 0)
    body = _text("MQTT") + struct.pack("!BBH", version, flags, bounds.MQTT_KEEP_ALIVE_SECONDS)
    if version == 5:
        properties = (
            struct.pack("!BI", _SESSION_EXPIRY, bounds.MQTT_SESSION_SECONDS)
            + struct.pack("!BH", _RECEIVE_MAXIMUM, bounds.MQTT_INFLIGHT)
            + struct.pack("!BI", _PACKET_MAXIMUM, bounds.MQTT_PACKET_BYTES)
        )
        body += _length(len(properties)) + properties
    body += _text(login.client)
    body += b"".join(_text(one) for one in (login.user, login.password) if one is not None)
    return _packet(0x10, body)


def subscribe(topics: Sequence[str], qos: int, version: Version) -> bytes:
    """SUBSCRIBE to `topics`, which may hold wildcards; number 1."""
    body = b"\x00\x01" + (b"\x00" if version == 5 else b"")
    return _packet(0x82, body + b"".join(_text(topic) + bytes((qos,)) for topic in topics))


def acknowledge(packet: int) -> bytes:
    """PUBACK of the message with that number."""
    return struct.pack("!BBH", 0x40, 2, packet)


class Framer:
    """Takes the bytes of one connection in whatever pieces they come, and gives its packets in order.

    Holds one packet at most, and no more of it than `bounds.MQTT_PACKET_BYTES`. MQTT 3.1.1 lets nobody say how large a message may
    be, and what is not acknowledged comes again: there the payload of a larger one is let go as it comes.
    """

    def __init__(self, version: Version) -> None:
        self._version = version
        self._held = bytearray()
        self._passing = 0  # bytes of a message too large that are still to come

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that `data` completes.

        Raises:
            BadPacket: the bytes are none; nothing can be read of this connection any more.
        """
        passed = min(self._passing, len(data))
        self._passing -= passed
        self._held += data[passed:]
        at = 0
        try:
            while (found := self._next(at)) is not None:
                start, end = found
                if end - start > bounds.MQTT_PACKET_BYTES:
                    yield _cut(self._held[at], bytes(self._held[start : start + _BEFORE_PAYLOAD]))
                    self._passing = max(0, end - len(self._held))
                    at = min(end, len(self._held))
                else:
                    yield _parsed(self._held[at], bytes(self._held[start:end]), self._version)
                    at = end
        except (IndexError, struct.error, UnicodeDecodeError) as error:
            raise BadPacket("a packet is cut short or holds what is no text") from error
        finally:
            del self._held[:at]

    def _next(self, at: int) -> tuple[int, int] | None:
        """Where the body of the packet at `at` starts and ends; None where it is not whole yet."""
        value = 0
        for place in range(4):
            if at + 1 + place >= len(self._held):
                return None
            byte = self._held[at + 1 + place]
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                break
        else:
            raise BadPacket("the length of a packet is too long")
        start = at + 2 + place
        needed = value
        if value > bounds.MQTT_PACKET_BYTES:
            if self._version == 5 or self._held[at] >> 4 != 3:
                raise BadPacket(f"a packet has more than {bounds.MQTT_PACKET_BYTES} bytes")
            needed = _BEFORE_PAYLOAD
        return (start, start + value) if start + needed <= len(self._held) else None


def _parsed(head: int, body: bytes, version: Version) -> Packet:
    kind = head >> 4
    if kind == 3:
        return _published(head, body, version)
    if kind == 2:
        said = _properties(body, 2)[0] if version == 5 and len(body) > 2 else {}
        wanted = said.get(_SERVER_KEEP_ALIVE)
        keep_alive = int.from_bytes(wanted, "big") if wanted is not None else None
        return Accepted(body[1], bool(body[0] & 1), keep_alive, _reason(said))
    if kind == 9:
        at = _properties(body, 2)[1] if version == 5 else 2
        return Subscribed(tuple(body[at:]))
    if kind == 13:
        return Pong()
    if kind == 14 and version == 5:
        said = _properties(body, 1)[0] if len(body) > 1 else {}
        return Ended(body[0] if body else 0, _reason(said))
    raise BadPacket(f"a packet of type {kind} is none that a broker sends to who only listens")


def _published(head: int, body: bytes, version: Version) -> Published:
    (length,) = struct.unpack_from("!H", body)
    at = 2 + length
    if at > len(body):
        raise BadPacket("a topic is cut short")
    topic = body[2:at].decode()
    qos, packet = head >> 1 & 3, 0
    if qos > 1:
        raise BadPacket("a message has a quality of service that was not asked for")
    if qos:
        (packet,) = struct.unpack_from("!H", body, at)
        at += 2
        if not packet:
            raise BadPacket("a message to be acknowledged has no number")
    if version == 5:
        at = _properties(body, at)[1]
    return Published(topic, body[at:], packet, bool(head & 1), bool(head & 8))


def _cut(head: int, begin: bytes) -> Published:
    """A message of MQTT 3.1.1 of which only the beginning was held."""
    one = _published(head, begin, 4)
    return Published(one.topic, b"", one.packet, one.retained, one.repeated, cut=True)


def _properties(body: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """The properties at `at` (5.0, section 2.2.2), of several of one kind the last, and where they end."""
    length, at = _varint(body, at)
    end = at + length
    if end > len(body):
        raise BadPacket("properties are cut short")
    found: dict[int, bytes] = {}
    while at < end:
        kind = body[at]
        start, after = _value(kind, body, at + 1)
        if after > end:
            raise BadPacket("a property is cut short")
        found[kind] = body[start:after]
        at = after
    return found, end


def _value(kind: int, body: bytes, at: int) -> tuple[int, int]:
    """Where the value of a property starts and ends."""
    if kind in _LENGTHS:
        return at, at + _LENGTHS[kind]
    if kind in _TEXTS:
        return at + 2, at + 2 + struct.unpack_from("!H", body, at)[0]
    if kind == _PAIR:
        middle = at + 2 + struct.unpack_from("!H", body, at)[0]
        return at, middle + 2 + struct.unpack_from("!H", body, middle)[0]
    if kind == _SUBSCRIPTION:
        return at, _varint(body, at)[1]
    raise BadPacket(f"there is no property {kind}")


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(4):
        byte = body[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise BadPacket("a length is too long")


def _reason(said: Mapping[int, bytes]) -> str:
    return said.get(_REASON, b"").decode("utf-8", "replace")


def _packet(head: int, body: bytes) -> bytes:
    return bytes((head,)) + _length(len(body)) + body


def _length(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("!H", len(data)) + data
