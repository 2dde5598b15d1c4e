"""What is acknowledged is in the log: under kill -9, a full disk, a broken disk, a stop, a crowd."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from intake_running import TOKEN, Running, event, wait_for

from tocsin.store.segment import Position

Start = Callable[..., Running]
EVENT = "/services/collector/event"


class Load:
    """Senders that post numbered events until they are told to stop; a refused or cut off one is sent again."""

    def __init__(self, port: int, workers: int, first: int = 0) -> None:
        self.acknowledged: list[int] = []
        self.statuses: set[int] = set()
        self._port = port
        self._stop = threading.Event()
        self._next = first
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._stop.is_set():
            with self._lock:
                number, self._next = self._next, self._next + 1
            try:
                connection.request(
                    "POST", EVENT, event(number, "l" * 500), {"Authorization": f"Splunk {TOKEN}"}
                )
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                break
            self.statuses.add(response.status)
            if response.status == 200:
                self.acknowledged.append(number)
        connection.close()


def numbers(running: Running) -> list[int]:
    return [json.loads(one.body)["event"]["number"] for one in running.stored()]


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.soak)])
def test_killed_under_load_it_has_what_it_acknowledged(start: Start, kills: int) -> None:
    acknowledged: list[int] = []
    rng = random.Random(4)
    for round_ in range(kills):
        running = start(bounds={"WAL_SEGMENT_BYTES": 50_000})
        load = Load(running.ports["http"], 6, first=round_ * 1_000_000)
        wait_for(lambda load=load: len(load.acknowledged) > 20, "acknowledgements")
        time.sleep(rng.random() / 5)
        running.kill()
        load.stop()
        acknowledged += load.acknowledged
    stored = numbers(running)
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))


def test_a_full_disk_is_told_and_passes_by_itself(start: Start, tmp_path: Path) -> None:
    running = start(bounds={"DISK_RETRY_SECONDS": 0.1, "WAL_SEGMENT_BYTES": 50_000}, published=True)
    load = Load(running.ports["http"], 4)
    wait_for(lambda: len(load.acknowledged) > 20, "acknowledgements")
    for _ in range(3):
        (tmp_path / "full").touch()
        assert wait_for(lambda: refused(running), "a refusal") == 503
        assert running.answered["retry-after"] == "10"
        assert running.post("/healthz", b"", method="GET")[0] == 503
        (tmp_path / "full").unlink()
        wait_for(lambda: running.post(EVENT, event(-1))[0] == 200, "the recovery")
    load.stop()
    assert load.statuses == {200, 503}
    assert "No space left on device" in running.of("told")[0]["text"]
    assert running.of("told")[-1]["text"] == "The disk takes writes again."
    running.stop()
    stored = [number for number in numbers(running) if number >= 0]
    assert sorted(stored) == sorted(load.acknowledged), (
        "what was told 503 is not stored, so that it may come again"
    )
    published = [Position(*one["position"]) for one in running.of("published")]
    assert published == sorted(published)
    assert published[-1] == Position(*published[-1])


def refused(running: Running) -> int:
    status, said = running.post(EVENT, event(-2))
    if status == 200:
        return 0
    assert said == {"text": "Server is busy", "code": 9}
    return status


def test_after_another_failure_of_the_disk_nothing_is_taken_until_a_restart(
    start: Start, tmp_path: Path
) -> None:
    running = start(bounds={"DISK_RETRY_SECONDS": 0.05})
    assert running.post(EVENT, event(1))[0] == 200
    (tmp_path / "broken").touch()
    assert running.post(EVENT, event(2))[0] == 503
    (tmp_path / "broken").unlink()
    for _ in range(5):
        assert running.post(EVENT, event(3))[0] == 503
    assert "start Tocsin again" in running.of("told")[0]["text"]
    running.stop()
    again = start()
    assert again.post(EVENT, event(4))[0] == 200
    again.stop()
    assert {1, 4} <= set(numbers(again))


def test_a_full_backlog_is_refused_at_once(start: Start, tmp_path: Path) -> None:
    running = start(bounds={"BACKLOG_BYTES": 100_000})
    (tmp_path / "still").touch()
    with ThreadPoolExecutor(3) as pool:
        held = pool.submit(running.post, EVENT, event(1, "x" * 80_000))
        wait_for(lambda: list(running.folder.glob("*.wal")), "the first write")
        status, said = running.post(EVENT, event(2, "x" * 80_000))
        assert (status, said["code"]) == (503, 9)
        assert running.post("/_bulk", b'{"index":{"_index":"a"}}\n{"x":"%s"}\n' % (b"y" * 80_000))[0] == 429
        (tmp_path / "still").unlink()
        assert held.result()[0] == 200


def test_a_stop_finishes_what_is_in_flight(start: Start, tmp_path: Path) -> None:
    running = start()
    (tmp_path / "still").touch()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(running.post, EVENT, event(1))
        wait_for(lambda: list(running.folder.glob("*.wal")), "the first write")
        running.process.terminate()
        wait_for(lambda: not listens(running), "the port to be free")
        (tmp_path / "still").unlink()
        assert held.result()[0] == 200
    assert running.process.wait(20) == 0
    assert numbers(running) == [1]


def listens(running: Running) -> bool:
    try:
        socket.create_connection(("127.0.0.1", running.ports["http"]), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_stop_waits_for_no_idle_connection(start: Start) -> None:
    running = start()
    idle = running.connect()
    idle.connect()
    began = time.monotonic()
    running.stop()
    assert time.monotonic() - began < 5
    idle.close()
