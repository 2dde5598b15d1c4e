"""Bodies that come again because their answer may not have arrived: acknowledged and dropped whole, once.

Rules:

1. A body is known by its *key*: a digest of the sender, the listener, what was said of it (`hints`, the channel of a
   HEC client among them) and its bytes.
2. Its stream is a digest of the key and of when and where it came, so that the same body sent later on purpose is a
   stream of its own. Where the client named each record (`_id` of `_bulk`), the stream is a digest of the key alone.
3. A body of which the client was gone before its answer was written is *open*: for `RETRY_SECONDS` one repeat of it
   is dropped. If that repeat's client is gone too, it is open again.
4. A body whose answer was written is never dropped when it comes again; one whose records the client named always
   is, within `RETRY_SECONDS` of the first, for then it is the same body by the client's own word. Repeats do not make that
   longer: what is sent again and again on purpose is heard once in that time.
5. After a killed process nobody knows which answers were written: the bodies at the log's end are open (`recall`), for
   `RECALLED_SECONDS` only, because most of them were answered.
6. A repeat that comes while the first is still being written and its client gone waits for that write.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count

from tocsin.config import bounds
from tocsin.records.received import Received


def key_of(sender: str, listener: str, hints: Mapping[str, str], body: bytes) -> bytes:
    """What the same body is known by: 32 bytes."""
    digest = sha256()
    for text in (sender, listener, *(part for name in sorted(hints) for part in (name, hints[name]))):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "little") + encoded)
    digest.update(b"\xff" * 4)
    digest.update(body)
    return digest.digest()


@dataclass(slots=True, eq=False)
class Ticket:
    """One body on its way: `settle` it in the end.

    Attributes:
        key: Of its body.
        stream: That its records shall have.
        repeat: Whether it is stored already and only to be answered, after `stored`.
        stored: The outcome of the first one's write: True once it is in the log, False where it failed.
    """

    sender: str
    key: bytes
    stream: str
    named: bool
    gone: Callable[[], bool]
    stored: asyncio.Future[bool]
    repeat: bool = False
    claimed: bool = False


@dataclass(slots=True)
class _Sender:
    """What is remembered of one sender."""

    open: OrderedDict[bytes, tuple[float, ...]] = field(
        default_factory=OrderedDict
    )  # until when, for each time
    named: OrderedDict[bytes, float] = field(default_factory=OrderedDict)
    moving: dict[bytes, list[Ticket]] = field(default_factory=dict)


class Repeats:
    """Tells a repeat from a body of its own.

    Args:
        clock: Seconds on a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._senders: dict[str, _Sender] = {}
        self._salt = os.urandom(16)
        self._ordinals = count()

    def begin(self, sender: str, key: bytes, *, named: bool, gone: Callable[[], bool]) -> Ticket:
        """The ticket of a body that came; `gone` says whether its client is."""
        held = self._senders.setdefault(sender, _Sender())
        stream = named_stream(key) if named else self._own_stream(key)
        ticket = Ticket(sender, key, stream, named, gone, asyncio.get_running_loop().create_future())
        first = self._abandoned(held, key, named=named)
        if first is not None:
            first.claimed = not named
            ticket.repeat, ticket.stored = True, first.stored
        elif self._take_open(held, key, named=named):
            ticket.repeat = True
            ticket.stored.set_result(True)
        else:
            held.moving.setdefault(key, []).append(ticket)
        return ticket

    def written(self, ticket: Ticket, *, stored: bool) -> None:
        """The outcome of the write of a body that is no repeat."""
        if not ticket.stored.done():
            ticket.stored.set_result(stored)

    def settle(self, ticket: Ticket, *, answered: bool) -> None:
        """The end of a body's way: `answered` where its answer was written while its client was there."""
        held = self._senders[ticket.sender]
        if not ticket.stored.done():
            ticket.stored.set_result(False)
        moving = held.moving.get(ticket.key, [])
        if ticket in moving:
            moving.remove(ticket)
            if not moving:
                del held.moving[ticket.key]
        if not ticket.stored.result():
            return
        if ticket.named:
            if not ticket.repeat:
                self._remember_named(held, ticket.key)
        elif not answered and not ticket.claimed:
            self._open(held, ticket.key, bounds.RETRY_SECONDS)

    def recall(self, received: Received) -> None:
        """Opens a body that the log holds and whose answer may not have been written."""
        if received.listener in ("syslog", "file"):
            return
        key = key_of(received.sender, received.listener, received.hints, received.body)
        held = self._senders.setdefault(received.sender, _Sender())
        if received.stream == named_stream(key):
            self._remember_named(held, key)
        else:
            self._open(held, key, bounds.RECALLED_SECONDS)

    def _own_stream(self, key: bytes) -> str:
        return sha256(key + self._salt + next(self._ordinals).to_bytes(8, "little")).hexdigest()

    @staticmethod
    def _abandoned(held: _Sender, key: bytes, *, named: bool) -> Ticket | None:
        """A ticket of the same body that is still being written and whose client is gone."""
        for ticket in held.moving.get(key, ()):
            if named or (not ticket.claimed and ticket.gone()):
                return ticket
        return None

    def _take_open(self, held: _Sender, key: bytes, *, named: bool) -> bool:
        now = self._clock()
        if named:
            return held.named.get(key, now) > now
        until = [one for one in held.open.pop(key, ()) if one > now]
        if len(until) > 1:
            held.open[key] = (*sorted(until)[:-1],)
        return bool(until)

    def _open(self, held: _Sender, key: bytes, seconds: float) -> None:
        before = held.open.pop(key, ())
        held.open[key] = (*before, self._clock() + seconds)[-bounds.REPEATS_OF_ONE :]
        self._forget(held)

    def _remember_named(self, held: _Sender, key: bytes) -> None:
        held.named[key] = self._clock() + bounds.RETRY_SECONDS
        held.named.move_to_end(key)
        self._forget(held)

    def _forget(self, held: _Sender) -> None:
        now = self._clock()
        while held.open and (
            len(held.open) > bounds.REPEATS_HELD or max(next(iter(held.open.values()))) <= now
        ):
            held.open.popitem(last=False)
        while held.named and (
            len(held.named) > bounds.REPEATS_HELD or next(iter(held.named.values())) <= now
        ):
            held.named.popitem(last=False)


def named_stream(key: bytes) -> str:
    """The stream of a body whose records the client named."""
    return sha256(b"named" + key).hexdigest()
