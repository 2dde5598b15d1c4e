"""Who sends: tokens, what one sender may have in flight, and addresses that guess.

A token is 32 random bytes as text; only the SHA-256 of that text is kept, which needs no salt and no slow hash because
nobody can list 2^256 tokens. Hashes are looked up in a table: how long that takes tells of hashes at most, and who knows
one is as far from a token as before.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from tocsin.config import bounds

Refusal = Literal["missing", "malformed", "unknown", "revoked"]


class Tokens:
    """The tokens that open the door.

    Args:
        hashes: Name of a token → SHA-256 over its text, 32 bytes.
    """

    def __init__(self, hashes: Mapping[str, bytes]) -> None:
        self._names = {known: name for name, known in hashes.items()}
        self._revoked: OrderedDict[bytes, str] = OrderedDict()

    def replace(self, hashes: Mapping[str, bytes]) -> None:
        """From now on these open the door; a request that is inside stays, and those that are gone are `revoked`."""
        new = {known: name for name, known in hashes.items()}
        self._revoked |= {known: name for known, name in self._names.items() if known not in new}
        for known in new:
            self._revoked.pop(known, None)
        while len(self._revoked) > bounds.TOKENS:
            self._revoked.popitem(last=False)
        self._names = new

    def revoked(self, authorization: bytes | None) -> str:
        """The name that a token had which was removed while the process ran, "" where it is none."""
        token = _token_in(authorization or b"")
        return "" if token is None else self._revoked.get(sha256(token).digest(), "")

    def sender(self, authorization: bytes | None) -> str | Refusal:
        """The name of the token in an `Authorization` header, after a `+`, or why there is none.

        Understands Splunk's `Splunk TOKEN`, `Bearer TOKEN` (RFC 6750), `Basic` (RFC 7617; the password is the token),
        Elasticsearch's `ApiKey` (base64 of `id:key`; the key is the token) and InfluxDB's `Token TOKEN`, which may also
        be `Token USER:TOKEN`.
        """
        if not authorization:
            return "missing"
        token = _token_in(authorization)
        if token is None:
            return "malformed"
        digest = sha256(token).digest()
        if digest in self._names:
            return f"+{self._names[digest]}"
        return "revoked" if digest in self._revoked else "unknown"


def _token_in(authorization: bytes) -> bytes | None:
    scheme, _, rest = authorization.strip().partition(b" ")
    rest = rest.strip()
    kind = scheme.lower()
    if kind in (b"splunk", b"bearer"):
        return rest or None
    if kind == b"token":
        return rest.rpartition(b":")[2] or None
    if kind in (b"basic", b"apikey"):
        try:
            _, colon, token = base64.b64decode(rest, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return None
        return token if colon and token else None
    return None


@dataclass(slots=True)
class _Tally:
    count: int
    until: float


class Guessers:
    """Addresses that came with wrong tokens.

    Args:
        clock: Seconds on a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()

    def note(self, peer: str) -> bool:
        """Counts a refused log-in; whether the address had too many of them."""
        now = self._clock()
        tally = self._tallies.get(peer)
        if tally is None or tally.until <= now:
            tally = self._tallies[peer] = _Tally(0, now + bounds.REFUSED_LOGIN_SECONDS)
        self._tallies.move_to_end(peer)
        tally.count += 1
        while len(self._tallies) > bounds.PEERS_REMEMBERED:
            self._tallies.popitem(last=False)
        return tally.count > bounds.REFUSED_LOGINS


class OverSender(Exception):  # noqa: N818  an answer, not a failure
    """The sender has too much in flight."""


class OverAll(Exception):  # noqa: N818  an answer, not a failure
    """All senders together have too much in flight."""


class Load:
    """One body's bytes in flight; it grows as they come."""

    def __init__(self, flight: Flight, sender: str) -> None:
        self._flight = flight
        self._sender = sender
        self.held = 0

    def grow(self, size: int) -> None:
        """Takes `size` more bytes.

        Raises:
            OverSender: this sender has too many.
            OverAll: all together have.
        """
        flight = self._flight
        if flight.by_sender[self._sender] + size > bounds.SENDER_IN_FLIGHT_BYTES:
            raise OverSender
        if flight.total + size > bounds.IN_FLIGHT_BYTES:
            raise OverAll
        flight.by_sender[self._sender] += size
        flight.total += size
        self.held += size

    def hold(self, size: int) -> None:
        """Holds `size` bytes from now on, whatever it was; a body that is here already is not refused."""
        self._flight.by_sender[self._sender] += size - self.held
        self._flight.total += size - self.held
        self.held = size


class Turns:
    """Threads for large bodies: `BODY_THREADS` in all, one for each sender, so that one that floods leaves some to others."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(bounds.BODY_THREADS)
        self._each: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, sender: str) -> AsyncIterator[None]:
        """Until the block is left, it is this sender's."""
        async with self._each.setdefault(sender, asyncio.Lock()), self._all:
            yield


class Flight:
    """Bytes of bodies in flight, in all and by sender."""

    def __init__(self) -> None:
        self.by_sender: Counter[str] = Counter()
        self.total = 0

    @contextmanager
    def load(self, sender: str) -> Iterator[Load]:
        """What one body holds, until the block is left."""
        load = Load(self, sender)
        try:
            yield load
        finally:
            self.total -= load.held
            self.by_sender[sender] -= load.held
            if not self.by_sender[sender]:
                del self.by_sender[sender]
