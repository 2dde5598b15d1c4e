"""What was read before is not read again, and what was not is never mistaken for it."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_events import event, lines, scan

from tocsin.records.errors import OperatorError
from tocsin.records.event import Event, EventBatch
from tocsin.sources.fingerprint import Streams
from tocsin.sources.fingerprint import fingerprint as source_fingerprint
from tocsin.store.disk import Disk, Site
from tocsin.store.segment import Segment, frames, read_marker
from tocsin.store.store import Store
from tocsin.store.streams import fingerprint

LONG = b"".join(b"line %d of a log that goes on\n" % number for number in range(100))
HEADER = b"time,user,action," + b"c" * 1100 + b"\n"


def raws(events: Sequence[Event]) -> list[str]:
    return [one.raw for one in events]


def raw_of(content: bytes) -> list[str]:
    return [one.decode() for one in lines(content)]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "s") as opened:
        yield opened


def test_it_is_what_sources_ask_for(store: Store) -> None:
    streams: Streams = store.streams
    assert streams.resolve(LONG[:1024], "a.log", None) == source_fingerprint(LONG[:1024], "a.log")
    assert fingerprint(b"x", "\udcff") == source_fingerprint(b"x", "\udcff")


def test_the_same_file_again_adds_nothing(store: Store) -> None:
    assert raws(scan(store, LONG)) == raw_of(LONG)
    before = store.position
    assert scan(store, LONG) == []
    assert store.position == before
    assert scan(store, LONG, size=100) == []
    assert len(store.events_between(0, 2**62)) == 100


def test_a_file_that_grew_adds_only_what_is_new(store: Store) -> None:
    first = scan(store, LONG[:2005].rpartition(b"\n")[0] + b"\n")
    rest = scan(store, LONG)
    assert raws(first) + raws(rest) == raw_of(LONG)
    assert {one.stream for one in first + rest} == {source_fingerprint(LONG[:1024], "")}


@pytest.mark.parametrize("reopen", [False, True])
def test_a_short_file_that_grows_past_its_head_keeps_its_stream(tmp_path: Path, reopen: bool) -> None:
    found: list[Event] = []
    store = Store.open(tmp_path / "s")
    for size in (31, 95, 1000, 1024, 2100, len(LONG)):
        found += scan(store, LONG[: LONG.rfind(b"\n", 0, size) + 1])
        if reopen:
            store.close()
            store = Store.open(tmp_path / "s")
    store.close()
    assert raws(found) == raw_of(LONG)
    assert len({one.stream for one in found}) == 1


def test_two_files_with_the_same_head_are_two_streams(store: Store) -> None:
    one, two, three = (HEADER + b"row %d\n" % n * 5 for n in (1, 2, 3))
    found = [scan(store, content) for content in (one, two, three)]
    assert [raws(events) for events in found] == [raw_of(content) for content in (one, two, three)]
    assert len({events[0].stream for events in found}) == 3
    for content in (one, two, three):
        assert scan(store, content) == []
        assert raws(scan(store, content + b"more\n")) == ["more"]


def test_two_short_files_that_begin_alike_are_two_streams(store: Store) -> None:
    assert raws(scan(store, b"time,user\n1,anna\n")) == ["time,user", "1,anna"]
    assert raws(scan(store, b"time,user\n2,bert\n")) == ["time,user", "2,bert"]


def test_a_shorter_file_is_another_stream(store: Store) -> None:
    scan(store, LONG)
    assert raws(scan(store, LONG[:2000])) == raw_of(LONG[:2000])


def test_the_member_name_tells_members_apart(store: Store) -> None:
    assert len(scan(store, LONG, "a.log")) == len(scan(store, LONG, "b.log")) == 100
    assert scan(store, LONG, "a.log") == []


def test_what_cannot_be_checked_is_read_again_rather_than_lost(store: Store) -> None:
    ids = set()
    for _ in range(3):
        stream = store.streams.resolve(LONG[:1024], "", None)
        assert len(store.append(EventBatch.of([event(0, stream)])).batch) == 1
        ids.add(stream)
    assert len(ids) == 3


def test_an_empty_file_begins_no_other(store: Store) -> None:
    assert scan(store, b"") == []
    assert scan(store, b"", "x") == []
    assert raws(scan(store, b"a\n")) == ["a"]


@pytest.mark.parametrize("after", [0, 1, 2, 33])
def test_a_crash_half_way_continues_without_loss_or_repeat(tmp_path: Path, after: int) -> None:
    with Store.open(tmp_path / "s") as store:
        acknowledged = scan(store, LONG, stop_after=after)
        store.streams.forget()  # a killed process commits nothing on its way out
    with Store.open(tmp_path / "s") as store:
        pending = [one for _, entry in store.pending() for one in getattr(entry, "batch", ())]
        assert pending == acknowledged
        rest = scan(store, LONG)
        assert raws(acknowledged) + raws(rest) == raw_of(LONG)
    assert len({one.id for one in acknowledged + rest}) == 100


def test_another_file_with_the_head_of_an_interrupted_one_is_whole(tmp_path: Path) -> None:
    one, two = HEADER + b"row 1\n" * 50, HEADER + b"row 1\n" * 20 + b"row 2\n" * 30
    with Store.open(tmp_path / "s") as store:
        scan(store, one, stop_after=12)
        store.streams.forget()
    with Store.open(tmp_path / "s") as store:
        assert raws(scan(store, two)) == raw_of(two)
        assert len(scan(store, one)) == 51 - 36


def test_a_last_record_that_grows_is_taken_whole_under_its_id(store: Store) -> None:
    first = scan(store, LONG + b"half a rec")
    again = scan(store, LONG + b"half a record\nnext\n")
    assert raws(again) == ["half a record", "next"]
    assert again[0].id == first[-1].id
    assert store.events([again[0].id])[again[0].id].raw == "half a record"
    assert scan(store, LONG + b"half a record\nnext\n") == []


def test_a_last_record_that_only_got_its_newline_is_not_taken_again(store: Store) -> None:
    scan(store, LONG + b"whole")
    assert raws(scan(store, LONG + b"whole\nnext\n")) == ["next"]


def test_a_last_record_that_was_set_aside_is_taken_once_it_is_whole(store: Store) -> None:
    stream = store.streams.resolve(LONG[:1024], "", lambda: io.BytesIO(LONG))
    store.commit(store.append(EventBatch.of([event(0, stream)])).position)
    store.streams.finished(stream, 2, len(LONG), hashlib.sha256(LONG).hexdigest())
    assert len(store.append(EventBatch.of([event(0, stream), event(1, stream)])).batch) == 1


def test_content_that_cannot_be_read_a_second_time_loses_nothing(store: Store) -> None:
    class Damaged(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            block = super().read(500)
            if not block:
                raise EOFError("the archive ends early")
            return block

    def open_again() -> BinaryIO:
        return Damaged(LONG[:1500])

    stream = store.streams.resolve(LONG[:1024], "", open_again)
    assert store.streams.resolve(LONG[:1024], "", open_again) == stream
    assert store.streams.resolve(LONG[:1024], "", lambda: io.BytesIO(LONG)) == stream


class StubbornDisk(Disk):
    """A disk that refuses to sync frames once it is told to."""

    refuse: type[BaseException] | None = None

    def sync_data(self, descriptor: int, site: Site) -> None:
        if self.refuse is not None and site == "wal.frames":
            raise self.refuse(5, "Input/output error")
        super().sync_data(descriptor, site)


@pytest.mark.parametrize("refusal", [OSError, KeyboardInterrupt])
def test_what_was_not_acknowledged_does_not_count_as_read(
    tmp_path: Path, refusal: type[BaseException]
) -> None:
    disk = StubbornDisk()
    with Store.open(tmp_path / "s", disk) as store:
        first = scan(store, LONG[:1500])
        disk.refuse = refusal
        with pytest.raises(OperatorError if refusal is OSError else refusal):
            scan(store, LONG)
        with pytest.raises(OperatorError, match="earlier write failed"):
            scan(store, LONG)
    (segment,) = (tmp_path / "s" / "wal").iterdir()
    os.truncate(segment, store_end(segment))  # the power went: the kernel never wrote what it refused to sync
    with Store.open(tmp_path / "s") as store:
        again = scan(store, LONG)
    assert raws(first[:-1]) + raws(again) == raw_of(LONG)


def store_end(segment: Path) -> int:
    """Where the last frame but one ends: the last was never acknowledged."""
    one = Segment(segment, 1)
    marker = read_marker(one)
    assert marker is not None
    return [frame.end.offset for frame in frames(one, marker)][-2]


PARTS = st.sampled_from([b"a\n", b"b\n", b"a", b"\n", b"line\n" * 90, HEADER])


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.lists(PARTS, max_size=4)), max_size=8))
def test_no_event_is_lost_whatever_files_grow_and_whenever_it_stops(
    steps: list[tuple[int, bool, list[bytes]]],
) -> None:
    """Files grow, and are scanned with and without a crash: each whole line of each ends up stored, in its place."""
    files = [b"", HEADER, HEADER]
    with TemporaryDirectory() as folder:
        for which, crash, parts in steps:
            files[which] += b"".join(parts)
            with Store.open(Path(folder) / "s") as store:
                scan(store, files[which], str(which % 2), stop_after=1 if crash else None, size=40)
                store.streams.forget()
        with Store.open(Path(folder) / "s") as store:
            for which, content in enumerate(files):
                scan(store, content, str(which % 2), size=40)
                stream = store.streams.resolve(
                    content[:1024], str(which % 2), lambda c=content: io.BytesIO(c)
                )
                ids = [event(index, stream).id for index in range(len(lines(content)))]
                stored = store.events(ids)
                assert [stored[one].raw for one in ids] == raw_of(content)
                assert scan(store, content, str(which % 2), size=40) == []
