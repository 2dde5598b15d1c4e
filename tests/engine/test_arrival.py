"""A test event is looked for where the service keeps events: it came, it was judged, it could not be read, it never came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.engine.connecting.arrival import Watch
from tocsin.engine.connecting.connection import Sought
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.records.received import Received
from tocsin.store.disk import Disk
from tocsin.store.entries import encode
from tocsin.store.segment import Position
from tocsin.store.store import Store
from tocsin.store.write_ahead import WriteAhead

NOW = 1_795_000_000_000_000


def body(text: str, peer: str = "192.0.2.1", arrived: int = NOW) -> Received:
    return Received("s", 0, 1, arrived, "syslog", "", peer, "none", text.encode())


def read(received: Received) -> EventBatch:
    text, source = received.body.decode(), f"syslog:{received.peer}"
    if text.startswith("broken"):
        return EventBatch.of((), (SetAside(source, 0, None, "It is broken.", text),))
    return EventBatch.of((Event("s", 0, NOW, NOW, frozenset(), {}, text, source, "syslog"),))


class Log:
    """A store, the log of which is written by hand, and judged as far as is said."""

    def __init__(self, root: Path) -> None:
        self.end = Position(0, 0)
        self.store = Store.follow(root, lambda: self.end, read)
        self.root, self.log = root, WriteAhead(root / "wal", Position(0, 0), 0, Disk())

    def take(self, received: Received) -> None:
        self.end = self.log.append(list(encode(received)))

    def judge(self) -> None:
        self.store.commit(self.end)

    def watch(self, nonce: str = "", peer: str = "") -> Watch:
        return Watch(self.root, read, Sought(nonce, peer), lambda: NOW)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    one = Log(tmp_path / "data")
    yield one
    one.log.close()
    one.store.close()


def test_what_came_waits_until_it_was_judged(log: Log) -> None:
    with log.watch("nonce-1") as watch:
        assert watch.wait(0).state == "never"
        log.take(body("another"))
        log.take(body("here is nonce-1 in it"))
        assert watch.wait(0.2).state == "waits"
        log.judge()
        arrival = watch.wait(0)
    assert (arrival.state, arrival.source) == ("judged", "syslog:192.0.2.1")
    assert arrival.event is not None


def test_what_could_not_be_read_says_why(log: Log) -> None:
    with log.watch("nonce-1") as watch:
        log.take(body("broken nonce-1"))
        log.judge()
        arrival = watch.wait(0)
    assert (arrival.state, arrival.reason) == ("set aside", "It is broken.")


def test_only_that_peer_and_only_from_now_on(log: Log) -> None:
    with log.watch(peer="192.0.2.9") as watch:
        log.take(body("one", "192.0.2.1"))
        log.take(body("old", "192.0.2.9", NOW - 1))
        log.judge()
        assert watch.wait(0).state == "never"
        log.take(body("two", "192.0.2.9"))
        log.judge()
        assert watch.wait(0).state == "judged"
