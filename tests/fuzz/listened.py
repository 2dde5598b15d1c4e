"""What holds of bodies that listeners take in: the check and the reader count alike, and nothing crashes, hangs or vanishes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from tests.fuzz.invariants import NOW, check_event, check_set_aside, in_time
from tests.sources.text.seeds import SEEDS as LINES

from tocsin.records.event import EventBatch
from tocsin.records.received import Listener, Received
from tocsin.sources.listened import elastic_bulk, file_lines, line_protocol, otlp, splunk_hec, syslog_frames
from tocsin.sources.listened.otlp_pieces import JSON, PROTOBUF
from tocsin.sources.listened.received import events_of
from tocsin.sources.protobuf_wire import BadMessage
from tocsin.store import entries

PEER = "192.0.2.7"


def received(listener: Listener, body: bytes, count: int, hints: Mapping[str, str] | None = None) -> Received:
    """`body` as `listener` hands it over."""
    return Received("str", 5, count, NOW, listener, "office", PEER, "token", body, hints or {})


def checked(listener: Listener, body: bytes, hints: Mapping[str, str] | None = None) -> EventBatch | None:
    """What `body` becomes; None where intake refuses it."""
    with in_time():
        try:
            count = _count(listener, body, hints or {})
        except (splunk_hec.BadBody, elastic_bulk.BadBulk, line_protocol.TooMany, BadMessage):
            return None
    with in_time():
        batch = events_of(received(listener, body, count, hints))
    assert sorted([*(event.seq for event in batch), *(one.record or 0 for one in batch.set_aside)]) == list(
        range(5, 5 + count)
    )
    for event in batch:
        check_event(event)
        assert (event.stream, event.auth, event.ingest, event.origin) == ("str", "token", NOW, "live")
    for one in batch.set_aside:
        check_set_aside(one)
        assert "holds fewer records" not in one.reason
    for payload in entries.encode(entries.Events(batch)):
        entries.decode(*payload)
    return batch


_COUNT: Mapping[Listener, Callable[[bytes], int]] = {
    "hec-event": splunk_hec.check_events,
    "hec-raw": splunk_hec.check_lines,
    "bulk": lambda body: sum(not one.error for one in elastic_bulk.check(body, "i")),
    "syslog": lambda body: sum(1 for _ in syslog_frames.unpack(body)),
}


def _count(listener: Listener, body: bytes, hints: Mapping[str, str]) -> int:
    if listener == "otlp":
        return otlp.check(body, hints["coding"]).taken
    if listener == "plant":
        return line_protocol.check(body, line_protocol.UNITS[hints.get("precision", "ns")]).lines
    if listener == "file":
        directed = file_lines.is_directed(hints["head"].encode("latin-1"))
        return sum(1 for _ in file_lines.record_lines(body, directed=directed))
    return _COUNT[listener](body)


def hec_event(data: bytes) -> None:
    """As `/services/collector/event`."""
    checked("hec-event", data)


def hec_raw(data: bytes) -> None:
    """As `/services/collector/raw`; the first byte says what the sender calls it."""
    names = ("", "syslog", "linux_audit", "bro:conn:json", "iis", "access_combined", "cef", "fgt_traffic")
    sourcetype = names[data[0] % len(names)] if data else ""
    checked("hec-raw", data[1:], {"sourcetype": sourcetype, "time": "1767225600.5", "host": "h"})


def bulk(data: bytes) -> None:
    """As `_bulk`."""
    checked("bulk", data, {"index": "i"})


def syslog_stream(data: bytes) -> None:
    """As a TCP connection; however it is cut, the messages are the same."""
    framer, bytewise = syslog_frames.Framer(), syslog_frames.Framer()
    with in_time():
        found = [*framer.feed(data), *framer.end()]
        again = [one for at in range(len(data)) for one in bytewise.feed(data[at : at + 1])] + bytewise.end()
    assert found == again
    checked("syslog", syslog_frames.pack(one.message for one in found))


def lines() -> Iterable[str]:
    """A line of every format."""
    return (line for found in LINES.values() for line in found)


def hec_starts() -> Iterable[bytes]:
    """Texts and objects, in both framings."""
    texts = [
        json.dumps(
            {
                "time": 1767225600.25,
                "host": "h",
                "source": "s",
                "sourcetype": "t",
                "fields": {"a": 1},
                "event": line,
            }
        )
        for line in lines()
    ]
    yield "".join(texts[:8]).encode()
    yield "\n".join(texts[8:]).encode()
    yield ("[" + ",".join(texts[:2]) + ',{"event":{"message":"x","log":{"file":{"path":"/a"}}}}]').encode()


def bulk_starts() -> Iterable[bytes]:
    """filebeat's documents around lines."""
    documents = (
        {"@timestamp": "2026-01-01T00:00:00Z", "message": line, "log": {"file": {"path": "/l"}}}
        for line in lines()
    )
    yield "".join(f'{{"create":{{"_index":"i"}}}}\n{json.dumps(one)}\n' for one in documents).encode()
    yield b'{"index":{"_id":"1"}}\n{"a":"\\ud800"}\n{"delete":{"_id":"1"}}\n'


def raw_starts() -> Iterable[bytes]:
    """Lines of each format, each under a name of its own."""
    for at, found in enumerate(LINES.values()):
        yield bytes([at]) + "\n".join(found).encode()


def syslog_starts() -> Iterable[bytes]:
    """Counted messages and lines."""
    found = [line.encode() for line in LINES["rfc3164"]]
    yield b"\n".join(found) + b"\n" + syslog_frames.pack(found)


def otlp_protobuf(data: bytes) -> None:
    """As `/v1/logs` in protobuf."""
    checked("otlp", data, {"coding": PROTOBUF})


def otlp_json(data: bytes) -> None:
    """As `/v1/logs` in JSON."""
    checked("otlp", data, {"coding": JSON})


def plant_lines(data: bytes) -> None:
    """As `/write`; the first byte says what times count."""
    units = tuple(line_protocol.UNITS)
    hints = {"plant": "works", "precision": units[data[0] % len(units)] if data else "ns"}
    checked("plant", data[1:], hints)


def plant_starts() -> Iterable[bytes]:
    """Every kind of value, everything escaped, and what is refused."""
    lines = (
        rb'm\ 1,t\=1=a\,b f\ 1=1.5e3,g=-7i,h=9u,i="a \"b\" \\",j=T,k=false 1767225600000000000',
        b"# a comment\r\n\r\n  m f=1 \r", b'm note="two\nlines",f=2', b"m f=NaN,g=1e999", b"m,a=1,a=2 f=1", b"m f=1 99999999999999999999",
        b'm f="open',
    )  # fmt: skip
    yield b"\0" + b"\n".join(lines)
    yield from (b"%c" % number + line for number, line in enumerate(lines))


def file_part(data: bytes) -> None:
    """A part of a file: the first byte says how much of it stood in the head, the second what the operator calls it."""
    names = ("", "rfc3164", "zeek_tsv", "w3c", "json", "web_access")
    at = data[0] if data else 0
    hints = {
        "path": "/var/log/x.log", "head": data[2 : 2 + at * 8].decode("latin-1"), "end": "99",
        "format": names[data[1] % len(names)] if len(data) > 1 else "",
    }  # fmt: skip
    body = data[2:]
    for found in (hints, {**hints, "header": "#fields\ta\tb\n#separator \\x09"}):
        checked("file", body, found)


def otlp_json_starts() -> Iterable[bytes]:
    """A record around each line, and every kind of value."""
    records = [
        {"timeUnixNano": "1767225600000000000", "severityNumber": 9, "body": {"stringValue": line}}
        for line in lines()
    ]
    values = [
        {"intValue": "-1"}, {"doubleValue": 0.5}, {"boolValue": True}, {"bytesValue": "AA=="},
        {"arrayValue": {"values": [{"stringValue": "a"}]}},
        {"kvlistValue": {"values": [{"key": "EventID", "value": {"intValue": "1102"}}]}},
    ]  # fmt: skip
    attributes = [{"key": f"k{number}", "value": value} for number, value in enumerate(values)]
    records += [{"body": value, "attributes": attributes, "eventName": "e"} for value in values]
    resource = {"attributes": [{"key": "host.name", "value": {"stringValue": "h"}}]}
    for at in range(0, len(records), 4):
        logs = [{"scope": {"name": "s"}, "logRecords": records[at : at + 4]}]
        yield json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": logs}]}).encode()


def otlp_protobuf_starts() -> Iterable[bytes]:
    """The same in protobuf."""
    for line in lines():
        body = _message(1, line.encode())
        pair = _message(1, b"k") + _message(2, _message(5, _message(1, b"\x18\x07")) + _message(6, b""))
        record = (
            b"\x09"
            + bytes(6)
            + b"\x01\x02"
            + b"\x10\x09"
            + _message(5, body)
            + _message(6, pair)
            + _message(9, bytes(16))
        )
        host = _message(1, _message(1, b"host.name") + _message(2, _message(1, b"h")))
        yield _message(
            1, _message(1, host) + _message(2, _message(1, _message(1, b"s")) + _message(2, record))
        )


def _message(number: int, data: bytes) -> bytes:
    size, out = len(data), bytearray((number << 3 | 2,))
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes((*out, size)) + data


def file_starts() -> Iterable[bytes]:
    """Lines of each format, with more or less of them in the head."""
    for at, found in enumerate(LINES.values()):
        yield bytes([8 * (at % 30), at % 6]) + "\n".join(found).encode()
