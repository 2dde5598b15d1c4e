"""The HTTP endpoints of a real process: protocols' own words, bounds, hostile senders."""

from __future__ import annotations

import base64
import gzip
import json
import random
import socket
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain

import pytest
import zstandard
from intake_running import OTHER, TOKEN, Running, bomb, event, wait_for

Start = Callable[..., Running]
EVENT = "/services/collector/event"
CHANNEL = "0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba"


def raw_request(running: Running, text: bytes) -> bytes:
    """What the server answers to these very bytes, until it closes."""
    with socket.create_connection(("127.0.0.1", running.ports["http"]), timeout=20) as peer:
        peer.sendall(text)
        parts = []
        while part := peer.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def test_an_event_is_stored_as_it_came_and_answered_in_splunks_words(start: Start) -> None:
    running = start()
    assert running.post(EVENT, event(1) + event(2)) == (200, {"text": "Success", "code": 0})
    assert running.stop()["records"] == 2
    (stored,) = running.stored()
    assert stored.body == event(1) + event(2)
    assert (stored.listener, stored.sender, stored.peer, stored.auth, stored.count) == (
        "hec-event", "office", "127.0.0.1", "token", 2,
    )  # fmt: skip


def test_the_raw_endpoint_keeps_what_the_query_says(start: Start) -> None:
    running = start()
    status, _ = running.post("/services/collector/raw?host=web1&sourcetype=nginx&x=y", b"one\ntwo\n")
    assert status == 200
    running.stop()
    (stored,) = running.stored()
    assert (stored.listener, stored.count) == ("hec-raw", 2)
    assert dict(stored.hints) == {"host": "web1", "sourcetype": "nginx"}


def test_acknowledgements_are_true_at_once(start: Start) -> None:
    running = start()
    status, said = running.post(EVENT, event(1), {"X-Splunk-Request-Channel": CHANNEL})
    assert status == 200
    assert said["ackId"] == 0
    asked = json.dumps({"acks": [0, 7]}).encode()
    assert running.post(f"/services/collector/ack?channel={CHANNEL}", asked) == (
        200, {"acks": {"0": True, "7": True}},
    )  # fmt: skip
    assert running.post("/services/collector/ack", asked)[1] == {
        "text": "Data channel is missing",
        "code": 10,
    }
    assert running.post(f"/services/collector/ack?channel={CHANNEL}", b"[[")[0] == 400


@pytest.mark.parametrize(
    ("body", "code"), [(b"", 5), (b"{", 6), (b'{"event":""}', 13), (b'{"a":1}', 12), (b"\xff", 6)]
)
def test_a_bad_body_is_told_by_splunks_code(start: Start, body: bytes, code: int) -> None:
    running = start()
    status, said = running.post(EVENT, body)
    assert (status, said["code"]) == (400, code)
    running.stop()
    assert running.stored() == []


def test_tokens_are_asked_for_in_every_form(start: Start) -> None:
    running = start()
    basic = base64.b64encode(f"any:{TOKEN}".encode()).decode()
    for said, status in [
        (f"Splunk {TOKEN}", 200), (f"Bearer {OTHER}", 200), (f"Basic {basic}", 200), (f"ApiKey {basic}", 200),
        ("Splunk wrong", 403), ("Splunk", 401), ("Basic !!", 401), ("Strange x", 401), ("", 401),
    ]:  # fmt: skip
        assert running.post(EVENT, event(1), {"Authorization": said})[0] == status, said
    assert running.post("/_bulk", b"", {"Authorization": "ApiKey " + basic[:-4] + "QUJD"})[0] == 401
    counted = running.stop()
    assert counted["refused"] == {"unknown": 2, "malformed": 3, "missing": 1}


def test_an_address_that_guesses_is_cut_off_and_a_right_token_still_passes(start: Start) -> None:
    running = start(bounds={"REFUSED_LOGINS": 3})
    answers = [running.post(EVENT, event(1), token=f"guess{number}")[0] for number in range(6)]
    assert answers == [403, 403, 403, 429, 429, 429]
    assert running.answered["retry-after"] == "60"
    assert running.post(EVENT, event(1))[0] == 200


def test_content_codings(start: Start) -> None:
    running = start()
    body = event(1, "coded" * 1000)
    raw = zlib.compressobj(wbits=-15)
    for coding, coded in [
        ("gzip", gzip.compress(body)),
        ("gzip", gzip.compress(body[:100]) + gzip.compress(body[100:])),
        ("deflate", zlib.compress(body)),
        ("deflate", raw.compress(body) + raw.flush()),
        ("zstd", zstandard.compress(body)),
        ("identity", body),
    ]:
        assert running.post(EVENT, coded, {"Content-Encoding": coding})[0] == 200, coding
    for coding, coded in [("gzip", body), ("gzip", gzip.compress(body)[:-9]), ("zstd", body), ("br", body)]:
        assert running.post(EVENT, coded, {"Content-Encoding": coding})[0] == 415, coding
    running.stop()
    assert [one.body for one in running.stored()] == [body] * 6


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "identity"])
def test_a_bomb_is_refused(start: Start, coding: str) -> None:
    running = start(bounds={"BODY_BYTES": 1 << 20, "BODY_WIRE_BYTES": 1 << 20})
    size = 64 << 20
    wire = {
        "gzip": lambda: bomb(size),
        "deflate": lambda: zlib.compress(b"\n" * size),
        "zstd": lambda: zstandard.compress(b"\n" * size),
        "identity": lambda: b"\n" * (3 << 20),
    }[coding]()
    status, said = running.post(EVENT, wire, {"Content-Encoding": coding})
    assert (status, said["code"]) == (413, 6)
    assert running.post(EVENT, event(1))[0] == 200


def test_chunks_and_a_missing_length(start: Start) -> None:
    running = start()
    head = (
        f"POST {EVENT} HTTP/1.1\r\nHost: x\r\nAuthorization: Splunk {TOKEN}\r\nConnection: close\r\n".encode()
    )
    body = event(1)
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    assert b"200 OK" in raw_request(running, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked)
    assert b'"code":5' in raw_request(running, head + b"\r\n")
    both = head + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked
    assert b" 400 " in raw_request(running, both).splitlines()[0]
    running.stop()
    assert [one.body for one in running.stored()] == [body]


def test_a_slow_loris_is_closed_and_others_are_served(start: Start) -> None:
    running = start(bounds={"HEAD_SECONDS": 0.5, "BODY_SECONDS": 0.5})
    address = ("127.0.0.1", running.ports["http"])
    head = f"POST {EVENT} HTTP/1.1\r\nAuthorization: Splunk {TOKEN}\r\n".encode()
    slow = [socket.create_connection(address, timeout=20) for _ in range(30)]
    for number, peer in enumerate(slow):
        peer.sendall([b"", head, head + b"Content-Length: 100\r\n\r\n{"][number % 3])
    assert running.post(EVENT, event(1))[0] == 200
    began = time.monotonic()
    for peer in slow:
        while peer.recv(4096):
            pass
        peer.close()
    assert time.monotonic() - began < 15
    assert running.stop()["refused"]["slow"] == 30


def test_a_head_without_end_is_closed(start: Start) -> None:
    running = start()
    many = b"GET / HTTP/1.1\r\n" + b"".join(b"a%d: b\r\n" % number for number in range(200)) + b"\r\n"
    assert b" 431 " in raw_request(running, many)
    assert b" 431 " in raw_request(running, b"GET / HTTP/1.1\r\nA: " + b"x" * 40_000)
    assert b" 400 " in raw_request(running, b"\x16\x03\x01\x02\x00 no http at all\r\n\r\n")


def test_too_many_connections_of_one_address(start: Start) -> None:
    running = start(bounds={"PEER_CONNECTIONS": 3})
    address = ("127.0.0.1", running.ports["http"])
    held = [socket.create_connection(address, timeout=20) for _ in range(3)]
    fourth = socket.create_connection(address, timeout=20)
    _demand_closed(fourth)
    for peer in held:
        peer.close()
    wait_for(
        lambda: running.of("counted") and running.of("counted")[-1]["counters"]["refused"]["connections"]
    )
    assert wait_for(lambda: _status(running) == 200)


def _status(running: Running) -> int:
    try:
        return running.post(EVENT, event(1))[0]
    except OSError:
        return 0


def _demand_closed(peer: socket.socket) -> None:
    with peer, suppress(ConnectionResetError):
        assert peer.recv(10) == b""


def test_a_sender_with_too_much_in_flight_is_told_and_the_other_is_not(start: Start, tmp_path) -> None:
    running = start(bounds={"SENDER_IN_FLIGHT_BYTES": 200_000})
    (tmp_path / "still").touch()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(running.post, EVENT, event(1, "x" * 150_000))
        wait_for(lambda: list(running.folder.glob("*.wal")), "the first one in flight")
        assert running.post("/services/collector/raw", b"y" * 100_000)[0] == 429
        assert running.answered["retry-after"] == "1"
        other = pool.submit(running.post, EVENT, event(2, "x" * 100_000), None, OTHER)
        (tmp_path / "still").unlink()
        assert first.result()[0] == 200
        assert other.result()[0] == 200


def test_bulk_answers_each_item(start: Start) -> None:
    running = start()
    body = (
        b'{"create":{"_index":"logs"}}\n{"message":"a"}\n'
        b'{"index":{"_id":"7"}}\n{"message":"b"}\n'
        b'{"delete":{"_id":"7"}}\n'
    )
    status, said = running.post("/winlogbeat-8/_bulk", body, {"Content-Type": "application/x-ndjson"})
    assert status == 200
    assert said["errors"] is True
    assert running.answered["x-elastic-product"] == "Elasticsearch"
    results = [next(iter(item.items())) for item in said["items"]]
    assert [(name, one["status"], one["_index"]) for name, one in results] == [
        ("create", 201, "logs"), ("index", 201, "winlogbeat-8"), ("delete", 400, "winlogbeat-8"),
    ]  # fmt: skip
    assert results[1][1]["_id"] == "7"
    assert results[0][1]["_id"]
    assert running.post("/_bulk", b"no json\n")[0] == 400
    assert running.post("/_bulk", b"{}\n", method="GET")[0] == 405
    running.stop()
    (stored,) = running.stored()
    assert (stored.listener, stored.count, dict(stored.hints)) == ("bulk", 2, {"index": "winlogbeat-8"})


def test_what_shippers_ask_first(start: Start) -> None:
    running = start()
    status, said = running.post("/", b"", method="GET")
    assert status == 200
    assert said["version"]["number"].startswith("8.")
    assert running.answered["x-elastic-product"] == "Elasticsearch"
    assert running.post("/", b"", method="HEAD")[0] == 200
    assert running.post("/_license", b"", method="GET")[1]["license"]["status"] == "active"
    assert running.post("/_xpack", b"", method="GET")[0] == 200
    assert running.post("/_cluster/health", b"", method="GET")[1]["status"] == "green"
    assert running.post("/_search", b"{}")[0] == 404
    assert running.post("/services/collector/health", b"", {"Authorization": ""}, method="GET") == (
        200, {"text": "HEC is healthy", "code": 17},
    )  # fmt: skip
    assert running.post("/healthz", b"", {"Authorization": ""}, method="GET") == (200, {"status": "ok"})


def test_a_thousand_posts_are_all_stored_whole_and_once(start: Start) -> None:
    running = start()

    def send(worker: int) -> list[int]:
        connection = running.connect()
        statuses = []
        for number in range(50):
            body = event(worker * 50 + number, "z" * (number * 37))
            connection.request("POST", EVENT, body, {"Authorization": f"Splunk {TOKEN}"})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()
        return statuses

    with ThreadPoolExecutor(20) as pool:
        assert set(chain.from_iterable(pool.map(send, range(20)))) == {200}
    counted = running.stop()
    assert (counted["bodies"], counted["repeats"]) == (1_000, 0)
    assert counted["groups"] < 1_000
    stored = running.stored()
    assert len({one.stream for one in stored}) == 1_000
    assert sorted(json.loads(one.body)["event"]["number"] for one in stored) == list(range(1_000))


def test_rubbish_on_every_port_harms_nobody(start: Start) -> None:
    running = start()
    rng = random.Random(7)
    heads = [
        b"", b"GET / HTTP/1.1\r\n", b"POST /_bulk HTTP/1.1\r\nContent-Length: 9\r\n\r\n", b"\x16\x03\x01", b"99999 <",
        f"POST {EVENT} HTTP/1.1\r\nAuthorization: Splunk {TOKEN}\r\nContent-Encoding: zstd\r\n\r\n".encode(),
        b"GET /%ff%00?%zz HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    ]  # fmt: skip
    for number in range(200):
        rubbish = heads[number % len(heads)] + rng.randbytes(rng.randrange(3_000))
        for name in ("http", "syslog-tcp"):
            address = ("127.0.0.1", running.ports[name])
            with suppress(OSError), socket.create_connection(address, timeout=20) as peer:
                peer.sendall(rubbish)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(rubbish, ("127.0.0.1", running.ports["syslog-udp"]))
    assert running.post(EVENT, event(1))[0] == 200
    assert running.of("told") == []
    running.stop()
    assert event(1) in [one.body for one in running.stored()]
