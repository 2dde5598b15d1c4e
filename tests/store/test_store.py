"""One writer, many readers; what is appended, committed, sealed and asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from store_events import NOON, batch, event, finding, incident

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.event import EventBatch, SetAside
from tocsin.records.instants import HOUR
from tocsin.records.state_changes import StateChanges
from tocsin.store.detectors import DetectorState
from tocsin.store.entries import Events, RuleSet, Settings, Watermark
from tocsin.store.segment import Position
from tocsin.store.snapshot import held_still
from tocsin.store.store import Store

ALL = (-(2**62), 2**62)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_one_writer_at_a_time(root: Path) -> None:
    with Store.open(root):
        with pytest.raises(OperatorError, match="Another Tocsin is writing"):
            Store.open(root)
        code = (
            f"from pathlib import Path; from tocsin.store.store import Store; Store.open(Path({str(root)!r}))"
        )
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "Another Tocsin is writing" in other.stderr
    Store.open(root).close()


def test_readers_are_let_in_while_one_writes(root: Path) -> None:
    with Store.open(root) as store:
        appended = store.append(batch(range(5)))
        with Store.read_only(root) as reader:
            assert len(reader.events_between(*ALL)) == 5
            store.commit(appended.position, [finding(event(1))])
            assert len(reader.findings()) == 1
            store.seal(all_of_it=True)
            assert len(reader.events_between(*ALL)) == 5
            store.append(batch(range(5, 7)))
            assert len(reader.events_between(*ALL)) == 7
            assert not hasattr(reader, "append")
    with Store.read_only(root) as reader:
        assert len(reader.events_between(*ALL)) == 7


def test_other_folders_are_no_store(tmp_path: Path, root: Path) -> None:
    (tmp_path / "taxes.ods").write_bytes(b"")
    with pytest.raises(OperatorError, match="holds other files"):
        Store.open(tmp_path)
    with pytest.raises(OperatorError, match="is no store"):
        Store.read_only(tmp_path)
    with pytest.raises(OperatorError, match="does not exist"):
        Store.open(tmp_path / "a" / "b")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OperatorError):
        Store.open(tmp_path / "file")


def test_the_store_is_its_owners_alone(root: Path) -> None:
    with Store.open(root) as store:
        store.commit(store.append(batch(range(3))).position)
        store.seal(all_of_it=True)
        store.append(batch(range(3, 5)))
        for path in [root, *root.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_what_root_makes_in_a_store_belongs_to_who_owns_it(root: Path) -> None:
    """Such as a backup, or forgetting somebody: the service goes on as its own user."""
    with Store.open(root) as store:
        store.commit(store.append(batch(range(5))).position)
    for path in (root, *root.rglob("*")):
        os.chown(path, 65534, 65534)
    with Store.open(root) as store, held_still(root):
        store.commit(store.append(batch(range(5, 9))).position)
        store.seal(all_of_it=True)
    assert {path.name for path in root.rglob("*") if path.stat().st_uid != 65534} == set()


def test_pending_is_what_was_acknowledged_and_not_committed(root: Path) -> None:
    with Store.open(root) as store:
        first = store.append(batch(range(3)), [RuleSet("v1", 7), Settings({"zone": "UTC"}), Watermark(NOON)])
        store.commit(first.position)
        second = store.append(EventBatch.of([event(3)], [SetAside("a.evtx", 4, None, "bad")]))
        store.append(batch(range(5, 6)), [RuleSet("v2", 8), Watermark(NOON + 5)])
    with Store.open(root) as store:
        entries = list(store.pending())
        assert [entry for _, entry in entries if not isinstance(entry, Events)] == [
            RuleSet("v2", 8),
            Watermark(NOON + 5),
        ]
        assert [one.seq for _, entry in entries if isinstance(entry, Events) for one in entry.batch] == [3, 5]
        assert (store.state.rule_sets()[0][1:], len(store.state.rule_sets())) == (("v1", 7), 1)
        assert store.state.settings() == {"zone": "UTC"}
        assert store.set_aside() == ()
        store.commit(second.position)
        assert store.set_aside() == (SetAside("a.evtx", 4, None, "bad"),)
        assert [
            one.seq for _, entry in store.pending() if isinstance(entry, Events) for one in entry.batch
        ] == [5]
        store.commit(entries[-1][0])
        assert store.state.watermark() == NOON + 5
        assert [version for _, version, _ in store.state.rule_sets()] == ["v1", "v2"]
        assert list(store.pending()) == []


def test_positions_only_go_forward(root: Path) -> None:
    with Store.open(root) as store:
        first, second = store.append(batch([0])).position, store.append(batch([1])).position
        store.commit(second)
        with pytest.raises(ValueError, match="behind"):
            store.commit(first)
        with pytest.raises(ValueError, match="not acknowledged"):
            store.commit(Position(9, 9))


def test_a_finding_is_stored_once_with_its_evidence(root: Path) -> None:
    one, other = finding(event(0), event(1)), finding(event(1), rule="r2")
    with Store.open(root) as store:
        position = store.append(batch(range(2))).position
        assert store.commit(position, [one, other]) == (one.id, other.id)
        assert store.commit(position, [one]) == ()
        assert store.findings() == (one, other) or store.findings() == (other, one)
        assert store.state.finding(one.id) == one
        assert store.state.finding("none") is None


def test_a_finding_with_text_that_is_no_unicode_is_stored(root: Path) -> None:
    odd = finding(event(0, raw="\udcff\0"))
    with Store.open(root) as store:
        store.commit(store.append(EventBatch.of([event(0, raw="\udcff\0")])).position, [odd])
        assert store.findings() == (odd,)


def test_incidents_are_found_by_id_alias_and_beginning(root: Path) -> None:
    findings = [finding(event(n), rule=f"r{n}") for n in range(4)]
    with Store.open(root) as store:
        position = store.append(batch(range(4))).position
        one, two = incident("abc1", findings[0], rank=2), incident("abd2", findings[1], findings[2], rank=1)
        store.commit(position, findings, [one, two])
        assert store.incidents() == (two, one)
        assert store.findings("abd2") == tuple(findings[1:3])
        assert store.incident("abc1") == store.incident("abc") == one
        for unclear in ("ab", "", "zz", "%"):
            with pytest.raises(OperatorError, match="incident"):
                store.incident(unclear)
        merged = incident("abc1", *findings[:3], rank=1, aliases=("abd2",))
        store.commit(position, [], [merged])
        assert store.incidents() == (merged,)
        assert store.incident("abd2") == store.incident("abd") == merged
        again = incident("0old", *findings, aliases=("abc1",))
        store.commit(position, [], [again])
        assert store.incident("abd2") == store.incident("abc1") == again


def test_a_commit_is_all_or_nothing(root: Path) -> None:
    with Store.open(root) as store:
        position = store.append(batch([0])).position
        bad = DetectorState("d", "1", StateChanges(put={"a": object()}))  # type: ignore[dict-item]
        with pytest.raises(OperatorError):
            store.commit(position, [finding(event(0))], [], [bad])
        assert store.findings() == ()
        assert store.position == Position(0, 0)
        store.commit(position, [finding(event(0))], [], [DetectorState("d", "1", StateChanges.whole(b"s"))])
        assert store.state.detector("d") == ("1", {"whole": b"s"})
        assert store.state.detector("e") is None


def test_only_what_is_judged_is_sealed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 2_000)
    with Store.open(root) as store:
        positions = [store.append(batch(range(n, n + 5))).position for n in range(0, 50, 5)]
        assert store.seal() == 0
        store.commit(positions[4])
        sealed = store.seal()
        assert 0 < sealed < len(list((root / "wal").iterdir())) + sealed
        store.commit(positions[-1])
        assert store.seal(all_of_it=True) > 0
        assert list((root / "wal").iterdir()) == []
        assert [one.seq for one in store.events_between(*ALL)] == list(range(50))
    with Store.open(root) as store:
        assert store.append(batch(range(50, 51))).position.segment > positions[-1].segment
        assert len(store.events_between(*ALL)) == 51


def test_a_scan_that_found_nothing_new_leaves_nothing_behind(root: Path) -> None:
    with Store.open(root) as store:
        aside = [SetAside("a", 1, None, "bad")]
        store.commit(store.append(EventBatch.of([], aside)).position)
        end = store.position
        assert store.append(EventBatch.of([], aside)).position == end
        assert store.set_aside() == tuple(aside)


def test_set_aside_records_are_bounded_and_counted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SET_ASIDE_KEPT", 3)
    with Store.open(root) as store:
        store.commit(
            store.append(EventBatch.of([], [SetAside("a", n, None, "bad") for n in range(5)])).position
        )
        assert [one.record for one in store.set_aside()] == [0, 1, 2]
        assert store.state.set_aside_dropped() == 2


def test_a_set_aside_record_is_new_where_its_text_differs(root: Path) -> None:
    """Rotation: today's file has yesterday's name, and may be broken at the same place."""
    yesterday, today = (SetAside("auth.log", 0, 0, "Broken.", raw) for raw in ("x", "y"))
    with Store.open(root) as store:
        for record, fresh in ((yesterday, 1), (yesterday, 0), (today, 1)):
            appended = store.append(EventBatch((), (record,)))
            assert len(appended.batch.set_aside) == fresh
            store.commit(appended.position)


@pytest.mark.parametrize("sealed", [False, True])
def test_events_by_id_and_by_time(root: Path, sealed: bool) -> None:
    early, late = event(7, "t", kind="zeek/conn", ingest=NOON - HOUR), event(8, "t", kind="zeek/conn")
    with Store.open(root) as store:
        store.commit(store.append(EventBatch.of([*batch(range(5)), early, late])).position)
        if sealed:
            store.seal(all_of_it=True)
            assert len(list((root / "events").rglob("*.parquet"))) == 3
        ids = [event(1).id, early.id, late.id, event(99).id, event(1, "t").id]
        assert store.events(ids) == {one.id: one for one in (event(1), early, late)}
        assert store.events([]) == {}
        assert store.events_between(NOON + 3, NOON + 8) == [event(3), event(4), early]
        assert store.events_between(NOON, NOON + 9, "zeek/conn") == [early, late]
        assert store.events_between(0, 1) == []


def test_many_kinds_share_files_beyond_the_bound(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "KINDS_PER_SEGMENT", 4)
    hostile = ["../../etc", "a/b", "A/B", "\0", "\ud800", "x" * 5_000, "", "con"]
    events = [event(n, kind=kind) for n, kind in enumerate(hostile)]
    with Store.open(root) as store:
        store.commit(store.append(EventBatch.of(events)).position)
        store.seal(all_of_it=True)
        files = list((root / "events").rglob("*.parquet"))
        assert len(files) == 5
        assert all(path.resolve().is_relative_to((root / "events").resolve()) for path in files)
        assert store.events_between(*ALL) == events


def test_a_kind_keeps_its_columns_over_all_its_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "COLUMNS_PER_KIND", 3)
    events = []
    with Store.open(root) as store:
        for number, names in enumerate((["Image", "a"], ["image", "b", "c"], ["IMAGE", "A", "d"])):
            one = event(number)
            one.fields = {name: str(number) for name in names}
            events.append(one)
            store.commit(store.append(EventBatch.of([one])).position)
            store.seal(all_of_it=True)
        assert store.events_between(*ALL) == events


def test_a_damaged_parquet_file_is_told_with_its_name(root: Path) -> None:
    with Store.open(root) as store:
        store.commit(store.append(batch(range(5))).position)
        store.seal(all_of_it=True)
        (path,) = (root / "events").rglob("*.parquet")
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(OperatorError, match=path.name):
            store.events_between(*ALL)
        path.unlink()
        with pytest.raises(OperatorError, match=path.name):
            store.events_between(*ALL)


def test_a_crash_between_listing_and_removing_a_segment_doubles_nothing(root: Path) -> None:
    with Store.open(root) as store:
        store.commit(store.append(batch(range(5))).position)
        (segment,) = (root / "wal").iterdir()
        content = segment.read_bytes()
        store.seal(all_of_it=True)
    segment.write_bytes(content)
    with Store.read_only(root) as reader:
        assert len(reader.events_between(*ALL)) == 5
    with Store.open(root) as store:
        assert not segment.exists()
        assert len(store.events_between(*ALL)) == 5
