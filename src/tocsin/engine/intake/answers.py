"""What an endpoint is asked and what it answers, whatever its protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from tocsin.engine.intake.bodies import Receive
from tocsin.records.received import Listener

Problem = Literal[
    "missing", "malformed", "unknown", "revoked", "guessing",  # the token
    "sender", "busy", "disk", "stopping",  # come back later
    "large", "coding", "slow", "method", "path", "bad", "crash",  # this request
]  # fmt: skip

STATUS: Mapping[Problem, int] = {
    "missing": 401, "malformed": 401, "unknown": 403, "revoked": 403, "guessing": 429,
    "sender": 429, "busy": 503, "disk": 503, "stopping": 503,
    "large": 413, "coding": 415, "slow": 408, "method": 405, "path": 404, "bad": 400, "crash": 500,
}  # fmt: skip
RETRY_AFTER: Mapping[Problem, int] = {"guessing": 60, "sender": 1, "busy": 2, "disk": 10, "stopping": 5}
"""Seconds."""

_ONCE: Final = frozenset(
    {b"authorization", b"content-encoding", b"content-type", b"host", b"x-splunk-request-channel"}
)


def further_headers(problem: Problem) -> tuple[tuple[bytes, bytes], ...]:
    """What an answer that says no says besides: when to come back, or how to ask."""
    seconds = RETRY_AFTER.get(problem)
    if problem == "method":
        return ((b"allow", b"POST, PUT"),)
    return ((b"retry-after", str(seconds).encode()),) if seconds else ()


def says_twice(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a header stands twice of which one must count: which one did, others on the way may see otherwise."""
    named = [name for name, _ in headers if name in _ONCE]
    return len(set(named)) < len(named)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request whose head was read.

    Attributes:
        headers: By name in lower case; of several with one name the last.
        gone: Whether the client is.
        twice: Whether a header stands twice of which one must count.
        local: Whether it came from this host over a socket that lets in none but Tocsin's own collectors.
    """

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    peer: str
    receive: Receive
    gone: Callable[[], bool]
    twice: bool = False
    local: bool = False

    def text(self, name: bytes) -> str:
        """A header as text, "" where there is none."""
        return self.headers.get(name, b"").decode("latin-1").strip()

    def asked(self) -> dict[str, str]:
        """The query's fields; of several with one name the last."""
        try:
            return dict(parse_qsl(self.query.decode("latin-1"), keep_blank_values=True, max_num_fields=32))
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: status, JSON text or what `content_type` says, further headers."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b"application/json; charset=UTF-8"


class Refused(Exception):  # noqa: N818  an answer, not a failure
    """The request is not taken; each protocol has its words for it.

    Args:
        problem: What kind.
        detail: In words.
        answer: Where the protocol's own check had the answer already.
    """

    def __init__(self, problem: Problem, detail: str = "", answer: Answer | None = None) -> None:
        super().__init__(detail or problem)
        self.problem = problem
        self.detail = detail
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Checked:
    """A body that is whole and of its protocol.

    Attributes:
        count: Records in it, broken ones too; 0 where there is nothing to store.
        hints: See `Received`.
        named: Whether the client named every record.
        reply: The answer once it is stored; given the stream's name.
    """

    listener: Listener
    count: int
    reply: Callable[[str], Answer]
    hints: Mapping[str, str] = field(default_factory=dict)
    named: bool = False


Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def send_answer(send: Send, answer: Answer, *, close: bool = False) -> None:
    """Writes `answer`."""
    headers = list(answer.headers)
    if answer.status != 204:  # which has no content, and may have no length (RFC 9110, section 8.6)
        headers[:0] = [
            (b"content-type", answer.content_type),
            (b"content-length", str(len(answer.body)).encode()),
        ]
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
