"""Small files become few: the same events, at each moment, whatever ends the work and whoever reads meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_events import NOON, event
from test_powercut import PowerCuts
from test_retention import MANY, Dying, filled
from tests.power_cut import Killed

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch
from tocsin.records.instants import DAY, HOUR
from tocsin.store.compaction import merge
from tocsin.store.disk import Disk, Site
from tocsin.store.store import Store

ALL = (-(2**62), 2**62)


def merged_all(store: Store, disk: Disk | None = None) -> int:
    """Merges until nothing is left to merge; gives how many files came of it."""
    made = 0
    while groups := store.upkeep.mergeable():
        for group in groups:
            store.upkeep.merged(merge(group, store.root, disk or Disk()))
            made += 1
    return made


def sealed(store: Store, *events: Event) -> None:
    """One segment."""
    store.commit(store.append(EventBatch.of(events)).position)
    store.seal(all_of_it=True)


def found(store: Store) -> list[Event]:
    return sorted(store.events_between(*ALL), key=lambda one: one.seq)


def parquet(root: Path) -> list[str]:
    return sorted(path.relative_to(root / "events").as_posix() for path in root.rglob("*.parquet"))


def test_a_day_that_is_over_becomes_one_file_for_each_kind(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        filled(store, 12)  # from 16:00: eight hours of one day, four of the next
        before = found(store)
        assert len(parquet(store.root)) == 24
        assert merged_all(store) == 2
        assert found(store) == before
        names = parquet(store.root)
        assert sorted(name.split("/")[0] for name in names) == ["2025-11-24"] * 2 + [
            f"2025-11-25T0{hour}" for hour in range(4) for _ in range(2)
        ]
        assert len(list((store.root / "events").iterdir())) == 5, "hours that are empty are gone"
        assert [hour.hour for hour in store.hours()] == [
            "2025-11-24",
            *(f"2025-11-25T0{one}" for one in range(4)),
        ]
        wanted = before[3].id
        assert store.events([wanted]) == {wanted: before[3]}
        assert store.counts_between(*ALL, "kind") == {"kind0": 12, "kind1": 12}
        sealed(store, event(90, ingest=NOON + 30 * HOUR))
        assert merged_all(store) == 0


def test_an_hour_of_many_files_is_merged_before_its_day_is_over(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        for seq in range(bounds.MERGE_FROM):
            sealed(store, event(seq))
        assert merged_all(store) == 0, "the hour goes on"
        sealed(store, event(90, ingest=NOON + HOUR))
        assert merged_all(store) == 1
        assert [one.seq for one in found(store)] == [*range(bounds.MERGE_FROM), 90]
        assert merged_all(store) == 0


def test_large_days_stay_by_the_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path / "store") as store:
        for seq in range(12):
            sealed(store, event(seq, ingest=NOON + seq // 4 * HOUR))
        sealed(store, event(90, ingest=NOON + 2 * DAY))
        one = max(path.stat().st_size for path in store.root.rglob("*.parquet"))
        monkeypatch.setattr(bounds, "MERGED_BYTES", 3 * one)
        assert merged_all(store) > 0
        assert found(store)[:12] == [event(seq, ingest=NOON + seq // 4 * HOUR) for seq in range(12)]
        assert {name.split("/")[0] for name in parquet(store.root)} == {
            "2025-11-24T16", "2025-11-24T17", "2025-11-24T18", "2025-11-26T16"
        }  # fmt: skip
        assert all(path.stat().st_size < 4 * one for path in store.root.rglob("*.parquet"))


EVENTS = st.builds(
    lambda seq, hour, kind, extra: (seq, hour, kind, extra),
    st.integers(0, 10**6), st.integers(0, 60), st.sampled_from("ab"),
    st.dictionaries(st.sampled_from(["A", "a", "B", "t_x", "Data"]), st.sampled_from([1, "x", None, [1], "\ud800", 2.5])),
)  # fmt: skip


class NoSync(Disk):
    """A disk that does not wait."""

    def sync_data(self, descriptor: int, site: Site) -> None:
        del descriptor, site

    def sync_directory(self, path: Path, site: Site) -> None:
        del path, site


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(EVENTS, min_size=1, max_size=8), min_size=2, max_size=4))
def test_what_comes_back_is_what_went_in(tmp_path_factory: pytest.TempPathFactory, drawn) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        Store.open(tmp_path_factory.mktemp("any") / "store", NoSync()) as store,
    ):
        patch.setattr(bounds, "MERGE_GROUP_BYTES", 2_000)
        patch.setattr(bounds, "STREAMS_LISTED", 3)
        number = 0
        for segment in drawn:
            made = []
            for _, hour, kind, extra in segment:
                one = event(number, f"s{number % 5}", kind=kind, ingest=NOON + hour * HOUR)
                one.fields = {**one.fields, **extra}
                made.append(one)
                number += 1
            sealed(store, *made)
        before = found(store)
        assert len(before) == number
        merged_all(store, NoSync())
        assert found(store) == before
        assert store.events(one.id for one in before) == {one.id: one for one in before}


def test_a_reader_sees_all_of_the_old_or_all_of_the_new(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store, Store.read_only(tmp_path / "store") as reader:
        filled(store, 12)
        before = [one.seq for one in found(store)]
        look = reader._catalogue.files_between

        def late(start: int, end: int) -> list[tuple[str, str]]:
            listed = look(start, end)
            merged_all(store)
            return listed

        reader._catalogue.files_between = late  # type: ignore[method-assign]
        assert sorted(one.seq for one in reader.events_between(*ALL)) == before
        assert reader.counts_between(*ALL, "host") == {"WS-1": 24}


def test_what_was_dropped_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        filled(store, 12)
        written = [merge(group, store.root, Disk()) for group in store.upkeep.mergeable()]
        assert store.upkeep.expire(90, 0, NOON) == "2025-11-24T16"
        for one in written:
            store.upkeep.merged(one)
        assert [one.seq for one in found(store)] == list(range(2, 24))
        assert not any("merged" in name for name in parquet(store.root))


def test_a_merged_day_goes_when_its_last_hour_is_to_go(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        filled(store, 12)
        merged_all(store)
        midnight = NOON + 8 * HOUR
        assert store.upkeep.expire(90, MANY, midnight + 90 * DAY - 1) is None
        assert store.upkeep.expire(90, MANY, midnight + 90 * DAY) == "2025-11-24"
        assert [one.seq for one in found(store)] == list(range(16, 24))


@pytest.mark.parametrize("step", [0, 1, 2, 4, 7, 10, 13])
def test_killed_at_any_step_nothing_is_lost_and_the_leavings_are_swept(tmp_path: Path, step: int) -> None:
    disk = Dying()
    store = Store.open(tmp_path / "store", disk)
    filled(store, 12)
    before = found(store)
    disk.left = step
    with pytest.raises(Killed):
        merged_all(store, disk)
    store._database.close()
    store._lock.release()
    with Store.open(tmp_path / "store") as again:
        assert found(again) == before
        again.upkeep.sweep()
        assert found(again) == before
        assert set(parquet(again.root)) == {path.removeprefix("events/") for path in again._catalogue.paths()}
        merged_all(again)
        assert found(again) == before
        assert not list(again.root.rglob("*.tmp"))


def test_a_power_cut_at_any_step_loses_nothing(tmp_path: Path) -> None:
    cuts = PowerCuts(tmp_path)
    with Store.open(cuts.root, cuts.disk) as store:
        watch, cuts.disk._watch = cuts.disk._watch, lambda: None
        for seq, hours in enumerate((0, 1, 24)):
            sealed(store, event(seq, ingest=NOON + hours * HOUR))
        cuts.disk._watch = watch
        cuts.promise.events |= {one.id for one in store.events_between(*ALL)}
        before = len(cuts.tried)
        assert merged_all(store, cuts.disk) == 1
    assert len(cuts.tried) > before + 5


def test_a_damaged_file_is_told_and_left(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        filled(store, 9)
        (store.root / "events" / parquet(store.root)[0]).write_bytes(b"PAR1 no more")
        first, second = store.upkeep.mergeable()
        with pytest.raises(OperatorError, match="cannot be merged"):
            merge(first, store.root, Disk())
        assert store.upkeep.mergeable({first}) == [second]
