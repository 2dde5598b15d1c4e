"""Syslog messages out of a stream of bytes (RFC 6587; the same over TLS, RFC 5425), and the form in which they are kept.

Two framings are told apart message by message, as real senders mix them after a reload: a length before the message
(octet counting, section 3.4.1), or a line feed or NUL behind it (non-transparent framing, 3.4.2). Counted is what starts
with a number, one space and `<`, because every syslog message starts with `<`: a line of prose that starts with a number
would otherwise swallow those behind it. NUL, CR and LF around a message are no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tocsin.config import bounds

Framing = Literal["counted", "line", "datagram"]

_COUNT = re.compile(rb"[1-9][0-9]{0,8} <")
_MAY_COUNT = re.compile(rb"[1-9][0-9]{0,8} ?")
_KEPT_COUNT = re.compile(rb"(0|[1-9][0-9]{0,8}) ")
_AROUND = b"\0\r\n"
_GAP = re.compile(rb"[\0\r\n]++")
_END = re.compile(rb"[\0\n]")


@dataclass(frozen=True, slots=True)
class Framed:
    """One message.

    Attributes:
        message: Its bytes without what frames it.
        framing: How it was framed.
        cut: Whether it is not whole: longer than `bounds.SYSLOG_MESSAGE_BYTES`, or the connection ended inside it.
    """

    message: bytes
    framing: Framing
    cut: bool = False


class Framer:
    """Takes the bytes of one connection in whatever pieces they come, and gives its messages in order.

    Holds one message at most.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0  # of what is held holds no end of a line
        self._skip = 0  # bytes to pass over: the rest of a counted message that was cut
        self._skip_line = False

    @property
    def held(self) -> int:
        """Bytes of a message that is not whole yet."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Framed]:
        """The messages that `data` completes."""
        found: list[Framed] = []
        for start in range(0, len(data), bounds.SYSLOG_MESSAGE_BYTES):
            self._held += data[start : start + bounds.SYSLOG_MESSAGE_BYTES]
            self._take(found)
        return found

    def end(self) -> list[Framed]:
        """What is left when the connection ends: a line without its line feed, a counted message that is cut."""
        held, self._held = bytes(self._held), bytearray()
        if self._skip or self._skip_line:
            return []
        count = _COUNT.match(held)
        if count:
            return _framed(held[count.end() - 1 :], "counted", cut=True)
        return _framed(held, "line")

    def _take(self, found: list[Framed]) -> None:
        at = 0
        while (end := self._next(at, found)) > at:
            at = end
        del self._held[:at]

    def _next(self, at: int, found: list[Framed]) -> int:
        """Where the message, gap or remainder at `at` ends; `at` where more bytes are needed."""
        held = self._held
        if at >= len(held):
            return at
        if self._skip or self._skip_line:
            return self._passed(at)
        if gap := _GAP.match(held, at):
            return gap.end()
        count = _COUNT.match(held, at)
        if count:
            return self._counted(at, count, found)
        may = _MAY_COUNT.match(held, at)
        if may and may.end() == len(held):
            return at  # what follows says whether it is a count
        return self._line(at, found)

    def _passed(self, at: int) -> int:
        """Where what is held of the remainder of a cut message ends."""
        if self._skip:
            taken = min(self._skip, len(self._held) - at)
            self._skip -= taken
            return at + taken
        end = _END.search(self._held, at)
        self._skip_line = end is None
        return len(self._held) if end is None else end.end()

    def _counted(self, at: int, count: re.Match[bytes], found: list[Framed]) -> int:
        start, length = count.end() - 1, int(count[0][:-2])
        kept = min(length, bounds.SYSLOG_MESSAGE_BYTES)
        if len(self._held) < start + kept:
            return at
        found += _framed(bytes(self._held[start : start + kept]), "counted", cut=kept < length)
        self._skip = length - kept
        return start + kept

    def _line(self, at: int, found: list[Framed]) -> int:
        held, most = self._held, at + bounds.SYSLOG_MESSAGE_BYTES
        end = _END.search(held, max(at, self._searched), most + 1)
        self._searched = 0
        if end:
            found += _framed(bytes(held[at : end.start()]), "line")
            return end.end()
        if len(held) > most:
            found += _framed(bytes(held[at:most]), "line", cut=True)
            self._skip_line = True
            return most
        self._searched = len(held) - at  # `_take` drops what stands before `at`
        return at


def datagram(data: bytes) -> list[Framed]:
    """The message that a UDP datagram is (RFC 5426); none where it is empty."""
    return _framed(
        data[: bounds.SYSLOG_MESSAGE_BYTES], "datagram", cut=len(data) > bounds.SYSLOG_MESSAGE_BYTES
    )


def _framed(data: bytes, framing: Framing, *, cut: bool = False) -> list[Framed]:
    message = data.strip(_AROUND)
    return [Framed(message, framing, cut)] if message else []


def pack(messages: Iterable[bytes]) -> bytes:
    """`messages` one after the other, each with its length before it: the body of a `Received` of syslog."""
    return b"".join(b"%d %b" % (len(message), message) for message in messages)


def unpack(body: bytes) -> Iterator[bytes]:
    """The messages that were packed into `body`.

    Raises:
        ValueError: the rest of it is not as `pack` writes it.
    """
    at = 0
    while at < len(body):
        count = _KEPT_COUNT.match(body, at)
        end = count.end() + int(count[1]) if count else 0
        if count is None or end > len(body):
            raise ValueError("a message without its length")
        yield body[count.end() : end]
        at = end
