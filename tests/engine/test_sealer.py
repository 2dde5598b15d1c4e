"""Segments are sealed beside judging: nothing is lost where the process that does it dies, and what fails is told and tried again."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tocsin.config import bounds
from tocsin.engine.sealer import Sealer
from tocsin.engine.serving import reads
from tocsin.records.instants import DAY, SECOND
from tocsin.records.received import Received
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.disk import Disk
from tocsin.store.entries import encode
from tocsin.store.segment import Position
from tocsin.store.store import Store
from tocsin.store.write_ahead import WriteAhead

NOON = 1_700_000_000 * SECOND
COUNT = 40


def body(number: int) -> Received:
    text = b'{"event":{"Channel":"Security","EventID":4624,"n":"%d"}}' % number
    return Received(f"s{number}", 0, 1, NOON + number * SECOND, "hec-event", "ws", "::1", "token", text)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A store whose log has several closed segments, all judged."""
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 1_500)
    end = [Position(0, 0)]
    with Store.follow(tmp_path / "store", lambda: end[0], reads(ReceivedOptions())) as opened:
        log = WriteAhead(opened.root / "wal", opened.position, opened.sealed, Disk())
        for number in range(COUNT):
            end[0] = log.append(list(encode(body(number))))
        log.close()
        opened.commit(end[0])
        yield opened


def segments(store: Store) -> list[int]:
    return sorted(int(path.stem) for path in (store.root / "wal").glob("*.wal"))


def run(sealer: Sealer, done) -> None:
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        sealer.turn()
        time.sleep(0.02)


def test_all_segments_but_the_last_are_sealed(store):
    told: list[str] = []
    before = segments(store)
    sealer = Sealer(store, ReceivedOptions(), lambda: NOON, told.append)
    run(sealer, lambda: len(segments(store)) == 1)
    sealer.stop()
    assert len(before) > 3
    assert store.sealed == before[-2]
    assert [event.fields["n"] for event in store.events_between(-(2**62), 2**62)] == [
        str(n) for n in range(COUNT)
    ]
    assert told == []


def test_a_process_that_dies_costs_nothing(store):
    told: list[str] = []
    now = [NOON]
    sealer = Sealer(store, ReceivedOptions(), lambda: now[0], told.append)
    before = segments(store)
    sealer.turn()
    os.kill(sealer._process.pid, signal.SIGKILL)
    run(sealer, lambda: told)
    assert segments(store) == before
    sealer.turn()
    assert sealer._process is None, "it is tried again later"
    now[0] += round(bounds.SEAL_RETRY_SECONDS * SECOND)
    run(sealer, lambda: len(segments(store)) == 1)
    assert len(store.events_between(-(2**62), 2**62)) == COUNT


def test_what_is_being_sealed_at_a_stop_is_sealed_another_time(store):
    sealer = Sealer(store, ReceivedOptions(), lambda: NOON, lambda _: None)
    before = segments(store)
    sealer.turn()
    sealer.stop()
    assert segments(store) == before
    assert store.seal() == len(before) - 1
    assert len(store.events_between(-(2**62), 2**62)) == COUNT


def test_a_process_that_hangs_is_ended_and_its_segment_sealed_anew(store):
    now, told = [NOON], []
    sealer = Sealer(store, ReceivedOptions(), lambda: now[0], told.append)
    before = segments(store)
    sealer.turn()
    os.kill(sealer._process.pid, signal.SIGSTOP)
    sealer.turn()
    assert told == []
    now[0] += round((bounds.SEAL_HANGS_SECONDS + 1) * SECOND)
    sealer.turn()
    assert "hung, and was ended" in told[0]
    assert segments(store) == before
    now[0] -= DAY  # and a clock that is set back delays nothing
    run(sealer, lambda: len(segments(store)) == 1)
    assert len(store.events_between(-(2**62), 2**62)) == COUNT


def test_small_files_are_merged_once_a_new_day_has_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 400)
    end = [Position(0, 0)]
    with Store.follow(tmp_path / "store", lambda: end[0], reads(ReceivedOptions())) as store:
        log = WriteAhead(store.root / "wal", store.position, store.sealed, Disk())
        for number in range(7):
            later = replace(body(number), arrived=NOON + number // 4 * DAY + number * SECOND)
            end[0] = log.append(list(encode(later)))
        log.close()
        store.commit(end[0])
        told: list[str] = []
        sealer = Sealer(store, ReceivedOptions(), lambda: NOON, told.append)
        run(sealer, lambda: any("T" not in hour.hour for hour in store.hours()))
        assert sum(store.counts_between(-(2**62), 2**62, "kind").values()) == 7
        assert [hour.files for hour in store.hours() if "T" not in hour.hour] == [1]
        assert told == []
