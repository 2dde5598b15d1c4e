"""The log: order, torn tails, damage, and strangers' bytes in it."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.config import bounds
from tocsin.records.errors import OperatorError
from tocsin.store.disk import Disk
from tocsin.store.entries import Entry, Watermark, encode
from tocsin.store.segment import FRAME_BYTES, HEADER_BYTES, Position, frame
from tocsin.store.write_ahead import WriteAhead, read_between

START = Position(0, 0)


def opened(
    folder: Path, committed: Position = START, sealed: int = 0, disk: Disk | None = None
) -> WriteAhead:
    return WriteAhead(folder, committed, sealed, disk or Disk())


def note(number: int) -> list[tuple[int, bytes]]:
    return list(encode(Watermark(number)))


def read(log: WriteAhead, after: Position = START) -> list[Entry]:
    return [entry for _, entry in log.read(after, log.end)]


def fill(folder: Path, count: int) -> list[Position]:
    log = opened(folder)
    ends = [log.append(note(number)) for number in range(count)]
    log.close()
    return ends


def only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_appended_is_read_in_order(tmp_path: Path) -> None:
    ends = fill(tmp_path, 5)
    assert ends == sorted(set(ends))
    log = opened(tmp_path)
    assert read(log) == [Watermark(number) for number in range(5)]
    assert read(log, ends[2]) == [Watermark(3), Watermark(4)]
    assert log.notices == []
    log.append(note(5))
    assert [position for position, _ in log.read(START, log.end)] == [*ends, log.end]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_nothing_behind_the_end_is_looked_at(tmp_path: Path, count: int) -> None:
    """There another process may be in the middle of writing."""
    log = opened(tmp_path)
    end = log.append(note(0)) if count else Position(1, HEADER_BYTES)
    for number in range(1, count):
        end = log.append(note(number))
    if not count:
        log.append(note(0))
        only(tmp_path).write_bytes(only(tmp_path).read_bytes()[:HEADER_BYTES])
    with only(tmp_path).open("ab") as file:
        file.write(b"half a fra")
    assert len(list(read_between(tmp_path, START, end))) == count
    assert list(read_between(tmp_path, end, end)) == []
    log.close()


def test_full_segments_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "WAL_SEGMENT_BYTES", 200)
    log = opened(tmp_path)
    for number in range(50):
        log.append(note(number))
    assert len(log.closed()) > 5
    assert read(log) == [Watermark(number) for number in range(50)]
    log.close()
    assert read(opened(tmp_path)) == [Watermark(number) for number in range(50)]


@pytest.mark.parametrize("keep", range(1, FRAME_BYTES + 6))
def test_a_torn_tail_is_cut_off_with_a_notice(tmp_path: Path, keep: int) -> None:
    ends = fill(tmp_path, 3)
    size = only(tmp_path).stat().st_size
    assert size == ends[-1].offset
    os.truncate(only(tmp_path), ends[1].offset + keep)
    if ends[1].offset + keep == size:
        pytest.skip("that is the whole frame")
    log = opened(tmp_path, ends[0])
    assert read(log) == [Watermark(0), Watermark(1)]
    assert len(log.notices) == 1
    assert str(keep) in log.notices[0]
    log.append(note(9))
    log.close()
    assert read(opened(tmp_path)) == [Watermark(0), Watermark(1), Watermark(9)]


@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 100, b"x"])
def test_rubbish_behind_the_last_frame_is_a_torn_tail(tmp_path: Path, tail: bytes) -> None:
    fill(tmp_path, 3)
    with only(tmp_path).open("ab") as file:
        file.write(tail)
    log = opened(tmp_path)
    assert len(read(log)) == 3
    assert log.notices


def test_damage_before_a_later_acknowledged_frame_is_told(tmp_path: Path) -> None:
    ends = fill(tmp_path, 3)
    flip(only(tmp_path), ends[0].offset + FRAME_BYTES)
    with pytest.raises(OperatorError, match=rf"0000000001\.wal is damaged at byte {ends[0].offset}") as told:
        opened(tmp_path)
    assert "backup" in told.value.next_step
    assert only(tmp_path).stat().st_size == ends[-1].offset, "nothing was cut"


def test_damage_before_the_committed_position_is_told(tmp_path: Path) -> None:
    ends = fill(tmp_path, 3)
    os.truncate(only(tmp_path), ends[1].offset + 1)
    with pytest.raises(OperatorError, match="missing"):
        opened(tmp_path, ends[2])


def test_damage_in_a_middle_segment_is_told_when_it_is_read(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append(note(0))
    end = log.append(note(1))
    log.rotate()
    log.append(note(2))
    log.close()
    first = min(tmp_path.iterdir())
    os.truncate(first, end.offset - 1)
    with pytest.raises(OperatorError, match="cut short"):
        read(opened(tmp_path))


@pytest.mark.parametrize("lost", [1, 2])
def test_a_missing_segment_is_told(tmp_path: Path, lost: int) -> None:
    log = opened(tmp_path)
    for number in range(3):
        log.append(note(number))
        log.rotate()
    (tmp_path / f"{lost:010d}.wal").unlink()
    with pytest.raises(OperatorError, match=f"lacks its segment .*{lost:010d}"):
        opened(tmp_path)


@pytest.mark.parametrize("torn", [b"", b"TOCSINWL", bytes(HEADER_BYTES)])
def test_a_segment_whose_creation_was_torn_is_begun_again(tmp_path: Path, torn: bytes) -> None:
    (end,) = fill(tmp_path, 1)
    only(tmp_path).unlink()  # sealed
    (tmp_path / "0000000002.wal").write_bytes(torn)
    log = opened(tmp_path, end, 1)
    assert len(log.notices) == 1
    assert log.end == end
    assert log.append(note(1)).segment == 2
    assert read(log, end) == [Watermark(1)]


@pytest.mark.parametrize("committed", [0, 2, 3])
def test_the_segment_before_one_whose_creation_was_torn_is_read_and_goes_on(
    tmp_path: Path, committed: int
) -> None:
    ends = [START, *fill(tmp_path, 3)]
    (tmp_path / "0000000002.wal").touch()
    log = opened(tmp_path, ends[committed])
    assert log.end == ends[-1]
    assert read(log, ends[committed]) == [Watermark(number) for number in range(committed, 3)]
    assert log.append(note(3)) > ends[-1]
    assert read(log) == [Watermark(number) for number in range(4)]


def test_a_newer_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.store.segment.VERSION", 2)
    fill(tmp_path, 1)
    monkeypatch.undo()
    with pytest.raises(OperatorError, match="newer Tocsin"):
        opened(tmp_path)


def test_a_frame_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.append([(77, b"from the future")])
    with pytest.raises(OperatorError, match="kind 77"):
        read(log)


def test_a_record_that_forges_a_frame_proves_nothing(tmp_path: Path) -> None:
    """A log line may hold the bytes of a frame; a torn write of it must not read as damage, nor as a frame."""
    forged = b"".join(frame(b"\0" * 8, 4, encode_note(), 2**40)) * 50
    log = opened(tmp_path)
    end = log.append(note(0))
    log.append([(4, forged)])
    log.close()
    os.truncate(only(tmp_path), only(tmp_path).stat().st_size - 10)
    log = opened(tmp_path, end)
    assert read(log) == [Watermark(0)]


def encode_note() -> bytes:
    return note(1)[0][1]


class FullDisk(Disk):
    """A disk that takes half of a write and then says that it is full."""

    full = False

    def write(self, descriptor: int, parts: Sequence[bytes | memoryview]) -> int:
        if self.full:
            super().write(descriptor, [b"".join(bytes(part) for part in parts)[:20]])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, parts)


def test_a_full_disk_stops_the_log_and_loses_nothing(tmp_path: Path) -> None:
    disk = FullDisk()
    log = opened(tmp_path, disk=disk)
    log.append(note(0))
    disk.full = True
    with pytest.raises(OperatorError, match="No space left"):
        log.append(note(1))
    disk.full = False
    with pytest.raises(OperatorError, match="earlier write failed"):
        log.append(note(2))
    log.close()
    log = opened(tmp_path)
    assert read(log) == [Watermark(0)]
    assert log.notices


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x40
    path.write_bytes(bytes(content))


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_random_damage_is_told_or_cut_and_never_invents(seed: int) -> None:
    """Whatever happens to a segment's bytes, what is read is a beginning of what was written, or an OperatorError."""
    from tempfile import TemporaryDirectory

    rng = random.Random(seed)
    with TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, 8)
        content = bytearray(only(folder).read_bytes())
        for _ in range(rng.randint(1, 4)):
            damage(rng, content)
        only(folder).write_bytes(bytes(content))
        try:
            found = read(opened(folder))
        except OperatorError:
            return
        assert found == [Watermark(number) for number in range(len(found))]


def damage(rng: random.Random, content: bytearray) -> None:
    at = rng.randrange(len(content) + 1)
    match rng.randrange(5):
        case 0:
            del content[at:]
        case 1:
            content[at : at + 1] = rng.randbytes(1)
        case 2:
            content[at:at] = rng.randbytes(rng.randint(1, 40))
        case 3:
            del content[at : at + rng.randint(1, 40)]
        case _:
            content[at : at + 30] = bytes(len(content[at : at + 30]))
