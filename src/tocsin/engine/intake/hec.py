"""The Splunk HTTP Event Collector's endpoints, as its clients know them: paths, codes and words of Splunk's manual
("Troubleshoot HTTP Event Collector", possible error codes; "About HTTP Event Collector Indexer Acknowledgment").

Indexer acknowledgement is always on where a client names a channel: the answer 200 means synced, so whatever
acknowledgement is asked for is true at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import msgspec

from tocsin.config import bounds
from tocsin.engine.intake.answers import STATUS, Answer, Checked, Problem, Refused, Request
from tocsin.sources.listened import splunk_hec

EVENT: Final = frozenset(
    {"/services/collector", "/services/collector/event", "/services/collector/event/1.0"}
)
RAW: Final = frozenset({"/services/collector/raw", "/services/collector/raw/1.0"})
ACK: Final = "/services/collector/ack"
HEALTH: Final = frozenset({"/services/collector/health", "/services/collector/health/1.0"})
PREFIX: Final = "/services/collector"

ACKS_ASKED: Final = 10_000
"""Acknowledgements that one request may ask for."""

_RAW_HINTS: Final = ("host", "source", "sourcetype", "time", "index")
_CHANNEL: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_WORDS: Final[Mapping[Problem, tuple[str, int]]] = {
    "missing": ("Token is required", 2), "malformed": ("Invalid authorization", 3), "unknown": ("Invalid token", 4), "revoked": ("Invalid token", 4),
    "guessing": ("Server is busy", 9), "sender": ("Server is busy", 9), "busy": ("Server is busy", 9),
    "disk": ("Server is busy", 9), "stopping": ("Server is shutting down", 23),
    "large": ("Content-Length is over the limit", 6), "coding": ("Invalid data format", 6),
    "slow": ("Request timed out", 6), "bad": ("Invalid data format", 6), "crash": ("Internal server error", 8),
    "method": ("Method not allowed", 6), "path": ("The requested URL was not found on this server.", 404),
}  # fmt: skip
_ACK_IDS: Final = count()


class _Acks(msgspec.Struct):
    acks: list[int]


def said(text: str, code: int, status: int = 200, **more: Any) -> Answer:
    """An answer in Splunk's form."""
    return Answer(status, msgspec.json.encode({"text": text, "code": code, **more}))


def refusal(refused: Refused) -> Answer:
    """How Splunk says no."""
    if refused.answer is not None:
        return refused.answer
    text, code = _WORDS[refused.problem]
    return said(text, code, STATUS[refused.problem])


def check(request: Request, body: bytes) -> Checked:
    """A body for the event or the raw endpoint.

    Raises:
        Refused: it is not of their form.
    """
    channel = channel_of(request)
    hints = {"channel": channel} if channel else {}
    if not body:
        raise Refused("bad", answer=said("No data", 5, 400))
    raw = request.path in RAW
    try:
        records = splunk_hec.check_lines(body) if raw else splunk_hec.check_events(body)
    except splunk_hec.BadBody as error:
        where = {} if error.event_number is None else {"invalid-event-number": error.event_number}
        raise Refused("bad", answer=said(error.text, error.code, 400, **where)) from error
    if raw:
        asked = request.asked()
        hints.update({name: asked[name] for name in _RAW_HINTS if asked.get(name)})
        if any(len(hint) > bounds.HINT_CHARS for hint in hints.values()):
            raise Refused("bad", answer=said("Query string is too long", 6, 400))
    return Checked("hec-raw" if raw else "hec-event", records, lambda _: _success(channel), hints)


def _success(channel: str) -> Answer:
    if not channel:
        return Answer(200, b'{"text":"Success","code":0}')
    return said("Success", 0, ackId=next(_ACK_IDS))


def channel_of(request: Request) -> str:
    """The client's channel, "" without one.

    Raises:
        Refused: it is none.
    """
    channel = request.text(b"x-splunk-request-channel") or request.asked().get("channel", "")
    if channel and not _CHANNEL.fullmatch(channel):
        raise Refused("bad", answer=said("Invalid data channel", 11, 400))
    return channel


def check_acks(request: Request, body: bytes) -> Checked:
    """A body for the acknowledgement endpoint, which stores nothing: everything that was answered 200 is stored.

    Raises:
        Refused: no channel, or no list of numbers.
    """
    if not channel_of(request):
        raise Refused("bad", answer=said("Data channel is missing", 10, 400))
    if len(body) > bounds.ACKS_BYTES:
        raise Refused("large")
    try:
        asked = msgspec.json.decode(body, type=_Acks).acks
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refused("bad", str(error)) from error
    if len(asked) > ACKS_ASKED:
        raise Refused("large")
    answer = Answer(200, msgspec.json.encode({"acks": {str(number): True for number in asked}}))
    return Checked("hec-event", 0, lambda _: answer)


def health(*, well: bool) -> Answer:
    """Whether bodies are taken."""
    if well:
        return said("HEC is healthy", 17)
    return said("HEC is unhealthy, queues are full", 18, 503)
