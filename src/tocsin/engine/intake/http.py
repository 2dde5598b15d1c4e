"""The HTTP endpoints, as one ASGI app: Splunk's collector, Elasticsearch's `_bulk`, OpenTelemetry's logs, InfluxDB's writes,
`/healthz`, `/metrics`.

Every request goes the same way: which endpoint, whose token, the body within its bounds, the protocol's own check,
seen before?, written and synced, answered. Whatever stops it on the way is a `Refused`, told in the protocol's words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from tocsin.config import bounds
from tocsin.engine.figures import Figures
from tocsin.engine.intake import elastic, hec, influx, otlp
from tocsin.engine.intake.answers import (
    Answer,
    Checked,
    Refused,
    Request,
    Send,
    further_headers,
    says_twice,
    send_answer,
)
from tocsin.engine.intake.bodies import BadCoding, Gone, Receive, TooLarge, decompress, is_plain, read_wire
from tocsin.engine.intake.commit import Busy, GroupCommit, Unencodable, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.filter_path import ALL, FilterPath
from tocsin.engine.intake.metrics import CONTENT, metrics
from tocsin.engine.intake.repeats import Repeats, Ticket, key_of
from tocsin.engine.intake.senders import Flight, Guessers, Load, OverAll, OverSender, Tokens, Turns
from tocsin.records.received import Received

_SENDING: Final = ("POST", "PUT")
_ASKING: Final = ("GET", "HEAD")
_COLLECTOR: Final = "collector"


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How one protocol checks a body and says no."""

    check: Callable[[Request, bytes], Checked]
    refusal: Callable[[Refused], Answer]


@dataclass(frozen=True, slots=True)
class _Found:
    """A body, decompressed: what it holds, and what the same one is known by."""

    body: bytes
    checked: Checked
    key: bytes


@dataclass(slots=True)
class App:
    """The ASGI app.

    Attributes:
        now: The present instant.
        tell: Told in words of an error of our own.
        figures: What the judging process wrote down last, None where it did not.
        plants: Names of those whose readings are taken.
        stopping: Once set, no more bodies are taken.
        stolen: Removed tokens that were used, each with the address, of which it was told.
    """

    commit: GroupCommit
    repeats: Repeats
    tokens: Tokens
    guessers: Guessers
    counters: Counters
    now: Callable[[], int]
    tell: Callable[[str], None]
    figures: Callable[[], Figures | None] = lambda: None
    plants: frozenset[str] = frozenset()
    stopping: bool = False
    flight: Flight = field(default_factory=Flight)
    turns: Turns = field(default_factory=Turns)
    stolen: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        peer = scope["client"][0] if scope["client"] else ""
        gone = scope["state"].get("gone", lambda: False)
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"],
            dict(scope["headers"]),
            peer,
            receive,
            gone,
            says_twice(scope["headers"]),
            scope["state"].get("local", False),
        )
        dialect = _dialect(request, self.plants)
        try:
            await self._serve(request, dialect, send)
        except Refused as refused:
            await self._refuse(refused, dialect, send)
        except Gone:
            self.counters.refuse("gone")
        except Exception as error:  # noqa: BLE001  the last line: one request's error is its own
            self.tell(f"A request to {request.path[:80]!r} from {peer} failed: {error!r}")
            await self._refuse(Refused("crash"), dialect, send)

    async def _serve(self, request: Request, dialect: _Dialect | None, send: Send) -> None:
        if request.local and request.path not in influx.LOCAL:
            raise Refused("path")
        if request.path in ("/healthz", influx.HEALTH, *hec.HEALTH):
            await send_answer(send, await self._health(request))
            return
        if request.path == influx.PING and request.method in _ASKING:
            await send_answer(send, influx.pong())
            return
        if request.path == "/metrics" and _is_loopback(request.peer):
            await send_answer(send, self._metrics())
            return
        if request.twice:
            raise Refused("bad", "a header stands twice that may stand once")
        sender = self._sender(request)
        if request.path == "/metrics":
            await send_answer(send, self._metrics())
            return
        if dialect is None:
            await send_answer(send, _talk(request))
            return
        if request.method not in _SENDING:
            raise Refused("method")
        if self.stopping:
            raise Refused("stopping")
        with self.flight.load(sender) as load:
            found = await self._body(request, dialect, sender, load)
            await self._take(request, found, sender, send)

    async def _take(self, request: Request, found: _Found, sender: str, send: Send) -> None:
        checked = found.checked
        if not checked.count:
            await send_answer(send, checked.reply(""))
            return
        ticket = self.repeats.begin(sender, found.key, named=checked.named, gone=request.gone)
        answered = False
        try:
            await self._store(ticket, checked, request, found.body)
            await send_answer(send, checked.reply(ticket.stream))
            answered = not request.gone()
        finally:
            self.repeats.settle(ticket, answered=answered)

    async def _store(self, ticket: Ticket, checked: Checked, request: Request, body: bytes) -> None:
        if ticket.repeat:
            if not await asyncio.shield(ticket.stored):
                raise Refused("disk")
            self.counters.repeats += 1
            return
        received = Received(
            ticket.stream, 0, checked.count, self.now(), checked.listener, ticket.sender, request.peer,
            "local" if request.local else "token", body, checked.hints,
        )  # fmt: skip
        try:
            await self.commit.acknowledge(received)
        except Busy as error:
            raise Refused("stopping" if self.stopping else "busy") from error
        except Unwritable as error:
            raise Refused("disk", str(error)) from error
        except Unencodable as error:
            raise Refused("bad", str(error)) from error
        self.repeats.written(ticket, stored=True)

    async def _body(self, request: Request, dialect: _Dialect, sender: str, load: Load) -> _Found:
        length = request.text(b"content-length")
        coding = request.text(b"content-encoding").lower()
        try:
            wire = await read_wire(request.receive, int(length) if length.isdecimal() else None, coding, load)
            examine = partial(_examined, request, dialect, sender, wire, coding)
            found = _if_small(examine, len(wire))
            if found is None:
                async with self.turns.turn(sender):
                    found = await asyncio.to_thread(examine, bounds.BODY_BYTES)
        except TooLarge as error:
            raise Refused("large") from error
        except BadCoding as error:
            raise Refused("coding", str(error)) from error
        except OverSender as error:
            raise Refused("sender") from error
        except OverAll as error:
            raise Refused("busy") from error
        except TimeoutError as error:
            raise Refused("slow") from error
        if not is_plain(coding):
            load.hold(len(found.body))
        return found

    def _sender(self, request: Request) -> str:
        if request.local:
            return _COLLECTOR
        authorization = influx.authorization(request)
        said = self.tokens.sender(authorization)
        if said.startswith("+"):
            return said[1:]
        if said == "revoked":
            self._tell_stolen(self.tokens.revoked(authorization), request.peer)
        if self.guessers.note(request.peer):
            raise Refused("guessing")
        if said == "missing":
            raise Refused("missing")
        if said == "revoked":
            raise Refused("revoked")
        raise Refused("malformed" if said == "malformed" else "unknown")

    def _tell_stolen(self, name: str, peer: str) -> None:
        """A removed token is used: a sender that nobody told, or somebody who should not have it. Told once of each."""
        if (name, peer) not in self.stolen and len(self.stolen) < bounds.PEERS_REMEMBERED:
            self.stolen.add((name, peer))
            self.tell(f"The token {name} was removed, and {peer} still uses it.")

    async def _refuse(self, refused: Refused, dialect: _Dialect | None, send: Send) -> None:
        self.counters.refuse(refused.problem)
        answer = (dialect.refusal if dialect else elastic.refusal)(refused)
        answer = replace(answer, headers=answer.headers + further_headers(refused.problem))
        await send_answer(send, answer, close=refused.problem in ("guessing", "slow", "stopping"))

    def _metrics(self) -> Answer:
        return Answer(200, metrics(self.counters, self.figures(), self.now()), content_type=CONTENT)

    async def _health(self, request: Request) -> Answer:
        well = not self.stopping and await self.commit.takes_writes()
        if request.path in hec.HEALTH:
            return hec.health(well=well)
        if request.path == influx.HEALTH:
            return influx.health(well=well)
        return Answer(200, b'{"status":"ok"}') if well else Answer(503, b'{"status":"refusing"}')


def _examined(  # noqa: PLR0913, PLR0917  all of it is one body's
    request: Request, dialect: _Dialect, sender: str, wire: bytes, coding: str, limit: int
) -> _Found:
    body = decompress(wire, coding, limit)
    checked = dialect.check(request, body)
    return _Found(body, checked, key_of(sender, checked.listener, checked.hints, body))


def _if_small(examine: Callable[[int], _Found], size: int) -> _Found | None:
    """What `examine` finds, None where the body is larger than `BODY_INLINE_BYTES`."""
    try:
        return examine(bounds.BODY_INLINE_BYTES) if size <= bounds.BODY_INLINE_BYTES else None
    except TooLarge:
        return None


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _dialect(request: Request, plants: frozenset[str]) -> _Dialect | None:
    path = request.path
    if request.local or path in (influx.V2, influx.V1):
        return _Dialect(
            lambda asked, body: influx.check(asked, body, plants), partial(influx.refusal, request)
        )
    if path == otlp.PATH:
        return _Dialect(otlp.check, partial(otlp.refusal, request))
    if path in hec.EVENT or path in hec.RAW or path.startswith(hec.PREFIX):
        return _Dialect(_check_hec, hec.refusal)
    index = elastic.index_of(path)
    if index is not None:
        return _Dialect(lambda asked, body: elastic.check(body, index, _wanted(asked)), elastic.refusal)
    return None


def _check_hec(request: Request, body: bytes) -> Checked:
    if request.path == hec.ACK:
        return hec.check_acks(request, body)
    if request.path not in hec.EVENT and request.path not in hec.RAW:
        raise Refused("path")
    return hec.check(request, body)


def _wanted(request: Request) -> FilterPath:
    text = request.asked().get("filter_path", "")
    return FilterPath(text) if text else ALL


def _talk(request: Request) -> Answer:
    answer = elastic.talk(request.path, _wanted(request)) if request.method in _ASKING else None
    if answer is None:
        raise Refused("path")
    return answer
