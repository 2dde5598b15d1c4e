"""`tocsin run` as a user starts it, on ports that stay the same when it is started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    """`tocsin run` as a real process.

    Args:
        folder: Holds its settings.
        out: What it says is added to this file; `out` in the folder where not said.
        before: Words before the command, such as those of a tracer.
        more: Variables of its environment, beside this process's own.
    """

    def __init__(
        self,
        folder: Path,
        out: Path | None = None,
        *,
        before: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.out = out or folder / "out"
        self._mark = self.out.stat().st_size if self.out.exists() else 0
        command = [
            *before,
            sys.executable,
            "-m",
            "tocsin",
            "--config",
            str(folder / "tocsin.toml"),
            "run",
            "--json",
        ]
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), **(more or {})}
        with self.out.open("ab") as written:
            self.process = subprocess.Popen(
                command, stdout=written, stderr=subprocess.STDOUT, env=environment
            )

    def said(self) -> str:
        """All that it said since it was started."""
        return self.out.read_bytes()[self._mark :].decode(errors="replace")

    def told(self) -> Iterator[dict[str, Any]]:
        """The JSON lines among them; the last line may be half written."""
        for line in self.said().split("\n")[:-1]:
            if line.startswith("{"):
                yield json.loads(line)

    def line(self, kind: str, number: int = 0) -> dict[str, Any]:
        """The JSON line of that kind with that number, once it is there."""

        def found() -> dict[str, Any] | None:
            told = [one for one in self.told() if one["kind"] == kind]
            return told[number] if len(told) > number else None

        return awaited(found, lambda: f"no {kind}: {self.said()}", self.process)

    def says(self, text: str) -> None:
        """Waits until it said `text`."""
        awaited(
            lambda: text in self.said() or None, lambda: f"never said {text!r}: {self.said()}", self.process
        )

    def port(self) -> int:
        """The port that it listens on first, once it does."""
        return int(self.line("ready")["ports"][0])

    def reload(self) -> None:
        """Asks it to read its settings anew."""
        os.kill(self.process.pid, signal.SIGHUP)

    def children(self) -> list[int]:
        """Its child processes, and theirs."""
        return _descendants(self.process.pid)

    def workers(self) -> list[int]:
        """Those that have the network, the oldest first: the process that takes events in, then the others as they were started."""
        return [worker for pid in self._starters() for worker in _children(pid)]

    def starter(self) -> int:
        """The process that starts those."""
        (found,) = self._starters()
        return found

    def _starters(self) -> list[int]:
        """That one; none at the very start."""
        return [pid for pid in _children(self.process.pid) if b"forkserver" in _command_line(pid)]

    def pids(self) -> list[int]:
        """Its own process, and those that it started."""
        return [self.process.pid, *self.children()]

    def kill(self, *, alone: bool = False) -> None:
        """Ends it at once, as the kernel does when memory is short: all of it, or the main process alone."""
        for pid in (self.process.pid, *(() if alone else self.children())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def stop(self) -> None:
        """Asks it to stop, once it listens, and waits until it did."""
        self.line("ready")
        self.process.terminate()
        if self.process.wait(PATIENCE) != 0:
            raise RuntimeError(f"the service did not stop well: {self.said()[-2000:]}")


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it is gone
        return []


def _descendants(pid: int) -> list[int]:
    children = _children(pid)
    return children + [one for child in children for one in _descendants(child)]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it is gone
        return b""


def started(site: Site) -> Running:
    """The service of a site, once it listens."""
    one = Running(site.folder)
    one.port()
    return one


def awaited(
    look: Callable[[], Any],
    why: Callable[[], str] = lambda: "",
    process: subprocess.Popen[bytes] | None = None,
) -> Any:
    """What `look` gives once it gives something; RuntimeError where that takes too long, or `process` ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(why())
