"""`tocsin run` killed with SIGKILL under load, in the middle of each thing that it does: nothing is lost, nothing is twice.

What was acknowledged is there, once, and so are its findings and incidents; what people were told they were told at
least once, and a repeat has the id and the bytes that it had.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from tests.notify.receivers import WebServer
from tests.running_service import Running, Sender
from tests.switches import Switches

from tocsin.config.tokens import add_token
from tocsin.engine.serving import reads
from tocsin.records.instants import DAY, HOUR
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.migrations import MIGRATIONS
from tocsin.store.store import Store

POINTS = ("batch", "seal", "retention", "reload", "migration", "delivery")
PATIENCE = 60.0
RULE = "title: t\nid: {0}\nlevel: high\nlogsource: {{product: windows}}\ndetection: {{s: {{EventID: 1102}}, condition: s}}\n"


def settings(folder: Path, url: str) -> None:
    (folder / "tocsin.toml").write_text(f"""
        [run]
        data = "data"
        starter = false
        rules = ["rule.yml"]
        [run.http]
        listen = ["127.0.0.1:0"]
        [run.retention]
        days = 1
        [run.outbound]
        allow = ["{url}"]
        [run.bell.channels.phone]
        kind = "webhook"
        url = "{url}/phone"
    """)
    (folder / "rule.yml").write_text(RULE.format("one"))


_WITHIN: Final = {"batch": 0.03, "delivery": 0.1}
"""Seconds after it began within which a kill comes in the middle of it; 0.2 for the others."""


class Killer:
    """Kills a service at points, and starts it again.

    Attributes:
        hit: At which points it truly was when it was killed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.hit = folder, Counter[str]()
        self.switches = Switches(
            folder / "switches", ROOM_SECONDS=0.2, BELL_HANDED_HOURLY=10**6, BELL_KEPT_FOR_CRITICAL=0
        )
        self.switches.note_points(
            batch=0.02, seal=0.25, retention=0.25, reload=0.25, delivery=0.1, migration=0.25
        )
        self.drawn, self.clock = random.Random(5), 0
        self.running = self.started()

    def started(self) -> Running:
        return Running(self.folder, more=self.switches.environment)

    def kill_at(self, point: str) -> None:
        """Brings it to `point` and kills it there: all of it, its judging process alone, or first what takes events in."""
        if point == "migration":
            self.running.kill()
            self.switches.forget_points()
            self.switches.new_schema()
            self.running = self.started()
        elif point in {"seal", "retention"}:
            self.wait_for_events()
            self.clock += 3 * HOUR if point == "seal" else 26 * HOUR  # a day is kept
            self.switches.move_clock(self.clock)
        elif point == "reload":
            (self.folder / "rule.yml").write_text(RULE.format(f"r{self.drawn.random()}"))
            self.running.reload()
        until = time.monotonic() + PATIENCE
        while not self.reached(point, until) and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(self.drawn.uniform(0, _WITHIN.get(point, 0.2)))
        who = self.drawn.choice(("all", "intake first", "judge alone"))
        if who == "intake first" and (workers := self.running.workers()):
            os.kill(workers[0], signal.SIGKILL)
        self.running.kill(alone=who == "judge alone")
        self.hit.update(self.switches.points())
        self.switches.forget_points()
        self.running = self.started()

    def reached(self, point: str, until: float) -> bool:
        """Whether it is at `point`; for a delivery gives cause for one, again where that was over before it was seen."""
        if point != "delivery":
            return point in self.switches.points()
        self.resolve()
        seen = min(time.monotonic() + 5, until)
        while point not in self.switches.points() and time.monotonic() < seen:
            time.sleep(0.001)
        return point in self.switches.points()

    def wait_for_events(self) -> None:
        """Until the present segment of the log holds some: by the clock, only such a segment is left for the next."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            sizes = [path.stat().st_size for path in sorted((self.folder / "data" / "wal").glob("*.wal"))]
            if sizes and sizes[-1] > 1_000:
                return
            time.sleep(0.01)

    def resolve(self) -> None:
        """Says of all incidents that they were dealt with: the next event brings them back, and that is told.

        The one that events come to stands first, and is the last of them: what is told of it is then still to come.
        """
        for line in reversed(self.asked("incidents", "--json").splitlines()):
            told = json.loads(line)
            if told["kind"] == "incident":
                self.asked("resolve", told["id"])

    def asked(self, *words: str) -> str:
        """What a command says to `words`, with the schema that the service has by now."""
        command = [sys.executable, "-m", "tocsin", "--config", str(self.folder / "tocsin.toml"), *words]
        environment = {**os.environ, **self.switches.environment}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    def now(self) -> int:
        return time.time_ns() // 1_000 + self.clock


@pytest.mark.parametrize(
    "points",
    [("seal", "batch", "migration", "delivery"), pytest.param(POINTS * 10, marks=pytest.mark.soak)],
    ids=len,
)
def test_nothing_acknowledged_is_lost_or_found_twice(tmp_path: Path, points: tuple[str, ...]) -> None:
    with WebServer() as server:
        settings(tmp_path, server.url)
        token = add_token(tmp_path / "tokens", "shipper", 0)
        senders = [Sender(number, token, pause=0.03) for number in range(3)]
        killer = Killer(tmp_path)
        for one in senders:
            one.port = killer.running.port()
            one.start()
        try:
            for point in points:
                killer.kill_at(point)
                port = killer.running.port()
                for one in senders:
                    one.port = port
                time.sleep(killer.drawn.uniform(0.05, 0.6))
        finally:
            for one in senders:
                one.ended.set()
            for one in senders:
                one.join()
        killer.running.stop()
    undone(tmp_path / "data" / "state.sqlite")
    acknowledged = [mark for one in senders for mark in one.acknowledged]
    assert len(acknowledged) > 20 * len(points)
    demand(tmp_path / "data", acknowledged, killer.now())
    repeats = rung(tmp_path / "data", server)
    told = {"kills": len(points), "hit": dict(killer.hit), "acknowledged": len(acknowledged), **repeats}
    (tmp_path / "told.json").write_text(json.dumps(told))
    print(json.dumps(told))  # noqa: T201  `pytest -rP` shows it; benchmarks/RESULTS.md holds it
    for point, times in Counter(points).items():
        assert killer.hit[point] >= times / 2, killer.hit


def undone(state: Path) -> None:
    """Takes the schema back from where `Switches.new_schema` brought it, so that this process reads it."""
    with closing(sqlite3.connect(state)) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def demand(data: Path, acknowledged: list[str], now: int) -> None:
    """All that was acknowledged is stored once and found once, but for events that retention may drop; see it kept there."""
    with Store.read_only(data, reads(ReceivedOptions())) as store:
        stored = Counter(event.fields["mark"] for event in store.events_between(-(2**62), 2**62))
        findings = store.findings()
        incidents = store.incidents()
        assert store.set_aside() == ()
    found = Counter(json.loads(one.raw)["mark"] for finding in findings for one in finding.evidence)
    times = {json.loads(one.raw)["mark"]: finding.time for finding in findings for one in finding.evidence}
    assert [mark for mark in acknowledged if mark not in found] == []
    assert {mark: count for mark, count in (found | stored).items() if count > 1} == {}
    assert [mark for mark in found if mark not in stored and times[mark] > now - DAY] == []
    assert stored.keys() <= found.keys()
    grouped = Counter(finding.id for one in incidents for finding in one.findings)
    assert set(grouped.values()) == {1}
    assert grouped.keys() <= {finding.id for finding in findings}, (
        "of a flood some are counted and not listed"
    )
    names = list(itertools.chain.from_iterable((one.id, *one.aliases) for one in incidents))
    assert len(names) == len(set(names))


def rung(data: Path, server: WebServer) -> dict[str, int]:
    """How often messages came more than once; each that was to be told came, and a repeat is the same to the byte."""
    came = [(one.json["id"], one.body) for one in server.came]
    times = Counter(ident for ident, _ in came)
    assert len(set(came)) == len(times), "a repeat has the bytes that it had"
    with Store.read_only(data) as store:
        sent = {row[0] for row in store._database.all("SELECT parcel FROM outbox WHERE state = 'sent'")}
        every = {row[0] for row in store._database.all("SELECT parcel FROM outbox WHERE parcel IS NOT NULL")}
        subjects = {row[0] for row in store._database.all("SELECT subject FROM outbox")}
        noted = store._database.all("SELECT coalesce(sum(unsure), 0) FROM outgoing WHERE purpose = 'bell'")[
            0
        ][0]
        incidents = {one.id for one in store.incidents()}
    assert sent <= times.keys() <= every
    assert incidents <= subjects, "each incident is told of"
    repeats = sum(times.values()) - len(times)
    assert repeats <= noted, "and each repeat could be one that nobody knew of"
    return {"messages": len(times), "repeats": repeats, "unsure": noted}
