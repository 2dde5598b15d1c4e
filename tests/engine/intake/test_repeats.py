"""Repeats: dropped once where the answer may not have arrived, never otherwise."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from intake_running import TOKEN, Running, event, wait_for

from tocsin.config import bounds
from tocsin.engine.intake.repeats import Repeats, key_of
from tocsin.records.received import Received

Start = Callable[..., Running]
EVENT = "/services/collector/event"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def send(repeats: Repeats, key: bytes, *, answered: bool, named: bool = False, sender: str = "s") -> bool:
    """Whether the body was stored as one of its own."""

    async def one() -> bool:
        ticket = repeats.begin(sender, key, named=named, gone=lambda: not answered)
        if not ticket.repeat:
            repeats.written(ticket, stored=True)
        assert await ticket.stored
        repeats.settle(ticket, answered=answered)
        return not ticket.repeat

    return asyncio.run(one())


def test_one_repeat_of_an_unanswered_body_is_dropped() -> None:
    repeats = Repeats(Clock())
    assert send(repeats, b"k", answered=False)
    assert not send(repeats, b"k", answered=True)
    assert send(repeats, b"k", answered=True)


def test_a_repeat_without_an_answer_leaves_the_body_open() -> None:
    repeats = Repeats(Clock())
    assert send(repeats, b"k", answered=False)
    assert not send(repeats, b"k", answered=False)
    assert not send(repeats, b"k", answered=True)
    assert send(repeats, b"k", answered=True)


def test_an_answered_body_is_never_dropped() -> None:
    repeats = Repeats(Clock())
    assert all(send(repeats, b"k", answered=True) for _ in range(5))


def test_a_body_whose_records_the_client_named_is_always_dropped() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    assert send(repeats, b"k", answered=True, named=True)
    assert not send(repeats, b"k", answered=True, named=True)
    clock.now = bounds.RETRY_SECONDS + 1
    assert send(repeats, b"k", answered=True, named=True)


def test_a_repeat_is_known_for_longer_than_rsyslog_waits_between_two_tries() -> None:
    for named in (False, True):
        clock = Clock()
        repeats = Repeats(clock)
        assert send(repeats, b"k", answered=False, named=named)
        clock.now = 1_800 + 60.0
        assert not send(repeats, b"k", answered=True, named=named)


def test_what_is_sent_on_purpose_under_the_same_names_is_heard_each_hour() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    stored = 0
    for minute in range(0, 241, 10):
        clock.now = minute * 60.0
        stored += send(repeats, b"k", answered=True, named=True)
    assert stored == 5


def test_what_was_recalled_after_a_kill_is_open_for_minutes_only() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    received = Received("x", 0, 1, 1, "hec-event", "s", "::1", "token", b"{}")
    key = key_of("s", "hec-event", {}, b"{}")
    repeats.recall(received)
    clock.now = bounds.RECALLED_SECONDS - 1
    assert not send(repeats, key, answered=True)
    repeats.recall(received)
    clock.now = 2 * bounds.RECALLED_SECONDS
    assert send(repeats, key, answered=True)


def test_what_is_held_of_a_sender_costs_little() -> None:
    for named in (False, True):
        repeats = Repeats(Clock())
        gc.collect()
        tracemalloc.start()
        for number in range(2_000):
            key = key_of("s", "hec-event", {}, b"%d" % number)
            send(repeats, key, answered=False, named=named)
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert size / 2_000 < 300


def test_an_open_body_is_forgotten_in_time_and_in_number(monkeypatch) -> None:
    clock = Clock()
    repeats = Repeats(clock)
    send(repeats, b"k", answered=False)
    clock.now = bounds.RETRY_SECONDS + 1
    assert send(repeats, b"k", answered=False)
    monkeypatch.setattr(bounds, "REPEATS_HELD", 10)
    for number in range(50):
        send(repeats, b"%d" % number, answered=False)
    held = repeats._senders["s"]
    assert len(held.open) == 10
    assert not held.moving


def test_another_sender_listener_or_hint_is_another_body() -> None:
    keys = {key_of(*one) for one in [
        ("a", "hec-raw", {}, b"x"), ("b", "hec-raw", {}, b"x"), ("a", "bulk", {}, b"x"), ("a", "hec-raw", {}, b"y"),
        ("a", "hec-raw", {"host": "1"}, b"x"), ("a", "hec-raw", {"host": "2"}, b"x"), ("a", "hec-rawhost", {"1": ""}, b"x"),
    ]}  # fmt: skip
    assert len(keys) == 7


def post_and_go(running: Running, body: bytes) -> None:
    """Sends a body and is gone before the answer."""
    with socket.create_connection(("127.0.0.1", running.ports["http"]), timeout=20) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        head = (
            f"POST {EVENT} HTTP/1.1\r\nAuthorization: Splunk {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        peer.sendall(head.encode() + body)
        wait_for(lambda: list(running.folder.glob("*.wal")), "the write")


def test_a_client_that_was_gone_sends_again_while_and_after_it_is_written(
    start: Start, tmp_path: Path
) -> None:
    running = start()
    (tmp_path / "still").touch()
    post_and_go(running, event(1))
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(running.post, EVENT, event(1))
        running.post("/healthz", b"", method="GET")
        (tmp_path / "still").unlink()
        assert again.result()[0] == 200
    assert running.post(EVENT, event(1))[0] == 200
    counted = running.stop()
    assert (counted["repeats"], counted["bodies"]) == (1, 2)
    one, two = running.stored()
    assert one.body == two.body
    assert one.stream != two.stream


def test_after_a_kill_a_repeat_is_dropped_once_and_after_a_stop_never(start: Start) -> None:
    running = start()
    assert running.post(EVENT, event(1))[0] == 200
    running.kill()
    running = start()
    assert [running.post(EVENT, event(1))[0] for _ in range(2)] == [200, 200]
    assert running.stop()["repeats"] == 1
    running = start(clean=True)
    assert running.post(EVENT, event(1))[0] == 200
    assert running.stop()["repeats"] == 0
    assert len(running.stored()) == 3


def test_named_bulk_bodies_are_the_same_stream_over_a_restart(start: Start) -> None:
    body = b'{"create":{"_index":"a","_id":"1"}}\n{"x":1}\n'
    running = start()
    assert running.post("/_bulk", body)[0] == 200
    running.kill()
    running = start()
    assert [running.post("/_bulk", body)[0] for _ in range(3)] == [200] * 3
    assert running.stop()["repeats"] == 3
    assert len(running.stored()) == 1
