"""Real MQTT brokers on loopback: Debian's mosquitto, and NATS' server from its package (MQTT 3.1.1 only).

mosquitto is looked for in PATH and in the folder that TOCSIN_SHIPPERS names, where its packages were unpacked
(`dpkg -x PACKAGE.deb FOLDER`: mosquitto, libcjson1, libmosquitto1, libdlt2, libwrap0, libwebsockets17, libev4, libuv1).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path

UNPACKED = Path(os.environ.get("TOCSIN_SHIPPERS", "/nonexistent"))
LIBRARIES = UNPACKED / "usr" / "lib" / "x86_64-linux-gnu"
PATIENCE = 15.0


def mosquitto() -> str | None:
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(UNPACKED / "usr" / "sbin")])
    return shutil.which("mosquitto", path=places)


def nats() -> str | None:
    return shutil.which("nats-server", path=sysconfig.get_path("scripts"))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Broker:
    """A broker that is started, stopped and started again with what it had kept.

    Attributes:
        folder: Its own.
        settings: Lines of mosquitto's configuration beside the port.
    """

    folder: Path
    settings: tuple[str, ...] = ("allow_anonymous true",)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        (self.folder / "kept").mkdir(exist_ok=True)
        lines = (
            f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/kept/",
            "max_queued_messages 0", "user root", "log_type all", "log_dest stdout", *self.settings,
        )  # fmt: skip
        file = self.folder / "broker.conf"
        file.write_text("\n".join(lines) + "\n")
        return [mosquitto() or "mosquitto", "-c", str(file)]

    def start(self) -> Broker:
        environment = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)}
        log = (self.folder / "broker.log").open("ab")
        self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=environment)
        log.close()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self.process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.02)
            else:
                return self

    def stop(self, *, kill: bool = False) -> None:
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(PATIENCE)
            self.process = None

    def log(self) -> str:
        return (self.folder / "broker.log").read_text("utf-8", "replace")


class NatsBroker(Broker):
    """The same with NATS' server."""

    def command(self) -> list[str]:
        file = self.folder / "broker.conf"
        file.write_text(
            f'server_name: one\nhost: 127.0.0.1\nport: {free_port()}\njetstream {{ store_dir: "{self.folder}/kept" }}\n'
            f"mqtt {{ host: 127.0.0.1, port: {self.port}, ack_wait: 2s }}\n"
        )
        return [nats() or "nats-server", "-c", str(file)]
