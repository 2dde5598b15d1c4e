"""`tocsin run` as a user starts it, on ports that stay the same when it is started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tocsin.config.tokens import add_token

PATIENCE = 60.0
"""Seconds until something that must happen has not."""


@dataclass(frozen=True)
class Site:
    """A service's folder, and what a sender must know.

    Attributes:
        folder: Holds its settings, token file and data.
        http, tcp, udp: Ports on 127.0.0.1.
        token: What a sender shows.
    """

    folder: Path
    http: int
    tcp: int
    udp: int
    token: str

    @property
    def data(self) -> Path:
        """The store."""
        return self.folder / "data"


def new_site(folder: Path, rules: tuple[Path, ...] = ()) -> Site:
    """Settings for HTTP and syslog on free ports of this host."""
    folder.mkdir(parents=True, exist_ok=True)
    http, tcp, udp = _free(socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    (folder / "tocsin.toml").write_text(
        f'[run]\ndata = "data"\nrules = {json.dumps([str(path) for path in rules])}\n'
        f'[run.http]\nlisten = ["127.0.0.1:{http}"]\n'
        f'[run.syslog]\ntcp = ["127.0.0.1:{tcp}"]\nudp = ["127.0.0.1:{udp}"]\n'
    )
    return Site(folder, http, tcp, udp, add_token(folder / "tokens", "shipper", 0))


def _free(*kinds: int) -> list[int]:
    with ExitStack() as held:
        ports = []
        for kind in kinds:
            one = held.enter_context(socket.socket(socket.AF_INET, kind))
            one.bind(("127.0.0.1", 0))
            ports.append(one.getsockname()[1])
        return ports


class Running:
    """The service of a site, running; its output is added to `out` in the site's folder."""

    def __init__(self, site: Site, *, wait: bool = True) -> None:
        self.out = site.folder / "out"
        self._mark = self.out.stat().st_size if self.out.exists() else 0
        command = [
            sys.executable,
            "-m",
            "tocsin",
            "--config",
            str(site.folder / "tocsin.toml"),
            "run",
            "--json",
        ]
        with self.out.open("ab") as written:
            self.process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Comes back when it is ready."""
        until = time.monotonic() + PATIENCE
        while not any(told["kind"] == "ready" for told in self.told()):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the service did not start: {self.out.read_text()[-2000:]}")
            time.sleep(0.02)

    def told(self) -> Iterator[dict]:
        """The JSON lines that it wrote so far."""
        for line in self.out.read_bytes()[self._mark :].split(b"\n")[:-1]:
            if line.startswith(b"{"):
                yield json.loads(line)

    def pids(self) -> list[int]:
        """Its own process, and those that it started."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def kill(self) -> None:
        """Ends all of it at once, as the kernel does when memory is short."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def stop(self) -> None:
        """Asks it to stop, and waits until it did."""
        self.process.terminate()
        if self.process.wait(PATIENCE) != 0:
            raise RuntimeError(f"the service did not stop well: {self.out.read_text()[-2000:]}")
