"""A real service's life under strace: every way in, every change of its disk, a kill between a write and its sync."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from tests.notify.receivers import WebServer
from tests.running_service import Running, awaited
from tests.switches import Switches
from tests.traced_disk import STRACE

from tocsin.config.tokens import add_token
from tocsin.engine.serving import reads
from tocsin.records.instants import HOUR
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.database import Database
from tocsin.store.migrations import MIGRATIONS
from tocsin.store.store import Store

RULE = "title: t\nid: {0}\nlevel: high\nlogsource: {{product: windows}}\ndetection: {{s: {{EventID: 1102}}, condition: s}}\n"
MARK = re.compile(r"mark-[a-z]+-\d+-\d+")
LINE = (
    "Nov 23 12:00:00 web sshd[1]: Failed password for root from 192.0.2.9 port 22 ssh2 mark-file-{0:03d}-0\n"
)
SLOW = ("-e", "inject=fdatasync:delay_enter=1500000:when=1")
"""The first sync of each thread takes so long (µs) that a kill meets it under way."""


@dataclass
class Life:
    """What was sent, and what came of it.

    Attributes:
        traces: Of one run of the service after the other.
        by_port: Local port of a sender's connection → the marks of the events that it sent there.
        unanswered: Marks of bodies that were on their way at a kill.
        gone: From which instant (seconds) which marks need not be kept any more.
        rung: When (seconds) which message reached the receiver.
        token: What senders show.
        base: A copy of what stood on the disk before the first run; None for nothing.
        marks, findings: What was promised before the first run.
    """

    folder: Path
    traces: list[Path] = field(default_factory=list)
    by_port: dict[int, list[str]] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    gone: list[tuple[float, str]] = field(default_factory=list)
    rung: list[tuple[float, str]] = field(default_factory=list)
    token: str = ""
    base: Path | None = None
    marks: set[str] = field(default_factory=set)
    findings: set[str] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """The disk that is cut off from its power."""
        return self.folder / "disk"

    @property
    def store(self) -> Path:
        return self.root / "data"

    def post(self, running: Running, path: str, body: bytes, marks: list[str], kind: str = "json") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", running.port(), timeout=30)
        connection.connect()
        self.by_port[connection.sock.getsockname()[1]] = marks
        headers = {"Authorization": f"Splunk {self.token}", "Content-Type": f"application/{kind}"}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def hec(self, running: Running, kind: str, number: int) -> None:
        marks = [f"mark-{kind}-{number}-{part}" for part in range(3)]
        events = [
            {"host": f"ws{number}", "event": {"Channel": "Security", "EventID": 1102 if part == 0 else 4624, "m": mark}}
            for part, mark in enumerate(marks)
        ]  # fmt: skip
        body = "".join(map(json.dumps, events)).encode()
        assert self.post(running, "/services/collector/event", body, marks) == 200

    def bulk(self, running: Running, number: int) -> None:
        marks = [f"mark-bulk-{number}-{part}" for part in range(2)]
        body = "".join(f'{{"create":{{}}}}\n{{"message":"m","mark":"{mark}"}}\n' for mark in marks)
        assert self.post(running, "/logs/_bulk", body.encode(), marks, "x-ndjson") == 200

    def otlp(self, running: Running, number: int) -> None:
        marks = [f"mark-otlp-{number}-{part}" for part in range(2)]
        records = [{"body": {"stringValue": mark}} for mark in marks]
        body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
        assert self.post(running, "/v1/logs", body, marks) == 200

    def syslog(self, running: Running, number: int) -> None:
        ports = running.line("ready")["ports"]
        with socket.create_connection(("127.0.0.1", ports[2])) as peer:
            peer.sendall(f"<13>Nov 23 12:00:00 ws app: mark-tcp-{number}-0\n".encode())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(f"<13>Nov 23 12:00:00 ws app: mark-udp-{number}-0".encode(), ("127.0.0.1", ports[1]))

    def lines(self, first: int, count: int) -> None:
        with (self.folder / "logs" / "auth.log").open("a") as file:
            file.write("".join(LINE.format(first + number) for number in range(count)))

    def running(self, switches: Switches, *more: str) -> Running:
        """The service, traced; `ended` is to stop it, so that its trace is whole."""
        trace = self.folder / f"trace-{len(self.traces)}"
        self.traces.append(trace)
        return Running(self.folder, before=[*STRACE, *more, "-o", str(trace)], more=switches.environment)

    def ended(self, running: Running, stop: Callable[[], None]) -> None:
        stop()
        size = -1
        while size != (
            size := self.traces[-1].stat().st_size
        ):  # strace notes what it saw of a process that is gone
            time.sleep(0.3)
        shutil.copytree(self.root, self.after(self.traces[-1]), ignore=shutil.ignore_patterns("starter"))

    def after(self, trace: Path) -> Path:
        """What stood on the disk once that run was over."""
        return trace.with_name(f"after-{trace.name}")

    def judged(self, running: Running, count: int) -> None:
        """Waits until so many findings were told since the run began."""
        awaited(
            lambda: sum(one["kind"] == "finding" for one in running.told()) >= count or None,
            lambda: f"too few findings: {running.said()}", running.process,
        )  # fmt: skip

    def sealed(self, below: int) -> None:
        """Waits until no segment below that number is left in the log."""
        awaited(
            lambda: None if any(int(one.stem) < below for one in (self.store / "wal").glob("*.wal")) else True,
            lambda: f"not sealed: {list((self.store / 'wal').iterdir())}",
        )  # fmt: skip


def settings(folder: Path, url: str) -> str:
    """`tocsin.toml` of the service that is traced; returns its token."""
    (folder / "tocsin.toml").write_text(f"""
        [run]
        data = "disk/data"
        starter = false
        rules = ["rule.yml"]
        [run.http]
        listen = ["127.0.0.1:0"]
        [run.syslog]
        udp = ["127.0.0.1:0"]
        tcp = ["127.0.0.1:0"]
        [run.files]
        paths = ["logs/*.log"]
        [run.retention]
        days = 1
        [run.outbound]
        allow = ["{url}"]
        [run.bell.channels.phone]
        kind = "webhook"
        url = "{url}/phone"
    """)
    (folder / "rule.yml").write_text(RULE.format("one"))
    (folder / "logs").mkdir()
    (folder / "disk").mkdir()
    return add_token(folder / "tokens", "shipper", 0)


def lived(folder: Path) -> Life:
    """The whole life: three runs of the service on a disk that held nothing."""
    life = Life(folder)
    switches = Switches(
        folder / "switches", ROOM_SECONDS=0.2, BELL_HANDED_HOURLY=1000, BELL_KEPT_FOR_CRITICAL=0
    )
    with WebServer() as server:
        life.token = settings(folder, server.url)
        watch = Thread(target=_watch, args=(server, life), daemon=True)
        watch.start()
        first = life.running(switches)
        _every_way_in(life, first, server)
        _time_passes(life, first, switches)
        life.ended(first, first.stop)
        _killed(life, life.running(switches, *SLOW))
        last = life.running(switches)
        last.port()
        life.judged(last, 1)  # what the killed process had written and not synced
        life.hec(last, "last", 1)
        life.judged(last, 2)
        life.ended(last, last.stop)
    return life


def _every_way_in(life: Life, running: Running, server: WebServer) -> None:
    life.lines(0, 4)
    for number in range(2):
        life.hec(running, "old", number)
        life.bulk(running, number)
        life.otlp(running, number)
        life.syslog(running, number)
    life.judged(running, 2)
    (life.folder / "rule.yml").write_text(RULE.format("two"))
    running.reload()
    running.line("reloaded")
    life.lines(4, 3)
    life.hec(running, "old", 2)
    life.judged(running, 3)
    awaited(lambda: server.came or None, running.said)


def _time_passes(life: Life, running: Running, switches: Switches) -> None:
    """Two hours, so that a segment is left and sealed; then a day, so that the first hour goes."""
    switches.move_clock(2 * HOUR)
    life.hec(running, "kept", 0)
    life.lines(7, 3)
    life.bulk(running, 7)
    life.judged(running, 4)
    life.sealed(2)
    life.hec(running, "kept", 1)
    life.judged(running, 5)
    life.gone += [
        (time.time(), kind) for kind in ("mark-old", "mark-bulk-0", "mark-bulk-1", "mark-otlp", "mark-file")
    ]
    switches.move_clock(26 * HOUR + HOUR // 2)
    life.hec(running, "kept", 2)
    life.syslog(running, 7)
    life.lines(10, 1)
    life.judged(running, 6)
    life.sealed(3)
    events = life.store / "events"
    awaited(lambda: len(list(events.iterdir())) == 1 or None, lambda: f"{list(events.iterdir())}")


def _killed(life: Life, running: Running) -> None:
    """All processes are killed while the sync of frames that were written is under way."""
    running.port()
    (segment,) = (life.store / "wal").glob("*.wal")
    before = segment.stat().st_size
    marks = [f"mark-cut-0-{part}" for part in range(2)]
    life.unanswered += marks
    body = "".join(
        json.dumps({"host": "cut", "event": {"Channel": "Security", "EventID": 1102, "m": mark}})
        for mark in marks
    )

    def send() -> None:
        try:
            life.post(running, "/services/collector/event", body.encode(), marks)
        except (OSError, http.client.HTTPException):
            return

    sender = Thread(target=send)
    sender.start()
    awaited(lambda: segment.stat().st_size > before or None)
    life.ended(running, running.kill)
    sender.join()


def _watch(server: WebServer, life: Life) -> None:
    while server.thread.is_alive():
        for came in server.came[len(life.rung) :]:
            life.rung.append((time.time(), came.json["id"]))
        time.sleep(0.005)


class Output:
    """What a service wrote to its output so far."""

    def __init__(self) -> None:
        self._rest = b""

    def findings(self, piece: bytes) -> set[str]:
        """The ids of findings that one more piece tells whole."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return {json.loads(line)["id"] for line in whole if line.startswith(b'{"kind":"finding"')}


def migrated(folder: Path, before: Path) -> Life:
    """One run on the store in `before` as an older Tocsin would have left it."""
    life = Life(folder, base=folder / "base")
    with WebServer() as server:
        life.token = settings(folder, server.url)
        shutil.copytree(before, life.store)
        with Store.read_only(life.store, reads(ReceivedOptions())) as store:
            life.marks = {
                mark for event in store.events_between(-(2**62), 2**62) for mark in MARK.findall(event.raw)
            }
            life.findings = {one.id for one in store.findings()}
        make_older(life.store / "state.sqlite")
        shutil.copytree(life.root, folder / "base")
        switches = Switches(folder / "switches")
        switches.move_clock(27 * HOUR)
        running = life.running(switches)
        life.hec(running, "new", 0)
        life.judged(running, 1)
        life.ended(running, running.stop)
    return life


def make_older(state: Path) -> None:
    """Gives the file the schema before the last migration, with all that this schema has room for."""
    new = state.with_name("new.sqlite")
    state.rename(new)
    Database(state, write=True, migrations=MIGRATIONS[:-1]).close()
    with closing(sqlite3.connect(state, isolation_level=None)) as older:
        older.execute("PRAGMA foreign_keys = OFF")
        older.execute("ATTACH ? AS new", (str(new),))
        tables = [row[0] for row in older.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table == "detectors":
                continue  # how their state is kept is what the last migration changed; test_kept_state.py sees to that
            names = ", ".join(f'"{row[1]}"' for row in older.execute(f"PRAGMA main.table_info({table})"))
            older.execute(f"DELETE FROM main.{table}")
            older.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
    for left in state.parent.glob("new.sqlite*"):
        left.unlink()
