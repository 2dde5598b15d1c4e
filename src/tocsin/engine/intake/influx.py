"""InfluxDB's endpoints for writing, as Telegraf, Node-RED and its client libraries know them: `/api/v2/write` of version 2, `/write`
of version 1, and what clients ask before they use them (`/ping`, `/health`).

Source: InfluxDB 2 documentation, "Write data with the API", "Troubleshoot issues writing data", "InfluxDB 1.x compatibility API",
and its `/health`. A bucket, or a database of version 1, is a plant of the settings.

Of a body some of whose lines cannot be read the others count, and the answer is 400, which tells of the first bad one: clients do not
send such a body again. What could not be read is stored with the rest and set aside, so that an operator can see it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from tocsin.engine.intake.answers import Answer, Checked, Problem, Refused, Request
from tocsin.sources.listened import line_protocol

V2: Final = "/api/v2/write"
V1: Final = "/write"
PING: Final = "/ping"
HEALTH: Final = "/health"
LOCAL: Final = frozenset({V2, HEALTH})
"""What a collector on this host may ask over the socket that needs no token."""

_V2_UNITS: Final = ("ns", "us", "ms", "s")
_V1_UNITS: Final = ("n", "ns", "u", "µ", "us", "ms", "s", "m", "h")
_VERSION: Final = ((b"x-influxdb-build", b"OSS"), (b"x-influxdb-version", b"v2.7.0"))
_NAME_SHOWN: Final = 64
_CODES: Final[Mapping[Problem, tuple[int, str]]] = {
    "missing": (401, "unauthorized"), "malformed": (401, "unauthorized"), "unknown": (401, "unauthorized"),
    "revoked": (401, "unauthorized"), "guessing": (429, "too many requests"), "sender": (429, "too many requests"),
    "busy": (503, "unavailable"), "disk": (503, "unavailable"), "stopping": (503, "unavailable"),
    "large": (413, "request too large"), "coding": (400, "invalid"), "slow": (503, "unavailable"),
    "method": (405, "method not allowed"), "path": (404, "not found"), "bad": (400, "invalid"), "crash": (500, "internal error"),
}  # fmt: skip
"""Status and `code`. Telegraf drops what is answered by 4xx other than 401, 403 and 429, and splits it at 413: so none is given that
another try may mend."""

_WORDS: Final[Mapping[Problem, str]] = {
    "missing": "unauthorized access: a token is missing", "malformed": "unauthorized access: the Authorization header is unreadable",
    "unknown": "unauthorized access", "revoked": "unauthorized access",
    "guessing": "too many wrong tokens came from this address", "sender": "this sender has too much in flight",
    "busy": "too much waits for the disk", "disk": "the disk refuses writes", "stopping": "the service is stopping",
    "large": "the request is too large: send fewer points at a time", "coding": "the body is of no coding that is taken",
    "slow": "the body did not come in time", "method": "points are written with POST", "path": "there is nothing here",
    "bad": "the request is not valid", "crash": "an error of the service",
}  # fmt: skip


def check(request: Request, body: bytes, plants: Collection[str]) -> Checked:
    """A body for one of the two write endpoints.

    Args:
        request: Its head.
        body: Lines.
        plants: Names of those that the settings have.

    Raises:
        Refused: nothing of it is taken.
    """
    asked = request.asked()
    plant = asked.get("bucket", "") if request.path == V2 else asked.get("db", "")
    precision = asked.get("precision") or "ns"
    _refuse_unknown(request, plant, plants)
    if precision not in (_V2_UNITS if request.path == V2 else _V1_UNITS):
        raise Refused("bad", f"precision is none of {', '.join(_V2_UNITS)}")
    if not body and request.path == V2:
        raise Refused("bad", "writing requires points")
    try:
        found = line_protocol.check(body, line_protocol.UNITS[precision])
    except line_protocol.TooMany as error:
        raise Refused("large", f"the request is too large: {error}") from error
    hints = {"plant": plant} if precision == "ns" else {"plant": plant, "precision": precision}
    return Checked("plant", found.lines, lambda _: _stored(request, found), hints)


def refusal(request: Request, refused: Refused) -> Answer:
    """How InfluxDB says no."""
    status, code = _CODES[refused.problem]
    return _failed(request, status, code, refused.detail or _WORDS[refused.problem])


def pong() -> Answer:
    """The answer to `/ping`."""
    return Answer(204, b"", _VERSION)


def health(*, well: bool) -> Answer:
    """Whether bodies are taken."""
    status, message = ("pass", "ready for writes") if well else ("fail", "the disk refuses writes")
    told = {
        "name": "tocsin",
        "message": message,
        "status": status,
        "checks": [],
        "version": "v2.7.0",
        "commit": "",
    }
    return Answer(200 if well else 503, msgspec.json.encode(told))


def authorization(request: Request) -> bytes | None:
    """The `Authorization` header, or what stands for it in the query of version 1: its `p`, the password, is the token."""
    given = request.headers.get(b"authorization")
    if given is None and request.path == V1 and (password := request.asked().get("p")):
        return b"Token " + password.encode()
    return given


def _refuse_unknown(request: Request, plant: str, plants: Collection[str]) -> None:
    if plant in plants:
        return
    kind = "bucket" if request.path == V2 else "database"
    if not plant:
        raise Refused("bad", f"the query names no {kind}: name a plant of the settings")
    shown = plant[:_NAME_SHOWN]
    raise Refused("path", f'{kind} "{shown}" not found: tocsin.toml has no [[run.plant]] of that name')


def _stored(request: Request, found: line_protocol.Checked) -> Answer:
    """All of it, or how many lines were set aside and why the first of them."""
    bad = found.first_bad
    if bad is None:
        return Answer(204, b"", _VERSION)
    message = f"partial write: unable to parse line {bad.number}: {bad.why} dropped={found.bad}"
    return _failed(request, 400, "invalid", message)


def _failed(request: Request, status: int, code: str, message: str) -> Answer:
    if request.path != V1:
        return _json(status, {"code": code, "message": message})
    header = message.encode("ascii", "replace").translate(None, bytes(range(32)))
    return _json(status, {"error": message}, (*_VERSION, (b"x-influxdb-error", header)))


def _json(status: int, value: Any, more: tuple[tuple[bytes, bytes], ...] = _VERSION) -> Answer:
    if status == 401:
        more = (*more, (b"www-authenticate", b'Basic realm="tocsin", charset="UTF-8"'))
    return Answer(status, msgspec.json.encode(value), more)
