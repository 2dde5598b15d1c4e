"""Log records out of both forms: the same events, and broken ones set aside in their place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tocsin.config import bounds
from tocsin.records.event import EventBatch
from tocsin.records.received import Received
from tocsin.sources.listened import otlp
from tocsin.sources.listened.received import events_of
from tocsin.sources.protobuf_wire import BadMessage

NOW = 1_764_000_000_000_000


def batch(body: bytes, coding: str) -> EventBatch:
    count = otlp.check(body, coding).taken
    return events_of(
        Received("s", 0, count, NOW, "otlp", "office", "192.0.2.1", "token", body, {"coding": coding})
    )


def request() -> ExportLogsServiceRequest:
    made = ExportLogsServiceRequest()
    group = made.resource_logs.add()
    group.resource.attributes.add(key="host.name").value.string_value = "ws-014"
    scope = group.scope_logs.add()
    scope.scope.name = "app"
    line = scope.log_records.add(
        time_unix_nano=1_763_900_000_123_456_000, severity_text="ERROR", severity_number=17
    )
    line.body.string_value = (
        "Nov 23 12:00:00 web sshd[1]: Failed password for root from 192.0.2.9 port 22 ssh2"
    )
    line.attributes.add(key="log.file.path").value.string_value = "/var/log/auth.log"
    line.trace_id = bytes(range(16))
    thing = scope.log_records.add(observed_time_unix_nano=1_763_900_001_000_000_000)
    for key, value in (("Channel", "Security"), ("EventID", 1102)):
        pair = thing.body.kvlist_value.values.add(key=key)
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value
    bare = scope.log_records.add(event_name="login")
    bare.attributes.add(key="user.name").value.string_value = "anna"
    bare.attributes.add(key="n").value.double_value = 0.5
    bare.attributes.add(key="minus").value.int_value = -7
    bare.attributes.add(key="yes").value.bool_value = True
    bare.attributes.add(key="list").value.array_value.values.add().string_value = "one"
    return made


def as_json(made: ExportLogsServiceRequest) -> bytes:
    found: Any = MessageToDict(made, use_integers_for_enums=True)
    found["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["traceId"] = bytes(range(16)).hex()
    return json.dumps(found).encode()


def test_both_forms_say_the_same() -> None:
    made = request()
    one, other = batch(made.SerializeToString(), "protobuf"), batch(as_json(made), "json")
    assert [(event.fields, event.time) for event in other] == [(event.fields, event.time) for event in one]
    assert one.set_aside == other.set_aside == ()
    line, thing, bare = one
    assert (line.format, line.host, line.fields["log.file.path"]) == ("rfc3164", "web", "/var/log/auth.log")
    assert line.fields["trace_id"] == bytes(range(16)).hex()
    assert (thing.fields["EventID"], thing.host, thing.time) == (1102, "ws-014", 1_763_900_001_000_000)
    assert (bare.fields["user.name"], bare.fields["event_name"], bare.fields["minus"]) == (
        "anna",
        "login",
        -7,
    )
    assert (bare.fields["yes"], bare.fields["list"], bare.fields["n"]) == (True, ["one"], 0.5)


def test_a_broken_record_is_set_aside_in_its_place() -> None:
    good, broken = b"\x2a\x03\x0a\x01a", b"\x2a\x03\x0a\x09a"
    records = b"".join(b"\x12" + bytes((len(one),)) + one for one in (good, broken, good))
    scope = b"\x12" + bytes((len(records),)) + records
    found = batch(b"\x0a" + bytes((len(scope),)) + scope, "protobuf")
    assert [event.seq for event in found] == [0, 2]
    assert [one.record for one in found.set_aside] == [1]
    assert "cut short" in found.set_aside[0].reason


def test_two_bytes_a_value_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ExportLogsServiceRequest()
    made.resource_logs.add().scope_logs.add().log_records.add()
    data = b"\x32\x00" * 100_000
    found = batch(_around(data), "protobuf")
    assert "values in one record" in found.set_aside[0].reason
    monkeypatch.setattr(bounds, "BODY_RECORDS", 100)
    with pytest.raises(BadMessage):
        otlp.check(_around(b"", b"\x12\x00" * 101), "protobuf")


def _length(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def _around(record: bytes, records: bytes = b"") -> bytes:
    for tag in (b"\x12", b"\x12", b"\x0a") if not records else (b"\x12", b"\x0a"):
        data = records or record
        record, records = tag + _length(len(data)) + data, b""
    return record
