"""Segments are sealed beside judging: nothing is lost where the process that does it dies, and what fails is told and tried again."""

from __future__ import annotations

import errno
import os
import resource
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


class Stubborn(Disk):
    """A disk that refuses to remove anything, while `refuses`."""

    refuses = False

    def unlink(self, path: Path) -> None:
        if self.refuses:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        super().unlink(path)


NOON = 1_700_000_000 * SECOND
COUNT = 40


def body(number: int) -> Received:
    text = b'{"event":{"Channel":"Security","EventID":4624,"n":"%d"}}' % number
    return Received(f"s{number}", 0, 1, NOON + number * SECOND, "hec-event", "ws", "::1", "token", text)


@pytest.fixture
def disk() -> Stubborn:
    return Stubborn()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Stubborn):
    """A store whose log has several closed segments, all judged."""
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 1_500)
    end = [Position(0, 0)]
    with Store.follow(tmp_path / "store", lambda: end[0], reads(ReceivedOptions()), disk) as opened:
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


def test_a_segment_that_cannot_be_removed_is_told_once_and_tried_again(store, disk):
    now, told = [NOON], []
    sealer = Sealer(store, ReceivedOptions(), lambda: now[0], told.append)
    before = segments(store)
    disk.refuses = True
    run(sealer, lambda: told)
    assert "cannot be removed yet; it is tried again" in told[0]
    for _ in range(3):
        now[0] += round((bounds.SEAL_RETRY_SECONDS + 1) * SECOND)
        sealer.turn()
    assert (len(told), segments(store), store.sealed) == (1, before, before[0])
    assert len(store.events_between(-(2**62), 2**62)) == COUNT
    disk.refuses = False
    now[0] += round((bounds.SEAL_RETRY_SECONDS + 1) * SECOND)
    run(sealer, lambda: len(segments(store)) == 1)
    assert len(store.events_between(-(2**62), 2**62)) == COUNT


def test_a_process_that_cannot_be_started_is_told_and_tried_again(store):
    now, told = [NOON], []
    sealer = Sealer(store, ReceivedOptions(), lambda: now[0], told.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())), hard))
    try:
        sealer.turn()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(told) == 1
    assert "Too many open files" in told[0]
    sealer.turn()
    assert len(told) == 1, "later"
    now[0] += round((bounds.SEAL_RETRY_SECONDS + 1) * SECOND)
    run(sealer, lambda: len(segments(store)) == 1)


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Stubborn):
    """A store whose log holds a few events of two days in small segments, all judged."""
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 400)
    end = [Position(0, 0)]
    with Store.follow(tmp_path / "store", lambda: end[0], reads(ReceivedOptions()), disk) as opened:
        log = WriteAhead(opened.root / "wal", opened.position, opened.sealed, Disk())
        for number in range(7):
            later = replace(body(number), arrived=NOON + number // 4 * DAY + number * SECOND)
            end[0] = log.append(list(encode(later)))
        log.close()
        opened.commit(end[0])
        yield opened


def merged_days(store: Store) -> list[int]:
    """How many files each merged day has."""
    return [hour.files for hour in store.hours() if "T" not in hour.hour]


def parquet(store: Store) -> int:
    return len(list((store.root / "events").rglob("*.parquet")))


def test_small_files_are_merged_once_a_new_day_has_begun(days):
    told: list[str] = []
    sealer = Sealer(days, ReceivedOptions(), lambda: NOON, told.append)
    run(sealer, lambda: merged_days(days))
    assert sum(days.counts_between(-(2**62), 2**62, "kind").values()) == 7
    assert merged_days(days) == [1]
    assert told == []


def test_parts_that_cannot_be_removed_are_tried_again_and_what_they_became_stays(days, disk):
    now, told = [NOON], []
    sealer = Sealer(days, ReceivedOptions(), lambda: now[0], told.append)
    run(sealer, lambda: len(segments(days)) == 1)
    disk.refuses = True
    run(sealer, lambda: told)
    listed = sum(hour.files for hour in days.hours())
    assert merged_days(days) == [1]
    assert parquet(days) > listed
    for refuses in (True, False):
        disk.refuses = refuses
        now[0] += round((bounds.SEAL_RETRY_SECONDS + 1) * SECOND)
        sealer.turn()
        assert sum(days.counts_between(-(2**62), 2**62, "kind").values()) == 7
    assert parquet(days) == listed
    assert len(told) == 1
