"""What intake takes: raw events a second acknowledged over HTTP, and how long an acknowledgement takes. JSON lines.

usage: python benchmarks/intake.py [--seconds N] [--connections N] [--events N] [--folder FOLDER]. One process sends bodies of N events of
about 1 kB over several connections as fast as they are acknowledged; then one event at a time, ten a second. The
sender's processor time is told apart. FOLDER should be on a real disk: on tmpfs a sync costs nothing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path

from tocsin.engine.intake.process import run_intake
from tocsin.engine.intake.settings import IntakeSettings, Listening, Ready, Report, Stopped
from tocsin.store.segment import Position

TOKEN = "benchmark"  # noqa: S105  of a process that lives for seconds
EVENT = {
    "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Hostname": "WORKSTATION5.theshire.local",
    "Image": r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "User": r"THESHIRE\pgustavo",
    "CommandLine": "powershell -noP -sta -w 1 -enc " + "SQBmACgAJABQAFMAVgBlAHIAcwBpAG8AbgBUAGEAYgBsAGUA" * 12,
    "ParentImage": r"C:\Windows\explorer.exe", "ProcessGuid": "{71b87c12-dad7-5f7c-0000-0010ba2a6900}",
}  # fmt: skip


def serve(folder: Path, reports: Connection) -> None:
    """The intake process."""
    settings = IntakeSettings(
        folder,
        Position(0, 0),
        0,
        (Listening("http", "127.0.0.1", 0),),
        {"b": sha256(TOKEN.encode()).digest()},
    )

    idle = 0.0

    def report(one: Report) -> None:
        nonlocal idle
        if isinstance(one, Ready):
            idle = time.process_time()
            reports.send(one.ports[0])
        elif isinstance(one, Stopped):
            used = resource.getrusage(resource.RUSAGE_SELF)
            reports.send((one.counters, time.process_time() - idle, used.ru_maxrss / 1024))

    run_intake(settings, lambda _: None, report, lambda: time.time_ns() // 1_000)


def post(peer: socket.socket, body: bytes) -> None:
    """One body; returns once it is acknowledged."""
    head = f"POST /services/collector HTTP/1.1\r\nAuthorization: Splunk {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    peer.sendall(head.encode() + body)
    answer = b""
    while b'"code":0}' not in answer:
        part = peer.recv(4096)
        if not part or b" 200 " not in (answer + part)[:20]:
            raise RuntimeError(answer + part)
        answer += part


def send(port: int, body: Callable[[int], bytes], until: float, pause: float, times: list[float]) -> None:
    """Sends until `until`, and notes what each acknowledgement took."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        while time.perf_counter() < until:
            whole = body(number)
            began = time.perf_counter()
            post(peer, whole)
            times.append(time.perf_counter() - began)
            number += 1
            if pause:
                time.sleep(pause)


def measure(name: str, folder: Path, *, connections: int, events: int, seconds: float, pause: float) -> None:
    one = json.dumps({"event": EVENT, "time": 1763900000.123, "host": "WORKSTATION5"}).encode()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, theirs))
    process.start()
    port = ours.recv()
    times: list[list[float]] = [[] for _ in range(connections)]
    begun, spent = time.perf_counter(), time.process_time()
    threads = [
        threading.Thread(
            target=send,
            args=(port, lambda number: one * events + b" " * (number % 50), begun + seconds, pause, held),
        )
        for held in times
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted, sender = time.perf_counter() - begun, time.process_time() - spent
    process.terminate()
    counters, used, peak = ours.recv()
    process.join()
    taken = sorted(value for held in times for value in held)
    print(
        json.dumps(
            {
                "what": name, "connections": connections, "events_per_body": events, "event_bytes": len(one),
                "events_per_second": round(counters.records / lasted), "bodies_per_sync": round(counters.bodies / counters.groups, 2),
                "ack_ms_p50": round(1e3 * taken[len(taken) // 2], 2), "ack_ms_p99": round(1e3 * taken[len(taken) * 99 // 100], 2),
                "intake_cpu_us_per_event": round(1e6 * used / counters.records, 2), "sender_cpu_us_per_event": round(1e6 * sender / counters.records, 2),
                "intake_peak_mib": round(peak),
            }
        )
    )  # fmt: skip
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    for name, connections, events, pause in [
        ("flood", given.connections, given.events, 0.0),
        ("flood of single events", given.connections, 1, 0.0),
        ("a quiet day", 1, 1, 0.1),
    ]:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            measure(
                name, Path(folder), connections=connections, events=events, seconds=given.seconds, pause=pause
            )


if __name__ == "__main__":
    os.umask(0o077)
    main()
