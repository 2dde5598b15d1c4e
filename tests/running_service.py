"""`tocsin run` as a real process, and shippers that send to it until they are acknowledged."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread

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
        return int(self.line("ready")["ports"][0])

    def line(self, kind: str, number: int = 0) -> dict:
        """The JSON line of that kind with that number, once it is there."""

        def found() -> dict | None:
            lines = self.out.read_bytes()[self._mark :].split(b"\n")[:-1]  # the last one may be half written
            told = [
                one for line in lines if line.startswith(b"{") and (one := json.loads(line))["kind"] == kind
            ]
            return told[number] if len(told) > number else None

        return awaited(found, lambda: f"no {kind}: {self.out.read_text()}", self.process)

    def says(self, text: str) -> None:
        """Waits until it said `text`."""
        awaited(
            lambda: text in self.out.read_bytes()[self._mark :].decode(errors="replace") or None,
            lambda: f"never said {text!r}: {self.out.read_text()}",
            self.process,
        )

    def reload(self) -> None:
        """Asks it to read its settings anew."""
        os.kill(self.process.pid, signal.SIGHUP)

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
        self.refused: list[int] = []
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
            if answer.status != 200:
                self.refused.append(answer.status)
            return answer.status == 200
        finally:
            connection.close()
