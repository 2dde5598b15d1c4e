"""When the journal commits, and what it says about rules that changed between a crash and the next run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.config import bounds
from tocsin.detect.sigma.detector import SigmaDetector
from tocsin.detect.sigma.loading import load_rules
from tocsin.engine.journal import StoreJournal, open_journal
from tocsin.incidents.desk import IncidentDesk
from tocsin.records.event import Event, EventBatch, SetAside
from tocsin.store.entries import RuleSet


def journal(root: Path, version: str = "v1") -> StoreJournal:
    return open_journal(root, [SigmaDetector(load_rules([], {}))], IncidentDesk(), RuleSet(version, 0))


def event(seq: int, raw: str = "line") -> Event:
    return Event("s", seq, seq, 0, frozenset(), {"message": raw}, raw, "a.log", "text")


def waiting(one: StoreJournal) -> list[bool]:
    """One for each batch that was acknowledged and not committed."""
    return [True for _ in one.pending()]


def judge(one: StoreJournal, batch: EventBatch) -> None:
    one.commit(*one.acknowledge(batch), [])


def test_records_that_are_set_aside_count_towards_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of rubbish has no events; what waits for the commit waits in memory."""
    monkeypatch.setattr(bounds, "COMMIT_EVENTS", 10)
    with journal(tmp_path / "store") as one:
        judge(one, EventBatch((), tuple(SetAside("a", at, at, "Broken.", "x") for at in range(9))))
        assert waiting(one) == [True]
        judge(one, EventBatch((), (SetAside("a", 9, 9, "Broken.", "x"),)))
        assert waiting(one) == []


def test_a_log_that_grows_long_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 1_000)
    with journal(tmp_path / "store") as one:
        for seq in range(3 * bounds.COMMIT_SEGMENTS):
            judge(one, EventBatch.of([event(seq, "x" * 2_000)]))
            assert len(waiting(one)) <= bounds.COMMIT_SEGMENTS


@pytest.mark.parametrize(("version", "told"), [("v1", 0), ("v2", 1)])
def test_rules_that_changed_after_a_crash_are_told_even_when_nothing_was_committed_before_it(
    tmp_path: Path, version: str, told: int
) -> None:
    with journal(tmp_path / "store") as one:
        one.acknowledge(EventBatch.of([event(0)]))
    with journal(tmp_path / "store", version) as again:
        assert len(again.notices) == told
        assert len(waiting(again)) == 1
