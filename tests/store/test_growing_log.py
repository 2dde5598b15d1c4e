"""The log as a second process reads it, while it grows, is sealed, and is half written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.config import bounds
from tocsin.store.disk import Disk
from tocsin.store.entries import Watermark, encode
from tocsin.store.growing_log import GrowingLog
from tocsin.store.segment import Position
from tocsin.store.write_ahead import WriteAhead, list_segments


def note(number: int) -> list[tuple[int, bytes]]:
    return list(encode(Watermark(number)))


def given(log: GrowingLog) -> list[int]:
    return [entry.instant for _, entry in log.added() if isinstance(entry, Watermark)]


def test_it_gives_each_entry_once_as_it_comes(tmp_path: Path) -> None:
    reading = GrowingLog(tmp_path, Position(0, 0))
    assert given(reading) == []
    writing = WriteAhead(tmp_path, Position(0, 0), 0, Disk())
    for number in range(3):
        end = writing.append(note(number))
        assert given(reading) == [number]
    assert given(reading) == []
    assert given(GrowingLog(tmp_path, end)) == []
    reading.close()


def test_a_segment_that_is_sealed_meanwhile_is_read_to_its_end(tmp_path: Path) -> None:
    writing = WriteAhead(tmp_path, Position(0, 0), 0, Disk())
    writing.append(note(0))
    reading = GrowingLog(tmp_path, Position(0, 0))
    assert given(reading) == [0]
    writing.append(note(1))
    (first,) = list_segments(tmp_path)
    writing.rotate()
    writing.append(note(2))
    first.path.unlink()
    assert given(reading) == [1, 2]
    reading.close()


def test_it_begins_behind_what_was_sealed_before(tmp_path: Path) -> None:
    writing = WriteAhead(tmp_path, Position(0, 0), 0, Disk())
    judged = writing.append(note(0))
    (first,) = list_segments(tmp_path)
    writing.rotate()
    first.path.unlink()
    reading = GrowingLog(tmp_path, judged)
    writing.append(note(1))
    assert given(reading) == [1]
    reading.close()


def test_what_is_half_written_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 1 << 20)
    writing = WriteAhead(tmp_path, Position(0, 0), 0, Disk())
    writing.append(note(0))
    (segment,) = list_segments(tmp_path)
    whole = segment.path.read_bytes()
    reading = GrowingLog(tmp_path, Position(0, 0))
    segment.path.write_bytes(whole[:-3])
    assert given(reading) == []
    segment.path.write_bytes(whole)
    assert given(reading) == [0]
    reading.close()
