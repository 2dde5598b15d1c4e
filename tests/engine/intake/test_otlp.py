"""OpenTelemetry's own exporter against a real intake process, and what the specification says of answers."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from intake_running import TOKEN, Running
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from tocsin.sources.listened.received import events_of

Start = Callable[..., Running]
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def sent(*bodies: str) -> bytes:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for body in bodies:
        records.add().body.string_value = body
    return request.SerializeToString()


def raw(running: Running, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = running.connect()
    try:
        given = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-protobuf"}
        connection.request(
            "POST", "/v1/logs", body, given | {name.replace("_", "-"): one for name, one in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_sdk_s_exporter_delivers(start: Start, compression: Compression) -> None:
    running = start()
    exporter = OTLPLogExporter(
        f"http://127.0.0.1:{running.ports['http']}/v1/logs", headers={"Authorization": f"Bearer {TOKEN}"},
        compression=compression,
    )  # fmt: skip
    provider = LoggerProvider(Resource.create({"host.name": "ws-014", "service.name": "sshd"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = logging.getLogger(f"tocsin-test-{compression.value}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(LoggingHandler(logger_provider=provider))
    for number in range(1500):
        logger.warning("Failed password for root from 192.0.2.%d", number % 250, extra={"number": number})
    provider.shutdown()
    running.stop()
    events = [event for one in running.stored() for event in events_of(one)]
    assert [event.fields["number"] for event in events] == list(range(1500))
    assert {event.host for event in events} == {"ws-014"}
    assert {event.auth for event in events} == {"token"}
    assert all(event.time_known for event in events)
    assert events[7].fields["severity_text"] == "WARN"
    assert events[7].raw == "Failed password for root from 192.0.2.7"


def test_answers_are_in_the_form_of_the_request(start: Start) -> None:
    running = start()
    status, body = raw(running, sent("a", "b"))
    assert (status, body) == (200, b"")
    assert raw(running, gzip.compress(sent("c")), Content_Encoding="gzip")[0] == 200
    text = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "d"}}]}]}]}
    assert raw(running, json.dumps(text).encode(), Content_Type="application/json") == (200, b"{}")
    assert raw(running, b"", Content_Type="application/json; charset=utf-8")[0] == 400
    assert raw(running, b"") == (200, b"")
    status, body = raw(running, b"\x0a\xff")
    assert status == 400
    assert Status.FromString(body).code == 3
    status, body = raw(running, sent("e"), Authorization="Bearer wrong")
    assert status == 403
    assert Status.FromString(body).message == "the token is unknown"
    assert raw(running, sent("e"), Content_Type="text/plain")[0] == 415
    assert raw(running, sent(*"x" * 60_000))[0] == 400
    running.stop()
    assert [one.count for one in running.stored()] == [2, 1, 1]


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return {"body": value}


def test_a_record_that_cannot_be_taken_is_rejected_alone(start: Start) -> None:
    running = start(bounds={"RECORD_BYTES": 10_000})
    status, body = raw(running, sent("a", "x" * 20_000, "b"))
    assert status == 200
    partial = ExportLogsServiceResponse.FromString(body).partial_success
    assert (partial.rejected_log_records, partial.error_message) == (1, "longer than 10000 bytes")
    text = {"resourceLogs": [{"scopeLogs": [{"logRecords": [deep(40), {"body": {"stringValue": "c"}}]}]}]}
    status, body = raw(running, json.dumps(text).encode(), Content_Type="application/json")
    assert json.loads(body)["partialSuccess"]["rejectedLogRecords"] == "1"
    running.stop()
    first, second = running.stored()
    assert (first.count, second.count) == (2, 1)


def test_a_body_whose_answer_was_lost_is_stored_once(start: Start) -> None:
    running = start()
    raw(running, sent("a"))
    running.kill()
    running = start()
    assert raw(running, sent("a"))[0] == 200
    assert running.stop()["repeats"] == 1
    assert len(running.stored()) == 1
