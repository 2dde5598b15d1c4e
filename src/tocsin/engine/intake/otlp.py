"""OTLP/HTTP's endpoint for logs, `/v1/logs`, as OpenTelemetry's exporters and its collector know it.

Source: OpenTelemetry Protocol specification 1.7, "OTLP/HTTP": answers are in the form of the request; 200 with
`partial_success` where some records were rejected; 400 for a body that must not be sent again; 429 and 503 with `Retry-After`
for one that may be. A failure is told as `google.rpc.Status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tocsin.engine.intake.answers import STATUS, Answer, Checked, Problem, Refused, Request
from tocsin.sources.listened import otlp
from tocsin.sources.listened.otlp_pieces import JSON, PROTOBUF
from tocsin.sources.protobuf_wire import BadMessage

PATH: Final = "/v1/logs"
_TYPES: Final = {
    "application/x-protobuf": PROTOBUF,
    "application/protobuf": PROTOBUF,
    "application/json": JSON,
}
_CODES: Final[Mapping[Problem, int]] = {
    "missing": 16, "malformed": 16, "unknown": 7, "revoked": 7, "guessing": 8, "sender": 8, "busy": 14, "disk": 14, "stopping": 14,
    "large": 3, "coding": 3, "slow": 4, "method": 12, "path": 12, "bad": 3, "crash": 13,
}  # fmt: skip
"""gRPC's codes (`google.rpc.Code`)."""
_WORDS: Final[Mapping[Problem, str]] = {
    "missing": "an Authorization header with a token is missing", "malformed": "the Authorization header is unreadable",
    "unknown": "the token is unknown", "revoked": "the token is unknown", "guessing": "too many wrong tokens came from this address",
    "sender": "this sender has too much in flight", "busy": "too much waits for the disk",
    "disk": "the disk refuses writes", "stopping": "the service is stopping", "large": "the body is too large",
    "coding": "the body is of no form that is taken", "slow": "the body did not come in time",
    "method": "logs are sent with POST", "path": "there is nothing here", "bad": "the body is no request with logs",
    "crash": "an error of the service",
}  # fmt: skip


def coding_of(request: Request) -> str:
    """The form of the body, "" where it is none that is taken."""
    return _TYPES.get(request.text(b"content-type").partition(";")[0].strip().lower(), "")


def check(request: Request, body: bytes) -> Checked:
    """A body for `/v1/logs`.

    Raises:
        Refused: it is not of its form.
    """
    coding = coding_of(request)
    if not coding:
        raise Refused("coding", f"Content-Type is none of {', '.join(_TYPES)}")
    try:
        found = otlp.check(body, coding)
    except BadMessage as error:
        raise Refused("bad", str(error)) from error
    return Checked("otlp", found.taken, lambda _: _taken(coding, found), {"coding": coding})


def refusal(request: Request, refused: Refused) -> Answer:
    """How OTLP says no."""
    text = refused.detail or _WORDS[refused.problem]
    status, code = STATUS[refused.problem], _CODES[refused.problem]
    if coding_of(request) == PROTOBUF:
        return _protobuf(status, b"\x08" + _varint(code) + _text(2, text))
    return _json(status, {"code": code, "message": text})


def _taken(coding: str, found: otlp.Checked) -> Answer:
    """All of it, or how many records were rejected and why."""
    if coding == JSON:
        partial = {"rejectedLogRecords": str(found.rejected), "errorMessage": found.why}
        return _json(200, {"partialSuccess": partial} if found.rejected else {})
    if not found.rejected:
        return _protobuf(200, b"")
    partial_success = b"\x08" + _varint(found.rejected) + _text(2, found.why)
    return _protobuf(200, b"\x0a" + _varint(len(partial_success)) + partial_success)


def _json(status: int, value: Any) -> Answer:
    return Answer(status, msgspec.json.encode(value))


def _protobuf(status: int, body: bytes) -> Answer:
    return Answer(status, body, content_type=b"application/x-protobuf")


def _text(number: int, text: str) -> bytes:
    data = text.encode("utf-8", "replace")[:1_000]
    data = data.decode("utf-8", "ignore").encode()
    return bytes((number << 3 | 2,)) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
