"""Bodies made to cost much: they are refused, or cost little."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import pytest
from tests.fuzz.listened import received

from tocsin.config import bounds
from tocsin.config.bounds import MiB
from tocsin.records.received import Listener
from tocsin.sources.listened import elastic_bulk, otlp, splunk_hec, syslog_frames
from tocsin.sources.listened.otlp_pieces import JSON, PROTOBUF
from tocsin.sources.listened.received import events_of
from tocsin.sources.protobuf_wire import BadMessage


def peak(call: Callable[[], object]) -> int:
    """Bytes that `call` takes at most, beyond what there was."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("element", [b"1,", b"{},", b"[],", b'{"event":null},'])
def test_an_array_of_nothing_costs_no_memory(element: bytes) -> None:
    body = b"[" + element * (2 * MiB // len(element)) + b"1]"

    def refused() -> None:
        with pytest.raises(splunk_hec.BadBody):
            splunk_hec.check_events(body)

    assert peak(refused) < 3 * MiB


def test_arrays_are_read_as_they_stand() -> None:
    ones = b'{"event":{"a":[{"b":1},{"c":2}]}} , {"event":"},{"}\n,{"event":[{}]}'
    assert [one.text for one in splunk_hec.event_objects(b" [ " + ones + b" ] ")] == [
        b'{"a":[{"b":1},{"c":2}]}',
        b'"},{"',
        b"[{}]",
    ]
    for bad in (b"[" + ones, b"[" + ones + b",]", b"[" + ones + b"]]", b"[,]", ones, b"[" + ones + b"] x"):
        with pytest.raises(splunk_hec.BadBody):
            splunk_hec.check_events(bad)


def test_lists_of_otlp_hold_objects_and_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    start, end = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[', b"]}]}]}"

    def refused(body: bytes) -> None:
        with pytest.raises(BadMessage):
            otlp.check(body, JSON)

    assert peak(lambda: refused(start + b"1," * MiB + b"1" + end)) < 5 * MiB
    monkeypatch.setattr(bounds, "OTLP_OBJECTS", 100)
    refused(start + b"{}," * 200 + b"{}" + end)


def field(number: int, data: bytes) -> bytes:
    assert len(data) < 1 << 14
    length = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])
    return bytes([number << 3 | 2]) + length + data


@pytest.mark.parametrize("coding", [PROTOBUF, JSON])
def test_what_is_said_of_all_records_is_counted_for_each(
    coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """35 kB would become 1.2 GB: 2,000 attributes of a resource in each of 5,000 events."""
    monkeypatch.setattr(bounds, "OTLP_SHARED_BYTES", 20_000)
    if coding == PROTOBUF:
        attributes = b"".join(
            field(1, field(1, b"k%d" % number) + field(2, b"\x18\x01")) for number in range(50)
        )
        body = field(1, field(1, attributes) + field(2, field(2, b"") * 100))
    else:
        pairs = [{"key": f"k{number}", "value": {"intValue": 1}} for number in range(50)]
        scopes = [{"logRecords": [{}] * 100}]
        body = json.dumps(
            {"resourceLogs": [{"resource": {"attributes": pairs}, "scopeLogs": scopes}]}
        ).encode()
    checked = otlp.check(body, coding)
    assert 0 < checked.taken < 50
    assert checked.taken + checked.rejected == 100
    assert "resources and scopes" in checked.why
    batch = events_of(received("otlp", body, checked.taken, {"coding": coding}))
    assert len(batch) == checked.taken
    assert not batch.set_aside


def test_names_of_an_index_and_ids_are_short() -> None:
    lines = [{"index": {"_index": "é" * 128}}, {"a": 1}, {"create": {"_id": "x" * 513}}, {"a": 1}, {"index": {"_id": "x" * 512}}, {"a": 1}]  # fmt: skip
    found = elastic_bulk.check(b"".join(json.dumps(line).encode() + b"\n" for line in lines), "i")
    assert [bool(one.error) for one in found] == [True, True, False]
    assert max(len(one.index) for one in found) <= 64


def test_no_listener_lets_a_sender_set_the_envelope() -> None:
    forged = json.dumps({"t_auth": "mtls", "t_stream": "x", "t_seq": 0, "t_origin": "demo", "t_host": "h"})
    pairs = [{"key": name, "value": {"stringValue": text}} for name, text in {"t_auth": "mtls", "t_stream": "x"}.items()]  # fmt: skip
    record = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": forged}, "attributes": pairs}]}]}]}  # fmt: skip
    bodies: dict[Listener, tuple[bytes, dict[str, str]]] = {
        "hec-event": (b'{"event":' + forged.encode() + b',"fields":' + forged.encode() + b"}", {}),
        "hec-raw": (forged.encode(), {}),
        "bulk": (b'{"index":{}}\n' + forged.encode() + b"\n", {"index": "i"}),
        "syslog": (syslog_frames.pack([b"<13>1 - h app - - - " + forged.encode()]), {"transport": "udp"}),
        "file": (forged.encode() + b"\n", {"path": "/var/log/x", "head": forged}),
        "otlp": (json.dumps(record).encode(), {"coding": "json"}),
        "plant": (b'm,t_auth=mtls,t_seq=0 t_stream="x",t_origin="demo",t_host="h"', {"plant": "works"}),
    }
    for listener, (body, hints) in bodies.items():
        (event,) = events_of(received(listener, body, 1, hints))
        assert (event.stream, event.seq, event.auth, event.origin) == ("str", 5, "token", "live"), listener


def test_a_framer_counts_what_it_holds() -> None:
    framer = syslog_frames.Framer()
    for lie in (b"999999999 <", b"-5 <13>x", b"0 <13>x", b"5<13>", b"<13>" + b"\xff" * 100):
        framer.feed(lie)
        assert framer.held < 1_000
    framer.feed(b"x" * 3 * bounds.SYSLOG_MESSAGE_BYTES)
    assert framer.held <= bounds.SYSLOG_MESSAGE_BYTES + 1_000
