"""What was taken in is judged once, in the order of the log, whatever the size of portions and wherever it stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import orjson
import pytest

from tocsin.config import bounds
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import RuleText
from tocsin.engine.patience import Patience
from tocsin.engine.rule_files import RuleTexts
from tocsin.engine.rule_sets import load
from tocsin.engine.service import Service, counted
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch, Logsource, SetAside
from tocsin.records.finding import Finding
from tocsin.records.instants import SECOND
from tocsin.records.received import Received
from tocsin.store import database
from tocsin.store.disk import Disk
from tocsin.store.entries import Entry, Passed, encode
from tocsin.store.segment import Position
from tocsin.store.store import Store
from tocsin.store.write_ahead import WriteAhead

NOON = 1_700_000_000 * SECOND
RULES = """
    title: Three logons of one person
    id: three
    correlation:
        type: event_count
        rules: [logon]
        group-by: [User]
        timespan: 1m
        condition: {gte: 3}
    ---
    title: Logon
    id: logon
    name: logon
    level: high
    logsource: {product: windows}
    detection: {selection: {EventID: 4624}, condition: selection}
    ---
    title: Cleared
    id: cleared
    level: high
    logsource: {product: windows}
    detection: {selection: {EventID: 1102}, condition: selection}
"""
LOADED, _ = load(RuleTexts((RuleText("rules.yml", dedent(RULES)),)), {})


@dataclass
class Told:
    """Who is told; notes it."""

    findings: list[str] = field(default_factory=list)
    events: list[int] = field(default_factory=list)

    def on_finding(self, finding: Finding) -> None:
        self.findings.append(finding.id)

    def on_set_aside(self, record: SetAside) -> None:
        assert record

    def on_batch(self, batch: EventBatch) -> None:
        self.events.extend(event.seq for event in batch)


def received(number: int, *events: tuple[float, int, str]) -> Received:
    """One body: (seconds after noon, EventID, user) of each event; it arrives with the last of them."""
    lines = [orjson.dumps({"at": at, "EventID": ident, "User": user}) for at, ident, user in events]
    arrived = NOON + max(round(at * SECOND) for at, _, _ in events)
    return Received(
        f"s{number}", 0, len(lines), arrived, "hec-event", "token", "127.0.0.1", "token", b"\n".join(lines)
    )


def read(body: Received) -> EventBatch:
    """The events of `received`: one a line; a line that is no JSON is set aside."""
    events, aside = [], []
    for seq, line in enumerate(body.body.split(b"\n")):
        try:
            fields = orjson.loads(line)
        except ValueError:
            aside.append(SetAside("hec:token", seq, None, "No JSON.", line.decode()))
            continue
        time = NOON + round(fields.pop("at") * SECOND)
        events.append(
            Event(body.stream, seq, time, body.arrived, frozenset({Logsource("windows", None, "security")}), fields,
                  line.decode(), "hec:token", "json", host="ws1")
        )  # fmt: skip
    return EventBatch(tuple(events), tuple(aside))


@dataclass
class Intake:
    """Writes the log as the process that takes events in does, and says how far it came."""

    root: Path
    end: Position = field(default_factory=lambda: Position(0, 0))

    def take(self, entries: Iterable[Entry]) -> None:
        with_position = Store.read_only(self.root)
        log = WriteAhead(self.root / "wal", with_position.state.position(), 0, Disk())
        with_position.close()
        for entry in entries:
            self.end = log.append(list(encode(entry)))
        log.close()


def opened(root: Path, intake: Intake) -> Store:
    return Store.follow(root, lambda: intake.end, lambda body: counted(read(body)))


def service(store: Store, told: Told) -> Service:
    return Service(store, [SigmaDetector(LOADED.ruleset)], IncidentDesk(), told)


def drained(one: Service) -> None:
    while one.turn():
        pass


def stream() -> list[Entry]:
    """Ten minutes of logons, some late, some too late to count, one that claims another year, and quiet in between."""
    entries: list[Entry] = []
    for number in range(120):
        at = 5.0 * number
        late = at - (60 if number % 7 == 0 else 0) - (200 if number % 31 == 5 else 0)
        claimed = at + 10**8 if number == 50 else late
        entries.append(received(number, (late, 4624, f"u{number % 4}"), (claimed, 4624 + number % 3, "eve")))
        if number % 10 == 9:
            entries.append(Passed(NOON + round((at + 4) * SECOND)))
    return [*entries, received(999, (700, 1102, "eve")), Passed(NOON + 1_000 * SECOND)]


def judged(
    root: Path, entries: Sequence[Entry], stops: Callable[[int], bool] = lambda _: False
) -> tuple[list[str], list[str]]:
    """The ids of findings and of incidents; between turns the service is started anew where `stops` says so."""
    intake, turns = Intake(root), 0
    store = opened(root, intake)
    one = service(store, Told())
    intake.take(entries)
    while one.turn():
        turns += 1
        if stops(turns):
            store.close()
            store = opened(root, intake)
            one = service(store, Told())
    found = sorted(finding.id for finding in store.findings()), sorted(one.id for one in store.incidents())
    store.close()
    return found


def test_findings_are_told_and_kept_once(tmp_path):
    intake, told = Intake(tmp_path / "store"), Told()
    with opened(intake.root, intake) as store:
        one = service(store, told)
        assert not one.turn()
        intake.take([received(1, (0, 1102, "eve")), received(2, (1, 5, "eve"), (2, 1102, "anna"))])
        drained(one)
        assert (len(told.findings), told.events, one.tally.events) == (2, [0, 0, 1], 3)
        assert store.position == intake.end
        assert {finding.id for finding in store.findings()} == set(told.findings)
        assert not one.turn()
    with opened(intake.root, intake) as store:
        assert not service(store, told).turn()


def test_what_is_not_acknowledged_is_not_judged(tmp_path):
    intake, told = Intake(tmp_path / "store"), Told()
    with opened(intake.root, intake) as store:
        one = service(store, told)
        intake.take([received(1, (0, 1102, "eve"))])
        told_end = intake.end
        intake.take([received(2, (1, 1102, "eve"))])
        intake.end = told_end
        drained(one)
        assert len(told.findings) == 1


def test_a_record_that_cannot_be_read_is_kept_with_its_place(tmp_path):
    intake = Intake(tmp_path / "store")
    with opened(intake.root, intake) as store:
        body = Received(
            "s", 0, 2, NOON, "hec-event", "token", "::1", "token", b'{"at":0,"EventID":1102}\nno json'
        )
        intake.take([body])
        drained(service(store, Told()))
        assert [(one.record, one.reason) for one in store.set_aside()] == [(1, "No JSON.")]
        assert len(store.findings()) == 1


def test_a_body_in_which_nothing_can_be_read_is_set_aside_whole(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    with opened(tmp_path, intake) as store:
        intake.take([Received("s0", 0, 1, NOON, "hec-event", "token", "127.0.0.1", "token", b"no JSON")])
        drained(service(store, Told()))
        assert [(one.record, one.reason) for one in store.set_aside()] == [(0, "No JSON.")]


@pytest.mark.parametrize("size", [1, 200, 5_000])
def test_the_size_of_portions_changes_no_answer(tmp_path, monkeypatch, size):
    whole = judged(tmp_path / "whole", stream())
    monkeypatch.setattr(bounds, "PORTION_BYTES", size)
    assert judged(tmp_path / "parts", stream()) == whole
    assert len(whole[0]) > 4


@pytest.mark.parametrize("every", [1, 3])
def test_a_restart_anywhere_changes_no_answer(tmp_path, monkeypatch, every):
    whole = judged(tmp_path / "whole", stream())
    monkeypatch.setattr(bounds, "PORTION_BYTES", 300)
    assert judged(tmp_path / "parts", stream(), lambda turn: turn % every == 0) == whole


def test_a_crash_before_the_commit_judges_again_and_tells_once(tmp_path):
    intake, told = Intake(tmp_path / "store"), Told()
    store = opened(intake.root, intake)
    one = service(store, told)
    intake.take([received(1, (0, 1102, "eve")), received(2, (3, 1102, "eve"))])
    store._database.close()
    with pytest.raises(OperatorError, match="closed database"):
        one.turn()
    store._lock.release()
    assert told.findings == []
    with opened(intake.root, intake) as store:
        drained(service(store, told))
        assert len(told.findings) == len(set(told.findings)) == len(store.findings()) == 2


def test_an_event_that_claims_another_year_counts_when_it_came(tmp_path):
    intake = Intake(tmp_path / "store")
    with opened(intake.root, intake) as store:
        body = received(1, (0, 1102, "eve"))
        forged = Received(
            "f", 0, 1, body.arrived, "hec-event", "token", "::1", "token", b'{"at":1e9,"EventID":1102}'
        )
        intake.take([body, forged])
        drained(service(store, Told()))
        assert {finding.time for finding in store.findings()} == {NOON}


@pytest.mark.parametrize("ahead", [300, 10**8])
def test_a_clock_that_ran_ahead_and_was_set_back_leaves_no_rule_blind(tmp_path, ahead):
    """`ahead` is in seconds; logons that are three in a minute come before, meanwhile, and afterwards."""
    came = [
        received(start + n, (start + 5 * n, 4624, f"u{start}")) for start in (0, ahead, 30) for n in range(3)
    ]
    entries = [*came, Passed(NOON + 400 * SECOND)]
    intake = Intake(tmp_path / "store")
    with opened(intake.root, intake) as store:
        intake.take(entries)
        drained(service(store, Told()))
        assert {one.group["User"] for one in store.findings()} == {"u0", f"u{ahead}", "u30"}
    assert judged(tmp_path / "again", entries, lambda _: True) == judged(tmp_path / "more", entries)


def test_a_commit_that_the_disk_refuses_for_now_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    undisturbed = judged(tmp_path / "undisturbed", stream())
    intake, told, complaints, now = Intake(tmp_path / "store"), Told(), [], [0]
    with opened(intake.root, intake) as store:
        one = service(store, told)
        patience = Patience(lambda: now[0], complaints.append)
        intake.take(stream())
        with closing(sqlite3.connect(intake.root / "state.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                now[0] += 60 * SECOND
                assert not patience.does(one.turn)
                assert (one.waits, patience.refused, told.events) == (True, True, [])
            assert len(complaints) == 1
            assert "is locked" in complaints[0]
            other.execute("ROLLBACK")
        assert not patience.does(one.turn), "it waits a while"
        now[0] += 60 * SECOND
        while patience.does(one.turn):
            pass
        assert complaints[1:] == ["What was judged can be stored again."]
        found = sorted(one.id for one in store.findings()), sorted(one.id for one in store.incidents())
    assert found == undisturbed
    assert sorted(told.findings) == found[0]


def test_segments_are_sealed_once_they_are_judged_and_left(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 2_000)
    intake = Intake(tmp_path / "store")
    with opened(intake.root, intake) as store:
        intake.take(stream())
        drained(service(store, Told()))
        assert store.seal() > 2
        assert [int(path.stem) for path in (intake.root / "wal").glob("*.wal")] == [intake.end.segment]
        stored = store.events_between(-(2**62), 2**62)
        assert len(stored) == 241


def test_findings_of_full_portions_become_incidents_soon_and_through_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "PORTION_BYTES", 1)
    intake = Intake(tmp_path / "store")
    with opened(intake.root, intake) as store:
        one = service(store, Told())
        intake.take([received(number, (number, 1102, "eve")) for number in range(1, 3)])
        assert one.turn()
        assert len(store.findings()) == 1
        assert store.incidents() == ()
    with opened(intake.root, intake) as store:
        drained(service(store, Told()))
        assert [len(incident.findings) for incident in store.incidents()] == [2]
    with opened(intake.root, intake) as store:
        assert not service(store, Told()).turn()


def test_incidents_that_are_owed_are_made_though_the_disk_refuses_at_first(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "PORTION_BYTES", 1)
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    intake = Intake(tmp_path / "store")
    with opened(intake.root, intake) as store:
        one = service(store, Told())
        intake.take([received(1, (0, 1102, "eve"))])
        assert one.turn()
        assert store.incidents() == ()
        with closing(sqlite3.connect(intake.root / "state.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(OperatorError, match="is locked"):
                one.turn()
            other.execute("ROLLBACK")
        assert one.turn()
        assert len(store.incidents()) == 1
        assert not one.turn()
