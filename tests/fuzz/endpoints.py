"""What holds of what an endpoint is sent before anything is stored: its coding, its head, and what is answered."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable

import zstandard
from tests.fuzz import listened
from tests.fuzz.invariants import in_time

from tocsin.engine.intake import elastic, hec, influx, otlp
from tocsin.engine.intake.answers import Answer, Checked, Refused, Request, says_twice
from tocsin.engine.intake.bodies import BadCoding, TooLarge, decompress
from tocsin.engine.intake.senders import Tokens
from tocsin.sources.listened import splunk_hec

MOST = 64 * 1024
CODINGS = ("gzip", "deflate", "zstd", "")
PATHS = (
    "/services/collector/event",
    "/services/collector/raw",
    hec.ACK,
    "/_bulk",
    otlp.PATH,
    influx.V2,
    influx.V1,
)
PLANTS = ("works",)


def coded_body(data: bytes) -> None:
    """The first byte says the coding."""
    coding = CODINGS[data[0] % len(CODINGS)] if data else ""
    with in_time():
        try:
            body = decompress(data[1:], coding, MOST)
        except (TooLarge, BadCoding):
            return
    assert len(body) <= MOST or not coding


def coded_starts() -> Iterable[bytes]:
    """Each coding, in one piece and in several, cut, and with rubbish behind."""
    text = b"a line\n" * 50
    for number, packed in enumerate((gzip.compress(text), zlib.compress(text), zstandard.compress(text))):
        yield from (bytes([number]) + one for one in (packed, packed * 3, packed[:-4], packed + b"rubbish"))


async def _nothing() -> dict[str, object]:
    return {}


def request(data: bytes) -> None:
    """Four lines: a number for the path, an `Authorization`, a `Content-Type`, a query; what follows is the body."""
    first, token, kind, query, body = (data.split(b"\n", 4) + [b""] * 5)[:5]
    path = PATHS[first[0] % len(PATHS)] if first else PATHS[0]
    headers = ((b"authorization", token), (b"content-type", kind), (b"x-splunk-request-channel", query[:80]))
    asked = Request(
        "POST", path, query, dict(headers), "192.0.2.1", _nothing, lambda: False, says_twice(headers)
    )  # type: ignore[arg-type]
    with in_time():
        assert Tokens({"a": b"x" * 32}).sender(influx.authorization(asked) or b"") in (
            "missing",
            "malformed",
            "unknown",
        )
        try:
            checked = _check(asked, body)
        except Refused as refused:
            dialect = hec.refusal if "collector" in path else elastic.refusal
            for answer in (dialect(refused), otlp.refusal(asked, refused), influx.refusal(asked, refused)):
                _judge(answer)
            return
        answer = checked.reply("s" * 64)
    _judge(answer)
    if path == "/_bulk":
        statuses = [next(iter(item.values()))["status"] for item in json.loads(answer.body)["items"]]
        assert statuses.count(201) == checked.count


def _check(asked: Request, body: bytes) -> Checked:
    if asked.path == hec.ACK:
        return hec.check_acks(asked, body)
    if asked.path == otlp.PATH:
        return otlp.check(asked, body)
    if asked.path in (influx.V1, influx.V2):
        return influx.check(asked, body, PLANTS)
    return elastic.check(body, "") if asked.path == "/_bulk" else hec.check(asked, body)


def _judge(answer: Answer) -> None:
    assert 200 <= answer.status < 504
    for name, value in answer.headers:
        assert value.isascii(), name
        assert not {13, 10} & set(value), name
    if answer.status == 204:
        assert not answer.body
    elif answer.content_type.startswith(b"application/json"):
        json.loads(answer.body)


def request_starts() -> Iterable[bytes]:
    """One of each path."""
    heads = b"Splunk x\napplication/json\nchannel=c&host=h\n"
    bodies = (b'{"event":1}{"event":"2"}', b"a\nb\n", b'{"acks":[1,2]}')
    yield from (b"%c\n" % number + heads + body for number, body in enumerate(bodies))
    yield from (b"\x03\n" + heads + body for body in listened.bulk_starts())
    yield from (b"\x04\n" + heads + body for body in listened.otlp_json_starts())
    lines = heads.replace(b"channel=c", b"bucket=works&db=works&precision=s")
    yield from (b"%c\n" % number + lines + body[1:] for number in (5, 6) for body in listened.plant_starts())
    protobuf = heads.replace(b"json", b"x-protobuf")
    yield from (b"\x04\n" + protobuf + body for body in listened.otlp_protobuf_starts())


def hec_array(data: bytes) -> None:
    """The events of an array are those that `json` finds in it."""
    try:
        found = [json.loads(one.text) for one in splunk_hec.event_objects(b"[" + data + b"]")]
    except splunk_hec.BadBody:
        return
    except ValueError:
        return  # what `json` takes for no number, or too long a one
    assert len(found) == len(json.loads(b"[" + data + b"]", strict=False))
