"""State is kept by what changed: whoever opens the store again, after any commit, goes on as if nothing had been."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.test_service import LOADED, NOON

from tocsin.detect.interface import END_OF_TIME
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.engine.books import DESK, Books
from tocsin.engine.live_rules import LiveDetector
from tocsin.incidents.desk import VERSION, IncidentDesk
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch, Logsource
from tocsin.records.finding import Finding
from tocsin.records.instants import SECOND
from tocsin.records.state_changes import WHOLE
from tocsin.store.database import Database
from tocsin.store.migrations import MIGRATIONS
from tocsin.store.store import Store

BEFORE_ROWS = 2
"""The schema in which a detector's state was one blob."""

EVENTS = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from([4624, 4624, 1102, 7]), st.sampled_from(["ann", "bob", "Bob"])),
    max_size=40,
)  # fmt: skip
KEPT, FAILED, RESTART = "kept", "failed", "restart"


def events_of(drawn: Sequence[tuple[int, int, str]]) -> list[Event]:
    """In order of time."""
    return [
        Event("s", seq, NOON + at * SECOND, NOON + at * SECOND, frozenset({Logsource("windows", None, "security")}),
              {"EventID": ident, "User": user}, "{}", "a", "json", host="ws1")
        for seq, (at, ident, user) in enumerate(sorted(drawn))
    ]  # fmt: skip


@dataclass
class Run:
    """A service's detector and desk, with their books in a store."""

    root: Path
    found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.store = Store.open(self.root)
        self.detector, self.desk = LiveDetector(LOADED), IncidentDesk()
        self.books = Books(self.store, [self.detector], self.desk)

    def judge(self, events: Sequence[Event], *, fails: bool = False) -> None:
        appended = self.store.append(EventBatch.of(events))
        found = list(self.detector.process(appended.batch))
        if events:
            found += self.detector.advance(events[-1].time - 5 * SECOND)
        self.desk.add(found)
        self.found += found
        if fails:
            self.store._database._connection.execute("PRAGMA query_only = 1")
            with pytest.raises(OperatorError):
                self.books.write(appended.position, found)
            self.store._database._connection.execute("PRAGMA query_only = 0")
        self.books.write(appended.position, found)

    def restart(self) -> None:
        """As after a crash: nothing is said."""
        self.store.close()
        self.begin()

    def end(self) -> tuple[list[str], bytes]:
        """Ids of all findings, and what the desk knows."""
        found = [*self.found, *self.detector.advance(END_OF_TIME)]
        self.store.close()
        return sorted(one.id for one in found), self.desk.snapshot()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS, st.lists(st.tuples(st.integers(1, 9), st.sampled_from([KEPT, FAILED, RESTART])), max_size=12))
def test_restarts_change_nothing(tmp_path: Path, drawn, portions) -> None:
    events = events_of(drawn)
    for name in ("one", "other"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    whole, broken = Run(tmp_path / "one"), Run(tmp_path / "other")
    for size, what in [*portions, (len(events), KEPT)]:
        part, events = events[:size], events[size:]
        whole.judge(part)
        broken.judge(part, fails=what == FAILED)
        if what == RESTART:
            before = broken.desk.snapshot()
            broken.restart()
            assert broken.desk.snapshot() == before
    assert broken.end() == whole.end()


def test_a_commit_writes_what_changed(tmp_path: Path) -> None:
    run = Run(tmp_path / "store")
    run.judge(events_of([(at % 50, 4624, f"user{at}") for at in range(3_000)]))
    before = run.store._database._connection.total_changes
    last = Event("s", 3_000, NOON + 51 * SECOND, NOON, frozenset({Logsource("windows", None, "security")}),
                 {"EventID": 7}, "{}", "a", "json")  # fmt: skip
    run.judge([last])
    assert run.store._database._connection.total_changes - before < 10
    rows = run.store.state.detector("sigma").rows  # type: ignore[union-attr]
    assert sum(map(len, rows.values())) > 200_000
    run.store.close()


def test_state_of_the_schema_before_is_taken_up(tmp_path: Path) -> None:
    events = events_of([(at, 4624 if at % 3 else 1102, "ann") for at in range(40)])
    old, desk = SigmaDetector(LOADED.ruleset), IncidentDesk()
    found = list(old.process(EventBatch.of(events[:20])))
    desk.add(found)
    desk.all()
    root = tmp_path / "store"
    Store.open(root).close()
    (root / "state.sqlite").unlink()
    database = Database(root / "state.sqlite", write=True, migrations=MIGRATIONS[:BEFORE_ROWS])
    with database.transaction():
        database.put("INSERT INTO detectors VALUES ('sigma', ?, ?)", old.version, old.snapshot())
        database.put("INSERT INTO detectors VALUES (?, ?, ?)", DESK, VERSION, desk.snapshot())
    database.close()
    with pytest.raises(OperatorError, match="older schema"):
        Store.read_only(root)
    run = Run(root, list(found))
    assert run.desk.snapshot() == desk.snapshot()
    with sqlite3.connect(root / f"state.sqlite.v{BEFORE_ROWS}") as backup:
        assert (
            backup.execute("SELECT state FROM detectors WHERE name = 'sigma'").fetchone()[0] == old.snapshot()
        )
    run.judge(events[20:30])
    assert WHOLE not in run.store.state.detector("sigma").rows  # type: ignore[union-attr]
    run.restart()
    run.judge(events[30:])
    ids, _ = run.end()
    found += old.process(EventBatch.of(events[20:]))
    assert ids == sorted(one.id for one in [*found, *old.advance(END_OF_TIME)])


class Plain:
    """A detector that only has snapshots, as a plug-in may."""

    name, version, memory_bound = "plain", "1", 100

    def __init__(self) -> None:
        self.seen = 0

    def process(self, batch: EventBatch) -> Sequence[Finding]:
        self.seen += len(batch)
        return ()

    def advance(self, watermark: int) -> Sequence[Finding]:
        del watermark
        return ()

    def snapshot(self) -> bytes:
        return str(self.seen).encode()

    def restore(self, state: bytes, version: str) -> None:
        assert version == "1"
        self.seen = int(state)


def test_a_detector_that_only_has_snapshots_is_kept_too(tmp_path: Path) -> None:
    for seen in (3, 6):
        with Store.open(tmp_path / "store") as store:
            plain = Plain()
            books = Books(store, [plain], IncidentDesk())
            assert plain.seen == seen - 3
            events = [
                Event("s", seq, NOON, NOON, frozenset(), {}, "{}", "a", "json")
                for seq in range(seen - 3, seen)
            ]
            plain.process(EventBatch.of(events))
            books.write(store.append(EventBatch.of(events)).position, ())
            before = store._database._connection.total_changes
            books.write(store.position, ())
            assert store._database._connection.total_changes - before == 1, "only the position"
