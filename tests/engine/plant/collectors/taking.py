"""Intake's side of the socket, for tests of what hands readings to it: a real HTTP server over a Unix socket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Event, Lock, Thread
from typing import Any

_FIELD = re.compile(r'((?:\\[,= "]|[^=, ])+?)=("(?:\\.|[^"\\])*"|[^,]+)')


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class Taking:
    """What came, and what is answered.

    Attributes:
        answers: Status codes that are given first, one each; then 204.
        refuses: A line that holds this is answered by 400, and so is its whole body.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bodies: list[bytes] = []
        self.targets: list[str] = []
        self.answers: list[int] = []
        self.refuses = b"\0"
        self.says = b"so it is"
        self.lock = Lock()
        self.gate = Event()
        self.gate.set()

    def lines(self) -> list[str]:
        with self.lock:
            return [line for body in self.bodies for line in body.decode().split("\n") if line]

    def readings(self) -> list[tuple[str, int, float | str | bool]]:
        return [one for line in self.lines() for one in read_line(line)]

    def answer(self, target: str, body: bytes) -> int:
        self.gate.wait()
        with self.lock:
            self.targets.append(target)
            if self.answers:
                status = self.answers.pop(0)
                if status != 204:
                    return status
            if self.refuses in body:
                return 400
            self.bodies.append(body)
            return 204


def read_line(line: str) -> list[tuple[str, int, float | str | bool]]:
    """A line as its readings, by the grammar of InfluxDB's parser."""
    assert line.startswith("plant ")
    rest, time = line.removeprefix("plant ").rsplit(" ", 1)
    found, at = [], 0
    while at < len(rest):
        match = _FIELD.match(rest, at)
        assert match is not None, rest[at:]
        found.append((unescaped(match[1]), int(time), value(match[2])))
        at = match.end()
        assert at == len(rest) or rest[at] == ","
        at += 1
    return found


def unescaped(key: str) -> str:
    return re.sub(r'\\([,= "])', r"\1", key)


def value(text: str) -> float | str | bool:
    if text.startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return {"true": True, "false": False}[text] if text in {"true", "false"} else float(text)


@contextmanager
def taking(store: Path) -> Iterator[Taking]:
    """Such a server at `store/collect.sock`, until the end."""
    store.mkdir(parents=True, exist_ok=True)
    path = store / "collect.sock"
    path.unlink(missing_ok=True)
    taken = Taking(path)

    class Handler(BaseHTTPRequestHandler):
        def address_string(self) -> str:
            return "local"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = taken.answer(self.path, body)
            self.send_response(status)
            self.end_headers()
            if status >= 300:
                self.wfile.write(taken.says)

    with Server(str(path), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield taken
        finally:
            taken.gate.set()
            server.shutdown()
            thread.join()
            path.unlink(missing_ok=True)
