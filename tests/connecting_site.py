"""A service to connect things to, and `tocsin connect` beside it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.running_service import PATIENCE, Running

RULE = "title: A\nlogsource: {product: windows}\ndetection: {one: {EventID: 1}, condition: one}\n"


class Site:
    """The folder of a service, which runs once it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "tocsin.toml"
        self.running: Running | None = None
        (folder / "tokens").write_text('{"tocsin-tokens":1}\n')
        (folder / "tokens").chmod(0o600)
        (folder / "sigma").mkdir()
        (folder / "sigma" / "rule.yml").write_text(RULE)
        self.settings.write_text(
            '[run]\ndata = "data"\nstarter = false\nrules = ["sigma"]\n[run.http]\nlisten = ["127.0.0.1:0"]\n'
        )

    def add(self, lines: str) -> None:
        """Puts lines into the settings, as their operator does."""
        with self.settings.open("a") as file:
            file.write(lines)

    def start(self) -> Running:
        """Starts the service."""
        self.running = Running(self.folder, self.folder / "out")
        self.running.port()
        return self.running

    def stop(self) -> None:
        """Stops it, if it runs."""
        if self.running is not None and self.running.process.poll() is None:
            self.running.stop()

    def connecting(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """`tocsin connect` on its way."""
        line = [sys.executable, "-m", "tocsin", "--config", self.settings, "connect", *arguments]
        return subprocess.Popen([str(one) for one in line], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@dataclass(frozen=True)
class Connectable:
    """A service that runs: the folders and the file that it follows, and the ports that it hears syslog on."""

    site: Site
    logs: Path
    lines: Path
    access_log: Path
    tcp: int
    tls: int
    udp: int


def ended(process: subprocess.Popen[bytes]) -> tuple[int, list[dict]]:
    """Its exit code, and the objects of its JSON lines."""
    out, err = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in err, err
    return process.returncode, [json.loads(line) for line in out.splitlines()]


def wait_for(done: Callable[[], bool], what: str) -> None:
    """Waits until it is so."""
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that nobody listens on."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
