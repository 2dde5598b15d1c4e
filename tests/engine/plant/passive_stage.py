"""A network of its own in which a command runs, while every packet on it is captured and every controller's port is listened to.

Started as `unshare -rn python -m tests.engine.plant.passive_stage`, with what to do as JSON on stdin (`Act`), and gives a report as JSON
on stdout (`Report`). All of IPv4 and IPv6 leads back to this network's one interface: whatever address a command turns to, its
packets are seen, and a decoy answers it. Nothing here reaches another network, because there is none.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from threading import Thread
from typing import Any

TCP_PORTS = (102, 502, 2222, 2404, 5007, 9600, 18245, 20000, 34962, 34964, 44818, 4840)
UDP_PORTS = (2222, 9600, 20000, 34964, 44818, 47808, 53)
PATIENCE = 60.0
_ALL = 0x0003
_OUTGOING = 4
_SOL_PACKET, _STATISTICS = 263, 6


@dataclass
class Act:
    """What runs.

    Attributes:
        command: Its words; `{beside}` in them is the first line of the other one.
        until: It is asked to stop once it said this; "" waits for its end.
        beside: The words of a program that runs beside it, and says what it saw when its input ends.
    """

    command: list[str]
    until: str = ""
    beside: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What was seen.

    Attributes:
        code: The command's exit code; `out` is what it said.
        packets: By (protocol, from, its port, to, its port), how many.
        decoys: Connections and datagrams that a decoy took, by port.
        lost: Packets that the capture lost.
        beside: The first and the last line of the other program.
    """

    code: int
    out: str
    packets: list[tuple[str, str, int, str, int, int]]
    decoys: dict[str, int]
    lost: int
    beside: tuple[str, str]


def flow(frame: bytes) -> tuple[str, str, int, str, int]:
    """Between whom an Ethernet frame goes."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    packet = frame[14:]
    if kind == 0x0800:
        protocol, family, start = packet[9], socket.AF_INET, (packet[0] & 15) * 4
        ends = packet[12:16], packet[16:20]
    elif kind == 0x86DD:
        protocol, family, start = packet[6], socket.AF_INET6, 40
        ends = packet[8:24], packet[24:40]
    else:
        return f"ethertype {kind:#06x}", "", 0, "", 0
    source, target = (socket.inet_ntop(family, one) for one in ends)
    name = {6: "tcp", 17: "udp"}.get(protocol, f"ip {protocol}")
    ports = struct.unpack_from("!HH", packet, start) if name in {"tcp", "udp"} else (0, 0)
    return name, source, ports[0], target, ports[1]


class Capture(Thread):
    """Every frame on every interface, from `start` on."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: Counter[tuple[str, str, int, str, int]] = Counter()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 * 1024 * 1024)  # SO_RCVBUFFORCE
        self._socket.settimeout(0.2)
        self._ends = False

    def run(self) -> None:
        while True:
            try:
                frame, (_, _, kind, *_) = self._socket.recvfrom(65_600)
            except TimeoutError:
                if self._ends:
                    return
                continue
            if kind != _OUTGOING:  # on loopback each is seen going out and coming in
                self.seen[flow(frame)] += 1

    def end(self) -> int:
        """Waits until nothing comes any more; how many were lost."""
        self._ends = True
        self.join()
        _, lost = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8))
        return int(lost)


class Decoys(Thread):
    """Listens where controllers do."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.taken: Counter[str] = Counter()
        self._chosen = selectors.DefaultSelector()
        for kind, ports in ((socket.SOCK_STREAM, TCP_PORTS), (socket.SOCK_DGRAM, UDP_PORTS)):
            for port in ports:
                one = socket.socket(socket.AF_INET6, kind)
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                one.bind(("::", port))
                if kind == socket.SOCK_STREAM:
                    one.listen()
                self._chosen.register(
                    one, selectors.EVENT_READ, f"{'tcp' if kind == socket.SOCK_STREAM else 'udp'} {port}"
                )

    def run(self) -> None:
        while True:
            for key, _ in self._chosen.select():
                self.taken[key.data] += 1
                one: Any = key.fileobj
                if key.data.startswith("tcp"):
                    one.accept()[0].close()
                else:
                    one.recv(65_600)


def raise_network() -> None:
    """The loopback interface up, and everything routed to it."""
    for words in (
        "link set lo up",
        "route add local 0.0.0.0/1 dev lo",
        "route add local 128.0.0.0/1 dev lo",
        "-6 route add local ::/1 dev lo",
        "-6 route add local 8000::/1 dev lo",
    ):
        subprocess.run(["ip", *words.split()], check=True, capture_output=True)


def play(act: Act) -> Report:
    """Runs `act`, and what was seen of it."""
    decoys, capture = Decoys(), Capture()
    decoys.start()
    beside = (
        subprocess.Popen(act.beside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if act.beside
        else None
    )
    first = beside.stdout.readline().strip() if beside else ""  # type: ignore[union-attr]
    capture.start()
    command = [one.replace("{beside}", first) for one in act.command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    guard = Thread(target=_end_late, args=(process,), daemon=True)
    guard.start()
    said, until = "", act.until
    for line in process.stdout or ():
        said += line
        if until and until in said:
            process.send_signal(signal.SIGTERM)
            until = ""
    code = process.wait()
    last = beside.communicate("\n")[0].strip() if beside else ""
    lost = capture.end()
    packets = sorted((*one, count) for one, count in capture.seen.items())
    return Report(code, said[-20_000:], packets, dict(decoys.taken), lost, (first, last))


def _end_late(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            return
        time.sleep(0.2)


if __name__ == "__main__":
    raise_network()
    if sys.argv[1:] == ["--try"]:
        Capture()
        Decoys()
    else:
        print(json.dumps(asdict(play(Act(**json.load(sys.stdin))))))
