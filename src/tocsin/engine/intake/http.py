"""The HTTP endpoints, as one ASGI app: Splunk's collector, Elasticsearch's `_bulk`, OpenTelemetry's logs, `/healthz`, `/metrics`.

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
from tocsin.engine.intake import elastic, hec, otlp
from tocsin.engine.intake.answers import Answer, Checked, Refused, Request, Send, send_answer
from tocsin.engine.intake.bodies import BadCoding, Gone, Receive, TooLarge, read_body
from tocsin.engine.intake.commit import Busy, GroupCommit, Unwritable
from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.metrics import CONTENT, metrics
from tocsin.engine.intake.repeats import Repeats, Ticket, key_of
from tocsin.engine.intake.senders import Flight, Guessers, Load, OverAll, OverSender, Tokens
from tocsin.records.received import Received

_SENDING: Final = ("POST", "PUT")
_ASKING: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How one protocol checks a body and says no."""

    check: Callable[[Request, bytes], Checked]
    refusal: Callable[[Refused], Answer]


@dataclass(slots=True)
class App:
    """The ASGI app.

    Attributes:
        now: The present instant.
        tell: Told in words of an error of our own.
        figures: What the judging process wrote down last, None where it did not.
        stopping: Once set, no more bodies are taken.
    """

    commit: GroupCommit
    repeats: Repeats
    tokens: Tokens
    guessers: Guessers
    counters: Counters
    now: Callable[[], int]
    tell: Callable[[str], None]
    figures: Callable[[], Figures | None] = lambda: None
    stopping: bool = False
    flight: Flight = field(default_factory=Flight)
    threads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(bounds.BODY_THREADS))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        peer = scope["client"][0] if scope["client"] else ""
        gone = scope["state"].get("gone", lambda: False)
        request = Request(
            scope["method"], scope["path"], scope["query_string"], dict(scope["headers"]), peer, receive, gone
        )
        dialect = _dialect(request)
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
        if request.path in ("/healthz", *hec.HEALTH):
            await send_answer(send, await self._health(request))
            return
        if request.path == "/metrics" and _is_loopback(request.peer):
            await send_answer(send, self._metrics())
            return
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
            body = await self._body(request, load)
            if request.path == hec.ACK:
                await send_answer(send, hec.acknowledged(request, body))
                return
            await self._take(request, dialect.check(request, body), sender, body, send)

    async def _take(self, request: Request, checked: Checked, sender: str, body: bytes, send: Send) -> None:
        if not checked.count:
            await send_answer(send, checked.reply(""))
            return
        key = key_of(sender, checked.listener, checked.hints, body)
        ticket = self.repeats.begin(sender, key, named=checked.named, gone=request.gone)
        answered = False
        try:
            await self._store(ticket, checked, request.peer, body)
            await send_answer(send, checked.reply(ticket.stream))
            answered = not request.gone()
        finally:
            self.repeats.settle(ticket, answered=answered)

    async def _store(self, ticket: Ticket, checked: Checked, peer: str, body: bytes) -> None:
        if ticket.repeat:
            if not await asyncio.shield(ticket.stored):
                raise Refused("disk")
            self.counters.repeats += 1
            return
        received = Received(
            ticket.stream, 0, checked.count, self.now(), checked.listener, ticket.sender, peer, "token", body,
            checked.hints,
        )  # fmt: skip
        try:
            await self.commit.acknowledge(received)
        except Busy as error:
            raise Refused("stopping" if self.stopping else "busy") from error
        except Unwritable as error:
            raise Refused("disk", str(error)) from error
        self.repeats.written(ticket, stored=True)

    async def _body(self, request: Request, load: Load) -> bytes:
        length = request.text(b"content-length")
        coding = request.text(b"content-encoding").lower()
        try:
            return await read_body(
                request.receive, int(length) if length.isdecimal() else None, coding, load, self.threads
            )
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

    def _sender(self, request: Request) -> str:
        said = self.tokens.sender(request.headers.get(b"authorization"))
        if said.startswith("+"):
            return said[1:]
        if self.guessers.note(request.peer):
            raise Refused("guessing")
        if said == "missing":
            raise Refused("missing")
        raise Refused("malformed" if said == "malformed" else "unknown")

    async def _refuse(self, refused: Refused, dialect: _Dialect | None, send: Send) -> None:
        self.counters.refuse(refused.problem)
        answer = (dialect.refusal if dialect else elastic.refusal)(refused)
        answer = replace(answer, headers=answer.headers + hec.retry_header(refused.problem))
        await send_answer(send, answer, close=refused.problem in ("guessing", "slow", "stopping"))

    def _metrics(self) -> Answer:
        return Answer(200, metrics(self.counters, self.figures(), self.now()), content_type=CONTENT)

    async def _health(self, request: Request) -> Answer:
        well = not self.stopping and await self.commit.takes_writes()
        if request.path in hec.HEALTH:
            return hec.health(well=well)
        return Answer(200, b'{"status":"ok"}') if well else Answer(503, b'{"status":"refusing"}')


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _dialect(request: Request) -> _Dialect | None:
    path = request.path
    if path == otlp.PATH:
        return _Dialect(otlp.check, partial(otlp.refusal, request))
    if path in hec.EVENT or path in hec.RAW or path.startswith(hec.PREFIX):
        return _Dialect(_check_hec, hec.refusal)
    index = elastic.index_of(path)
    if index is not None:
        return _Dialect(lambda _, body: elastic.check(body, index), elastic.refusal)
    return None


def _check_hec(request: Request, body: bytes) -> Checked:
    if request.path not in hec.EVENT and request.path not in hec.RAW:
        raise Refused("path")
    return hec.check(request, body)


def _talk(request: Request) -> Answer:
    answer = elastic.talk(request.path) if request.method in _ASKING else None
    if answer is None:
        raise Refused("path")
    return answer
