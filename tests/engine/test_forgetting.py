"""Somebody is forgotten: not a byte of their name is left in the store, and the rest tells on without them."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard
from tests.command import call
from tests.running_service import PATIENCE, Running

from tocsin.config.tokens import add_token
from tocsin.engine.forgetting import forget_stored
from tocsin.engine.serving import reads
from tocsin.records.event import EventBatch
from tocsin.records.forgetting import Subject
from tocsin.records.instants import HOUR
from tocsin.records.state_changes import StateChanges
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store

ALL = (-(2**62), 2**62)
WHO = "zacharias"
NAMED = re.compile(rb"(?<![a-z])zacharias(?![a-z.])", re.IGNORECASE)

WINDOW = """
title: Often
id: 11111111-0000-4000-8000-000000000002
correlation:
  type: event_count
  rules: [once]
  group-by: [SubjectUserName]
  timespan: 10h
  condition: {gte: 3}
level: high
---
title: Once
name: once
id: 11111111-0000-4000-8000-000000000001
level: medium
logsource: {product: windows}
detection:
  any: {EventID: 1102}
  condition: any
"""
"""A window that holds its events for hours."""


def body(*events: dict) -> bytes:
    return "".join(json.dumps({"host": "ws-1", "event": one}) for one in events).encode()


def cleared(user: str, number: int) -> dict:
    """An event on which a starter rule makes a finding: the security log was cleared."""
    return {
        "EventID": 1102, "Channel": "Security", "Provider_Name": "Microsoft-Windows-Eventlog",
        "Computer": "ws-1.town.example", "SubjectUserName": user, "n": number,
    }  # fmt: skip


def send(port: int, token: str, content: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/services/collector/event", content, {"Authorization": f"Splunk {token}"})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "box"
    folder.mkdir()
    (folder / "window.yml").write_text(WINDOW)
    (folder / "tocsin.toml").write_text(
        '[run]\ndata = "data"\nrules = ["window.yml"]\n[run.http]\nlisten = ["127.0.0.1:0"]\n'
    )
    return folder


def texts(root: Path) -> Iterator[tuple[str, bytes]]:
    """All bytes that are kept, and what they are once decompressed."""
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        whole = path.read_bytes()
        yield path.name, whole
        if path.suffix == ".parquet":
            table = pq.ParquetFile(path).read()
            yield path.name, json.dumps([table.column_names, table.to_pylist()], default=str).encode()
        for place in re.finditer(re.escape(zstandard.MAGIC_NUMBER.to_bytes(4, "little")), whole):
            try:
                yield (
                    path.name,
                    zstandard.ZstdDecompressor()
                    .stream_reader(io.BytesIO(whole[place.start() :]))
                    .read(10**6),
                )
            except zstandard.ZstdError:
                continue


def naming(root: Path) -> list[str]:
    return sorted({name for name, content in texts(root) if NAMED.search(content)})


def words(root: Path) -> list[str]:
    with Store.read_only(root, reads(ReceivedOptions())) as store:
        return sorted(
            f"{one.user or one.fields.get('SubjectUserName')}" for one in store.events_between(*ALL)
        )


def forget(box: Path, *more: str, who: str = f"user:{WHO}"):
    return call("--config", box / "tocsin.toml", "forget", who, "--json", *more)


def test_a_running_service_forgets_and_goes_on(box: Path, tmp_path: Path) -> None:
    token = add_token(box / "tokens", "shipper", 0)
    running = Running(box, tmp_path / "out")
    port = running.port()
    for number, user in enumerate(("berta", WHO, f"TOWN\\{WHO}", "zachariasen", f"{WHO}.berg", "berta")):
        send(port, token, body(cleared(user, number)))
    send(port, token, body({"message": f"session of {WHO}@town.example was opened", "n": 7}))
    running.line("finding", 5)
    before = call("incidents", "--store", box / "data", "--json")
    assert naming(box / "data")
    dry = forget(box, "--dry-run").summary
    assert (dry["events"], dry["findings"]) == (3, 2)
    assert naming(box / "data"), "a dry run changes nothing"
    done = forget(box, "--yes")
    receipt = done.lines("receipt")[0]
    assert receipt["state"] == "done"
    assert (receipt["counts"]["events"], receipt["counts"]["findings"]) == (3, 2)
    assert WHO not in done.text
    assert naming(box / "data") == []
    send(port, token, body(cleared("berta", 8), cleared(WHO, 9)))
    running.line("finding", 7)
    running.stop()
    assert words(box / "data").count(WHO) == 1, "what comes afterwards is kept again"
    after = call("incidents", "--store", box / "data", "--json")
    assert {one["id"] for one in before.lines("incident")} <= {one["id"] for one in after.lines("incident")}
    for one in after.lines("incident"):
        explained = call("explain", one["id"], "--store", box / "data")
        assert explained.code == 0
    with Store.read_only(box / "data") as store:
        marked = [one for one in store.findings() if "forgotten" in one.evidence[0].raw]
    assert len(marked) == 2
    assert all(WHO not in str(one) for one in marked)
    stopped = forget(box, "--yes", who="host:ws-1")  # a stopped store, and all that came of a host
    assert stopped.lines("receipt")[0]["counts"]["events"] >= 6
    assert not any(re.search(rb"ws-1\b", content) for _, content in texts(box / "data"))
    for one in after.lines("incident"):
        assert "forgotten" in call("explain", one["id"], "--store", box / "data").text
    assert call("--config", box / "tocsin.toml", "status").code == 0
    running = Running(box, tmp_path / "out")  # and starts again from what is left
    running.port()
    running.stop()
    listed = call("--config", box / "tocsin.toml", "forget", "--receipts", f"user:{WHO.upper()}", "--json")
    assert [one["id"] for one in listed.lines("receipt")] == [receipt["id"]]
    assert forget(box, "--receipts", who="user:berta").summary["receipts"] == 0


def test_what_was_not_judged_yet_waits_for_the_service(box: Path, tmp_path: Path) -> None:
    token = add_token(box / "tokens", "shipper", 0)
    running = Running(box, tmp_path / "out")
    port = running.port()
    os.kill(running.process.pid, signal.SIGSTOP)  # intake goes on alone
    send(port, token, body(cleared(WHO, 1)))
    running.kill()
    waits = forget(box, "--yes")
    assert "Start the service" in waits.error
    assert naming(box / "data")
    running = Running(box, tmp_path / "out")
    running.says("Somebody was forgotten")
    running.stop()
    assert naming(box / "data") == []


DYING = """
import os, signal, sys
from pathlib import Path
from tocsin.engine.forgetting import forget_stored
from tocsin.engine.serving import reads
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store import database, disk
left = [{step}]
def dying(call):
    def live(*given, **more):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given, **more)
    return live
for kind, names in ((disk.Disk, ("rename", "unlink", "sync_directory", "sync_data")), (database.Database, ("put", "compact"))):
    for name in names:
        setattr(kind, name, dying(getattr(kind, name)))
forget_stored(Path({root!r}), reads(ReceivedOptions()), lambda: 1)
"""


def filled(root: Path, events: int = 12) -> None:
    from dataclasses import replace

    from tests.store.store_events import event, finding

    from tocsin.detect.sigma.detector import SigmaDetector
    from tocsin.detect.sigma.ruleset import RuleSet
    from tocsin.incidents.desk import VERSION, IncidentDesk
    from tocsin.records.finding import Entity
    from tocsin.store.state import DetectorState

    desk = IncidentDesk()
    with Store.open(root) as store:
        for part in range(3):
            made = [
                replace(
                    event(seq, raw=f"by {WHO if seq % 3 == 0 else 'anna'} {seq}", kind=f"k{seq % 2}"),
                    ingest=490_000 * HOUR + part * HOUR, user=WHO if seq % 3 == 0 else "anna",
                )
                for seq in range(part * events, (part + 1) * events)
            ]  # fmt: skip
            found = [
                replace(finding(one), entities=(Entity("local", "user", one.user or ""),)) for one in made
            ]
            desk.add(found)
            states = [
                DetectorState("incidents", VERSION, StateChanges.whole(desk.snapshot())),
                DetectorState("sigma", "1", StateChanges.whole(SigmaDetector(RuleSet((), ())).snapshot())),
            ]
            store.commit(store.append(EventBatch.of(made)).position, found, desk.all(), states)
            if part < 2:
                store.seal(all_of_it=True)


def wish(root: Path, subject: Subject) -> None:
    with Store.open(root) as store:
        store.forgetter().receipts.ask(subject, "a test", 5)


@pytest.mark.parametrize("steps", [(19, 60), pytest.param(range(0, 400, 3), marks=pytest.mark.soak)])
def test_killed_at_any_step_it_is_finished_by_the_next(tmp_path: Path, steps: Sequence[int]) -> None:
    killed = 0
    for step in steps:
        root = tmp_path / f"store{step}"
        filled(root)
        wish(root, Subject("local", "user", WHO))
        code = DYING.format(step=step, root=str(root))
        died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert died.returncode in (0, -signal.SIGKILL), died.stderr
        killed += died.returncode != 0
        forget_stored(root, reads(ReceivedOptions()), lambda: 1)
        assert naming(root) == []
        with Store.open(root) as store:
            assert sorted(one.seq for one in store.events_between(*ALL)) == [n for n in range(36) if n % 3]
            assert len(store.findings()) == 36
            (receipt,) = store.forgetter().receipts.all()
            assert (receipt.state, receipt.subject) == ("done", None)
            listed = set(store.forgetter().paths())
            assert listed == {str(one.relative_to(root)) for one in (root / "events").rglob("*.parquet")}
    assert killed > len(steps) // 4


@pytest.mark.parametrize(
    ("kind", "ident", "named", "others"),
    [
        (
            "user", "anna",
            ["anna", "TOWN\\anna", "ANNA@town.example", "user=anna,", '{"u":"anna"}', "anna.", "(anna)", "anna$"],
            ["hanna", "anna.berg", "anna-maria", "anna_b", "jo.anna", "annas", "an na", ""],
        ),
        (
            "host", "ws-1", ["ws-1", "WS-1$", "ws-1.town.example", "//ws-1/share"],
            ["ws-12", "aws-1", "ws-1-old", "x.ws-1", "ws_1"],
        ),
        (
            "address", "10.0.0.1", ["10.0.0.1", "10.0.0.1:443", "from 10.0.0.1.", "::ffff:10.0.0.1"],
            ["10.0.0.10", "110.0.0.1", "10.0.0.1.2", "1.10.0.0.1"],
        ),
        ("address", "2001:db8::1", ["2001:0db8:0:0:0:0:0:1", "[2001:DB8::1]:443", "of 2001:db8::1: no"], ["2001:db8::11", "2001:db8::2", "2001:db8::1:0", "9:2001:db8::1"]),
        ("user", "TOWN\\anna", ["TOWN\\anna", '{"u":"TOWN\\\\anna"}'], ["anna", "TOWN\\annas"]),
        ("user", "jürgen", ["Jürgen", "JÜRGEN", '"j\\u00fcrgen"'], ["jurgen", "jürgens"]),
    ],
)  # fmt: skip
def test_how_words_are_matched(kind: str, ident: str, named: list[str], others: list[str]) -> None:
    subject = Subject("local", kind, ident)
    assert [one for one in named if not subject.in_text(one)] == []
    assert [one for one in others if subject.in_text(one)] == []


@pytest.mark.parametrize("text", ["user:", "user:a", "tree:oak", "anna", "address:nowhere", "user: anna"])
def test_what_names_nobody_is_refused(tmp_path: Path, text: str) -> None:
    filled(tmp_path / "store", 3)
    done = call("forget", text, "--store", tmp_path / "store", "--yes")
    assert "names nobody to forget" in done.error


def test_no_is_no(tmp_path: Path) -> None:
    filled(tmp_path / "store", 3)
    assert call("forget", f"user:{WHO}", "--store", tmp_path / "store").code == 130
    assert naming(tmp_path / "store")


def test_a_backup_in_the_making_is_waited_for(tmp_path: Path) -> None:
    from threading import Thread

    from tocsin.store.snapshot import held_still

    filled(tmp_path / "store", 3)
    with held_still(tmp_path / "store"):
        thread = Thread(target=call, args=("forget", f"user:{WHO}", "--store", tmp_path / "store", "--yes"))
        thread.start()
        thread.join(1)
        assert thread.is_alive()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert naming(tmp_path / "store") == []
