"""Stores that earlier versions wrote are opened: `golden/vN.zip` is one of schema N, as the Tocsin of that time left it.

The first is of a scan, the others are of a service: four events of Windows. One is a finding, three are failed log-ons that
wait in a window for a fourth. A schema that is to be migrated from has its store here before the next one is made.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from tests.running_service import Running
from tests.switches import Switches

from tocsin.config.tokens import add_token
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.engine.books import DESK
from tocsin.engine.serving import reads
from tocsin.records.instants import HOUR, MINUTE
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.migrations import MIGRATIONS
from tocsin.store.store import Store

GOLDEN = Path(__file__).parent / "golden"
EARLIER = range(1, len(MIGRATIONS))
ALWAYS = 2**62

RULES = """title: Log cleared
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: windows}
detection: {s: {EventID: 1102}, condition: s}
---
title: Failed
id: 22222222-2222-4222-8222-222222222222
name: failed
level: low
logsource: {product: windows}
detection: {s: {EventID: 4625}, condition: s}
---
title: Many failed
id: 33333333-3333-4333-8333-333333333333
level: high
correlation:
  type: event_count
  rules: [failed]
  group-by: [Computer]
  timespan: 1h
  condition: {gte: 4}
"""


def unpacked(number: int, root: Path) -> Path:
    with zipfile.ZipFile(GOLDEN / f"v{number}.zip") as packed:
        packed.extractall(root)
    for folder in (root, *(one for one in root.rglob("*") if one.is_dir())):
        folder.chmod(0o700)
    return root


def schema(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(
            "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1"
        ).fetchall()


def made(path: Path, scripts: tuple[str, ...]) -> Path:
    with closing(sqlite3.connect(path)) as database:
        for script in scripts:
            database.executescript(script)
    return path


@pytest.mark.parametrize("number", EARLIER)
def test_a_store_of_an_earlier_schema_is_backed_up_migrated_and_whole(number: int, tmp_path: Path) -> None:
    root = unpacked(number, tmp_path / "store")
    before = schema(root / "state.sqlite")
    assert before == schema(made(tmp_path / "then", MIGRATIONS[:number])), (
        "a script that stores were made with is never changed"
    )
    with Store.follow(root, lambda: store.position, reads(ReceivedOptions())) as store:
        assert store.notices == ()
        assert {one.rule_title for one in store.findings()} >= {"Log cleared"}
        (incident,) = store.incidents()
        assert incident.status == "open"
        assert {finding.subject.id for finding in incident.findings} == {"ws-1"}
        evidence = {one.event_id for finding in incident.findings for one in finding.evidence}
        events = store.events_between(-ALWAYS, ALWAYS)
        assert sorted(str(event.fields["EventID"]) for event in events if "EventID" in event.fields) == [
            "1102",
            *["4625"] * 3,
        ]
        assert {event.id for event in events} >= evidence
        assert len(store.set_aside()) == (number == 1)
        for name in (SigmaDetector.name, DESK):
            kept = store.state.detector(name)
            assert kept is not None
            assert list(kept.rows) == ["whole"]
            assert kept.rows["whole"]
        if number > 1:
            assert sum(store.outbox.counts().values()) == 1
            assert list(store.pending()) == []
    assert schema(root / "state.sqlite") == schema(made(tmp_path / "now", MIGRATIONS))
    assert schema(root / f"state.sqlite.v{number}") == before
    with closing(sqlite3.connect(root / f"state.sqlite.v{number}")) as backup:
        assert backup.execute("PRAGMA user_version").fetchone() == (number,)
        assert backup.execute("SELECT count(*) FROM findings").fetchone()[0] >= 1


@pytest.mark.parametrize("number", EARLIER[1:])
def test_the_service_goes_on_with_what_an_earlier_version_left(number: int, tmp_path: Path) -> None:
    """The window in which three log-ons failed is still open, by the clock of that time; a fourth one fills it."""
    root = unpacked(number, tmp_path / "data")
    with closing(sqlite3.connect(root / "state.sqlite")) as database:
        ((last,),) = database.execute("SELECT max(time) FROM findings")
    (tmp_path / "tocsin.toml").write_text(
        '[run]\ndata = "data"\nstarter = false\nrules = ["rules.yml"]\n[run.http]\nlisten = ["127.0.0.1:0"]\n'
    )
    (tmp_path / "rules.yml").write_text(RULES)
    token = add_token(tmp_path / "tokens", "shipper", 0)
    switches = Switches(tmp_path / "switches")
    switches.move_clock(last + MINUTE - time.time_ns() // 1_000)
    running = Running(tmp_path, more=switches.environment)
    try:
        post(running.port(), token, 4625)
        switches.move_clock(last + 3 * HOUR - time.time_ns() // 1_000)
        post(running.port(), token, 4624)
        found = running.line("finding")
        assert found["rule_title"] == "Many failed"
        assert len(found["event_ids"]) == 4
        running.stop()
    finally:
        running.kill()


def post(port: int, token: str, number: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps(
        {"host": "ws-1", "event": {"Channel": "Security", "EventID": number, "Computer": "ws-1"}}
    )
    connection.request("POST", "/services/collector/event", body, {"Authorization": f"Splunk {token}"})
    assert connection.getresponse().status == 200
    connection.close()
