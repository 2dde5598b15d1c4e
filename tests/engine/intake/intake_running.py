"""A real intake process on loopback, and what a test wants of it.

usage: intake_running.py JSON. Prints one JSON object a line: `ready`, `told`, `counted`, `stopped`, `published`.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from tocsin.config import bounds
from tocsin.engine.intake.process import run_intake
from tocsin.engine.intake.settings import Files, IntakeSettings, Listening, Ready, Report, Tls, Told
from tocsin.records.received import Received
from tocsin.store.disk import Disk, Site
from tocsin.store.segment import Position
from tocsin.store.write_ahead import WriteAhead

TOKEN = "a-token-of-thirty-two-random-bytes"
OTHER = "another-token"
PATIENCE = 20.0
KINDS = ("http", "syslog-udp", "syslog-tcp")


def wait_for(condition: Any, what: str = "it") -> Any:
    """What `condition` gives once it is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {PATIENCE} s for {what}")


class Running:
    """One intake process."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.reports: list[dict[str, Any]] = []
        given = json.dumps({"folder": str(folder), **options})
        self.process = subprocess.Popen(
            [sys.executable, __file__, given], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.reports.append(json.loads(line))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in list(self.reports) if one["kind"] == kind]

    def wait_ready(self) -> None:
        wait_for(lambda: self.of("ready") or self.process.poll() is not None, "the listeners")
        assert self.of("ready"), "the process ended"
        self.ports = dict(zip(KINDS, self.of("ready")[0]["ports"], strict=False))

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=PATIENCE)

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        token: str = TOKEN,
        method: str = "POST",
    ) -> tuple[int, Any]:
        connection = self.connect()
        try:
            connection.request(method, path, body, {"Authorization": f"Splunk {token}", **(headers or {})})
            response = connection.getresponse()
            text = response.read()
            self.answered = {name.lower(): value for name, value in response.getheaders()}
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def stop(self) -> dict[str, Any]:
        """Stops it gracefully; what it counted."""
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0
        self._reader.join(PATIENCE)
        return self.of("stopped")[0]["counters"]

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stored(self) -> list[Received]:
        """What the log holds; the process must have ended."""
        assert self.process.poll() is not None
        log = WriteAhead(self.folder, Position(0, 0), 0, Disk())
        try:
            return [entry for _, entry in log.read(Position(0, 0), log.end) if isinstance(entry, Received)]
        finally:
            log.close()


def event(number: int, text: str = "x") -> bytes:
    return json.dumps({"event": {"number": number, "text": text}}).encode()


def bomb(size: int) -> bytes:
    return gzip.compress(b"\n" * size)


class FlagDisk(Disk):
    """Fails a frames' sync, slows it or stands it still while a file says so: `full`, `broken`, `slow`."""

    def __init__(self, flags: Path) -> None:
        self._flags = flags

    def sync_data(self, descriptor: int, site: Site) -> None:
        if site == "wal.frames":
            if (self._flags / "full").exists():
                raise OSError(28, "No space left on device")
            if (self._flags / "broken").exists():
                raise OSError(5, "Input/output error")
            while (self._flags / "still").exists():
                time.sleep(0.005)
        super().sync_data(descriptor, site)


def main(options: dict[str, Any]) -> None:
    for name, value in options.get("bounds", {}).items():
        setattr(bounds, name, value)
    tls = Tls(*(Path(path) for path in options["tls"])) if "tls" in options else None
    folder = Path(options["folder"])
    lock = threading.Lock()

    def say(kind: str, **more: Any) -> None:
        with lock:
            sys.stdout.write(json.dumps({"kind": kind, **more}) + "\n")
            sys.stdout.flush()

    def report(one: Report) -> None:
        if isinstance(one, Ready):
            say("ready", ports=one.ports, end=one.end)
        elif isinstance(one, Told):
            say("told", text=one.text)
        else:
            say(type(one).__name__.lower(), counters=asdict(one.counters))

    settings = IntakeSettings(
        folder, Position(*options.get("committed", (0, 0))), options.get("sealed", 0),
        tuple(Listening(kind, "127.0.0.1", 0, tls if kind in ("http", "syslog-tcp") else None) for kind in KINDS),
        {"office": sha256(TOKEN.encode()).digest(), "plant": sha256(OTHER.encode()).digest()},
        clean=options.get("clean", False),
        files=Files(tuple(options.get("files", ())), options.get("formats", {})),
        plants=tuple(options.get("plants", ())),
    )  # fmt: skip
    run_intake(
        settings, lambda position: say("published", position=position) if options.get("published") else None,
        report, lambda: time.time_ns() // 1_000, FlagDisk(folder.parent),
    )  # fmt: skip


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
