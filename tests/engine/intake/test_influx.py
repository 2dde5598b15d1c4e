"""InfluxDB's endpoints of a real intake process: what clients are answered, and what is stored of it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from intake_running import OTHER, TOKEN, Running, bomb

from tocsin.config.bounds import MiB
from tocsin.sources.listened.received import events_of

Start = Callable[..., Running]
WRITE = "/api/v2/write?org=o&bucket=works"
LINE = b"level,tank=1 L_T1=3.5,S_PU1=1i 1700000000000000000\n"


def asked(
    running: Running, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Without a token of its own."""
    connection = running.connect()
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.fixture
def running(start: Start) -> Running:
    return start(plants=["works", "dam"])


def test_points_are_stored_and_become_events(running: Running) -> None:
    assert running.post(WRITE, LINE * 2 + b"# a comment\n") == (204, None)
    assert not {"content-length", "content-type"} & set(running.answered)
    assert running.post("/api/v2/write?bucket=dam&precision=s", b"m f=1 1700000000\n") == (204, None)
    assert running.stop()["records"] == 3
    first, second = running.stored()
    assert (first.listener, first.sender, first.auth, first.count, dict(first.hints)) == (
        "plant", "office", "token", 2, {"plant": "works"},
    )  # fmt: skip
    assert dict(second.hints) == {"plant": "dam", "precision": "s"}
    (event, _), (other,) = events_of(first), events_of(second)
    assert event.fields["readings"] == {"L_T1": 3.5, "S_PU1": 1}
    assert event.time == other.time == 1_700_000_000_000_000


@pytest.mark.parametrize("scheme", ["Token {0}", "Bearer {0}", "Token anybody:{0}", "Splunk {0}"])
def test_a_token_is_shown_in_each_way(running: Running, scheme: str) -> None:
    assert asked(running, "POST", WRITE, LINE, Authorization=scheme.format(TOKEN))[0] == 204
    assert asked(running, "POST", WRITE, LINE, Authorization=scheme.format("wrong"))[0] == 401


def test_version_1_has_the_token_as_password(running: Running) -> None:
    path = "/write?db=works&rp=autogen&consistency=any"
    assert asked(running, "POST", f"{path}&u=x&p={TOKEN}", LINE)[0] == 204
    basic = base64.b64encode(f"x:{OTHER}".encode()).decode()
    assert asked(running, "POST", f"{path}&precision=m", b"m f=1 1", Authorization=f"Basic {basic}")[0] == 204
    status, headers, body = asked(running, "POST", f"{path}&u=x&p=wrong", LINE)
    assert (status, json.loads(body)) == (401, {"error": "unauthorized access"})
    assert headers["x-influxdb-error"] == "unauthorized access"
    assert asked(running, "POST", f"/api/v2/write?bucket=works&p={TOKEN}", LINE)[0] == 401
    status, _, body = asked(running, "POST", f"/write?db=nowhere&p={TOKEN}", LINE)
    assert status == 404
    assert json.loads(body)["error"].startswith('database "nowhere" not found')
    running.stop()
    assert [(one.sender, one.hints.get("precision")) for one in running.stored()] == [
        ("office", None),
        ("plant", "m"),
    ]
    (event,) = events_of(running.stored()[1])
    assert event.time == 60_000_000


def test_lines_that_cannot_be_read_are_told_and_set_aside(running: Running) -> None:
    body = LINE + b"\nbad\n" + LINE + b"m f=NaN\n"
    status, said = running.post(WRITE, body)
    assert status == 400
    assert said == {
        "code": "invalid",
        "message": "partial write: unable to parse line 3: no fields dropped=2",
    }
    status, said = running.post("/write?db=works", body)
    assert (status, said["error"].partition(":")[0]) == (400, "partial write")
    assert running.post(WRITE, b'{"no": "line"}\n')[0] == 400
    assert running.stop()["records"] == 9
    found = [events_of(one) for one in running.stored()]
    assert [(len(one), [aside.record for aside in one.set_aside]) for one in found] == [
        (2, [1, 3]), (2, [1, 3]), (0, [0]),
    ]  # fmt: skip


def test_what_is_refused_and_how(start: Start) -> None:
    running = start(
        plants=["works"], bounds={"BODY_RECORDS": 100, "LINES_VALUES": 150, "REFUSED_LOGINS": 1_000}
    )
    refused = [
        (404, "not found", "/api/v2/write?bucket=a%22b%0a", LINE, {}),
        (400, "invalid", "/api/v2/write", LINE, {}),
        (400, "invalid", WRITE + "&precision=h", LINE, {}),
        (400, "invalid", WRITE, b"", {}),
        (413, "request too large", WRITE, LINE * 101, {}),
        (413, "request too large", WRITE, LINE * 80, {}),
        (413, "request too large", WRITE, bomb(40 * MiB), {"Content-Encoding": "gzip"}),
        (400, "invalid", WRITE, LINE, {"Content-Encoding": "gzip"}),
        (400, "invalid", WRITE, LINE, {"Content-Encoding": "br"}),
        (401, "unauthorized", WRITE, LINE, {"Authorization": "Token x"}),
        (401, "unauthorized", WRITE, LINE, {"Authorization": "Nonsense"}),
    ]
    for status, code, path, body, headers in refused:
        found, said = running.post(path, body, headers)
        assert (found, said["code"]) == (status, code), (path, said)
        assert set(said) == {"code", "message"}
        assert "works" not in said["message"]
    assert asked(running, "POST", "/api/v2/write?bucket=nowhere", LINE)[0] == 401, "no names without a token"
    assert running.post(WRITE, b"", method="GET")[0] == 405
    assert running.post("/write?db=works", b"") == (204, None)
    assert running.post(WRITE, gzip.compress(LINE), {"Content-Encoding": "gzip"}) == (204, None)
    running.stop()
    assert [one.body for one in running.stored()] == [LINE]


def test_a_full_disk_is_told_with_when_to_come_back(running: Running) -> None:
    (running.folder.parent / "full").touch()
    status, said = running.post(WRITE, LINE)
    assert (status, said["code"], running.answered["retry-after"]) == (503, "unavailable", "10")
    status, _, body = asked(running, "GET", "/health")
    assert (status, json.loads(body)["status"]) == (503, "fail")
    (running.folder.parent / "full").unlink()


def test_who_asks_first_is_answered_without_a_token(running: Running) -> None:
    for method in ("GET", "HEAD"):
        status, headers, body = asked(running, method, "/ping")
        assert (status, body) == (204, b"")
        assert headers["x-influxdb-version"].startswith("v2.")
    status, _, body = asked(running, "GET", "/health")
    assert status == 200
    assert json.loads(body)["status"] == "pass"


def test_a_body_whose_answer_was_lost_is_stored_once(start: Start) -> None:
    running = start(plants=["works"])
    running.post(WRITE, LINE + b"bad\n")
    running.kill()
    running = start(plants=["works"])
    assert running.post(WRITE, LINE + b"bad\n")[0] == 400
    assert running.post(WRITE.replace("works", "w"), LINE)[0] == 404
    assert running.stop()["repeats"] == 1
    assert [one.count for one in running.stored()] == [2]


def hostile_point(number: int) -> Point:
    return (
        Point("line\nfeed, comma")
        .tag("a=b", "c d,e")
        .field('te"xt', 'a "quote"\nplant LEVEL=3.0\n\\')
        .field("n o", number)
        .field("half", number / 2)
        .field("even", number % 2 == 0)
        .time(1_700_000_000_000_000_000 + number * 1_000, WritePrecision.NS)
    )


@pytest.mark.parametrize("gzipped", [False, True])
def test_the_official_client_writes(running: Running, gzipped: bool) -> None:
    url = f"http://127.0.0.1:{running.ports['http']}"
    with InfluxDBClient(url, TOKEN, org="o", enable_gzip=gzipped) as client:
        assert client.ping()
        writer = client.write_api(SYNCHRONOUS)
        writer.write("works", record=[hostile_point(number) for number in range(2_000)])
        writer.write("dam", record=b"m f=1 1700000000", write_precision=WritePrecision.S)
        with pytest.raises(ApiException) as refused:
            writer.write("nowhere", record=LINE)
        assert refused.value.status == 404
        with pytest.raises((ApiException, InfluxDBError), match="partial write"):
            writer.write("works", record=[LINE, b"bad"])
    running.stop()
    events = [event for one in running.stored() for event in events_of(one)]
    readings: list[dict[str, Any]] = [event.fields["readings"] for event in events[:2_000]]
    assert [one["n o"] for one in readings] == list(range(2_000))
    assert readings[7] == {
        'te"xt': 'a "quote"\nplant LEVEL=3.0\n\\', "n o": 7, "half": 3.5, "even": False,
    }  # fmt: skip
    assert events[7].fields["tags"] == {"a=b": "c d,e"}
    assert events[7].time == 1_700_000_000_000_007
    assert len(events) == 2_002
