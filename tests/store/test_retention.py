"""Old events go by ingest hour; a crash at any step leaves the rest whole; what findings rest on stays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from store_events import NOON, event, finding
from test_powercut import PowerCuts
from tests.power_cut import Killed

from tocsin.config.service import Retention
from tocsin.engine.keeping import Keeping
from tocsin.records.event import EventBatch
from tocsin.records.instants import DAY, HOUR
from tocsin.store.catalogue import Hour, SealedFile
from tocsin.store.disk import Disk
from tocsin.store.retention import expired
from tocsin.store.store import Store

ALL = (-(2**62), 2**62)
MANY = 10**15


def filled(store: Store, hours: int = 4) -> None:
    """One event of two kinds in each hour from NOON on, with a finding on each."""
    for number in range(hours):
        found = [event(2 * number + one, kind=f"kind{one}", ingest=NOON + number * HOUR) for one in range(2)]
        appended = store.append(EventBatch.of(found))
        store.commit(appended.position, [finding(one) for one in found])
        store.seal(all_of_it=True)


def seqs(store: Store) -> list[int]:
    return sorted(one.seq for one in store.events_between(*ALL))


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in (root / "events").rglob("*"))


class Dying(Disk):
    """Is killed after so many more steps."""

    left = 10**6

    def _live(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    def create(self, path: Path) -> int:
        self._live()
        return super().create(path)

    def write(self, descriptor: int, parts: Sequence[bytes | memoryview]) -> int:
        self._live()
        return super().write(descriptor, parts)

    def rename(self, old: Path, new: Path) -> None:
        self._live()
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        self._live()
        super().unlink(path)

    def remove_directory(self, path: Path) -> None:
        self._live()
        super().remove_directory(path)


def test_what_is_to_go() -> None:
    hours = [Hour(f"2025-11-2{day}T1{hour}", 1, 100) for day in range(3) for hour in range(3)]
    names = [one.hour for one in hours]
    assert expired([], 1, 1, NOON) == []
    assert expired(hours, 1_000, MANY, NOON) == []
    assert expired(hours, 1, MANY, NOON) == names[:-1], "the newest stays"
    assert expired(hours, 4, MANY, NOON - HOUR * 4) == names[:2], "of an hour that is not over nothing goes"
    assert expired(hours, 1_000, 650, NOON) == names[:3]
    assert expired(hours, 1_000, -5, NOON) == names[:-1]


def test_hours_go_oldest_first_and_evidence_stays(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        filled(store)
        proofs = store.findings()
        assert store.upkeep.expire(90, MANY, NOON + 4 * HOUR) is None
        assert store.upkeep.expire(90, MANY, NOON + 90 * DAY + HOUR - 1) is None, (
            "its last event is not 90 days old yet"
        )
        assert store.upkeep.expire(90, MANY, NOON + 90 * DAY + HOUR) == "2025-11-24T16"
        assert seqs(store) == [2, 3, 4, 5, 6, 7]
        assert store.upkeep.expire(90, 0, NOON) == "2025-11-24T17"
        assert store.upkeep.expire(90, 0, NOON) == "2025-11-24T18"
        assert store.upkeep.expire(90, 0, NOON) is None
        assert seqs(store) == [6, 7]
        assert store.findings() == proofs
        assert {one.split("/")[1] for one in files(store.root)} == {"2025-11-24T19"}


@pytest.mark.parametrize("step", range(5))
def test_killed_at_any_step_the_rest_is_whole_and_the_leavings_are_swept(tmp_path: Path, step: int) -> None:
    disk = Dying()
    store = Store.open(tmp_path / "store", disk)
    filled(store)
    disk.left = step
    with pytest.raises(Killed):
        store.upkeep.expire(90, 0, NOON)
    store._database.close()
    store._lock.release()
    with Store.open(tmp_path / "store") as again:
        assert seqs(again) == [2, 3, 4, 5, 6, 7]
        assert again.upkeep.sweep() == 1
        assert again.upkeep.sweep() == 0
        assert seqs(again) == [2, 3, 4, 5, 6, 7]
        assert not any("T16" in one for one in files(again.root))


def test_a_power_cut_at_any_step_loses_nothing_that_is_kept(tmp_path: Path) -> None:
    cuts = PowerCuts(tmp_path)
    with Store.open(cuts.root, cuts.disk) as store:
        filled(store)
        cuts.promise.events |= {one.id for one in store.events_between(*ALL) if one.ingest > NOON + HOUR}
        cuts.promise.findings |= {one.id for one in store.findings()}
        before = len(cuts.tried)
        assert store.upkeep.expire(90, 0, NOON) is not None
        assert store.upkeep.expire(90, 0, NOON) is not None
        assert store.upkeep.sweep() == 0
    assert len(cuts.tried) > before + 10


def test_who_reads_while_an_hour_goes_is_answered(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store, Store.read_only(tmp_path / "store") as reader:
        filled(store)
        look = reader._catalogue.files_between

        def late(start: int, end: int) -> list[tuple[str, str]]:
            found = look(start, end)
            store.upkeep.expire(90, 0, NOON)
            return found

        reader._catalogue.files_between = late  # type: ignore[method-assign]
        assert [one.seq for one in reader.events_between(*ALL)] == [6, 7]


def test_a_day_goes_within_a_second(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        for hour in range(26):
            day, of_day = divmod(hour, 24)
            folder = Path("events") / f"2025-11-2{day}T{of_day:02d}"
            made = []
            for number in range(100):
                path = folder / f"kind{number % 8}" / f"{hour * 100 + number:010d}.parquet"
                (store.root / path).parent.mkdir(parents=True, exist_ok=True)
                (store.root / path).write_bytes(b"x")
                streams = [(f"{hour}-{number}-{one}", 0, 1) for one in range(40)]
                made.append(SealedFile(path.as_posix(), "kind", hour + 1, 1, 10**6, 0, 1, streams))
            store._catalogue.add_sealed(hour + 1, made, [])
        begun, gone = time.perf_counter(), 0
        while store.upkeep.expire(1, MANY, 490_000 * HOUR - 12 * HOUR) is not None:
            gone += 1
        took = time.perf_counter() - begun
    assert gone == 25
    assert took < 3.0, "one second, and what a busy machine takes"


def test_what_is_to_be_kept_may_change_at_any_time_and_holds_at_once(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        filled(store)
        keeping = Keeping(store, Retention(90, 2**40), lambda: NOON, [].append)
        for keep, kept in ((None, 8), (Retention(90, 0), 6), (Retention(90, 2**40), 4)):
            keeping.turn()
            keeping.keep(keep)
            keeping.turn()
            assert len(seqs(store)) == kept


def test_the_service_looks_each_minute_and_goes_on_where_the_disk_refuses(tmp_path: Path) -> None:
    clock, told = [NOON], []
    with Store.open(tmp_path / "store") as store:
        filled(store)
        (store.root / "events" / "2020-01-01T00" / "kind").mkdir(parents=True)
        keeping = Keeping(store, Retention(90, 0), lambda: clock[0], told.append)
        for kept in (6, 4, 2, 2):
            keeping.turn()
            assert len(seqs(store)) == kept
        assert not any("2020" in one for one in files(store.root))
        filled_later = event(90, kind="kind0", ingest=NOON + 9 * HOUR)
        store.commit(store.append(EventBatch.of([filled_later])).position)
        store.seal(all_of_it=True)
        keeping.turn()
        assert len(seqs(store)) == 3, "it looked a moment ago"
        clock[0] += HOUR
        damaged = store._catalogue.hours
        store._catalogue.hours = lambda: (_ for _ in ()).throw(OSError(5, "Input/output error"))  # type: ignore[method-assign]
        keeping.turn()
        assert "Old events could not be dropped." in told[0]
        store._catalogue.hours = damaged  # type: ignore[method-assign]
