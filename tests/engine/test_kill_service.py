"""`tocsin run` killed with SIGKILL under load, over and over: what was acknowledged is there, once, and so are its findings."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread

import pytest

from tocsin.config.tokens import add_token
from tocsin.engine.serving import reads
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store

PATIENCE = 60.0
"""Seconds until something that must happen has not."""


class Running:
    """`tocsin run` as a user starts it, on a free port."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.out = out
        self._mark = out.stat().st_size if out.exists() else 0
        with out.open("ab") as written:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tocsin", "--config", str(folder / "tocsin.toml"), "run", "--json"],
                stdout=written, stderr=subprocess.STDOUT, env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
            )  # fmt: skip

    def port(self) -> int:
        """The port that it listens on, once it does."""
        return int(self._line("ready")["ports"][0])

    def _line(self, kind: str) -> dict:
        def found() -> Iterator[dict]:
            for line in self.out.read_bytes()[self._mark :].splitlines():
                if line.startswith(b"{") and (told := json.loads(line))["kind"] == kind:
                    yield told

        return awaited(
            lambda: next(found(), None), lambda: f"no {kind}: {self.out.read_text()}", self.process
        )

    def children(self) -> list[int]:
        """Its child processes."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(one) for one in path.read_text().split()]

    def kill(self, *, alone: bool = False) -> None:
        """Ends it at once, as the kernel does when memory is short: all of it, or the main process alone."""
        for pid in (self.process.pid, *(() if alone else self.children())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def stop(self) -> None:
        """Asks it to stop."""
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.out.read_text()


def awaited(look, why, process: subprocess.Popen):
    """What `look` gives once it gives something."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        assert process.poll() is None, why()
        time.sleep(0.02)
    raise AssertionError(why())


class Sender(Thread):
    """A shipper: sends bodies of numbered events, each again until it is acknowledged."""

    def __init__(self, name: int, token: str) -> None:
        super().__init__()
        self._prefix, self._token = name, token
        self.port = 0
        self.acknowledged: list[str] = []
        self.lock = Lock()
        self.ended = Flag()

    def run(self) -> None:
        number = 0
        while not self.ended.is_set():
            marks = [f"{self._prefix}-{number}-{part}" for part in range(5)]
            body = "".join(
                json.dumps({"host": "ws", "event": {"EventID": 1102, "Channel": "Security", "mark": mark}})
                for mark in marks
            )
            while not self._sent(body.encode()):
                if self.ended.wait(0.02):
                    return
            with self.lock:
                self.acknowledged += marks
            number += 1

    def _sent(self, body: bytes) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request(
                "POST", "/services/collector/event", body, {"Authorization": f"Splunk {self._token}"}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        else:
            return answer.status == 200
        finally:
            connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tocsin.toml").write_text('[run]\ndata = "data"\n[run.http]\nlisten = ["127.0.0.1:0"]\n')
    return tmp_path


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.soak)])
def test_nothing_acknowledged_is_lost_or_found_twice(folder: Path, kills: int) -> None:
    token = add_token(folder / "tokens", "shipper", 0)
    senders = [Sender(number, token) for number in range(4)]
    drawn = random.Random(5)
    running = Running(folder, folder / "out")
    for one in senders:
        one.port = running.port()
        one.start()
    try:
        for _ in range(kills):
            time.sleep(drawn.uniform(0.05, 0.6))
            who = drawn.choice(("both", "intake first", "judge alone"))
            if who == "intake first" and (children := running.children()):
                os.kill(children[0], signal.SIGKILL)  # it is started again
                time.sleep(drawn.uniform(0.1, 2))
            running.kill(alone=who == "judge alone")
            running = Running(folder, folder / "out")
            port = running.port()
            for one in senders:
                one.port = port
        time.sleep(0.3)
    finally:
        for one in senders:
            one.ended.set()
        for one in senders:
            one.join()
    running.stop()
    acknowledged = [mark for one in senders for mark in one.acknowledged]
    with Store.read_only(folder / "data", reads(ReceivedOptions())) as store:
        stored = Counter(event.fields["mark"] for event in store.events_between(-(2**62), 2**62))
        told = Counter(one.event_id for finding in store.findings() for one in finding.evidence)
        assert store.set_aside() == ()
    assert len(acknowledged) > 100
    assert [mark for mark in acknowledged if mark not in stored] == []
    assert {mark: times for mark, times in stored.items() if times > 1} == {}
    assert len(told) == len(stored), "each event is the evidence of one finding"
    assert set(told.values()) == {1}
