"""Real files that grow, rotate and shrink while a real intake process follows them: each line is in the log once."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_running import Running, wait_for

from tocsin.records.received import Received
from tocsin.sources.listened.received import events_of
from tocsin.sources.listened.splunk_hec import raw_lines

QUICK = {
    "TAIL_LOOK_SECONDS": 0.02, "TAIL_FIND_SECONDS": 0.05, "TAIL_PARTIAL_SECONDS": 0.3, "TAIL_LEAVING_SECONDS": 1.0,
    "TAIL_IDLE_SECONDS": 1.0,
}  # fmt: skip

Start = Callable[..., Running]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def follow(start: Start, *paths: Path | str, **options: object) -> Running:
    bounds = {**QUICK, **options.pop("bounds", {})}  # type: ignore[dict-item]
    return start(files=[str(path) for path in paths], bounds=bounds, **options)


def counted(running: Running) -> int:
    told = running.of("counted")
    return told[-1]["counters"]["records"] if told else 0


def lines_of(stored: list[Received]) -> list[bytes]:
    return [line for part in stored if part.listener == "file" for line in raw_lines(part.body)]


def ids_of(stored: list[Received]) -> list[tuple[str, int]]:
    return [
        (part.stream, part.first + at)
        for part in stored
        if part.listener == "file"
        for at in range(part.count)
    ]


def ended(running: Running, count: int) -> list[Received]:
    """What the log holds once `count` records were taken in."""
    try:
        wait_for(lambda: counted(running) >= count, f"{count} records")
    except AssertionError as error:
        raise AssertionError(f"{error}: {counted(running)} came: {running.of('told')}") from None
    running.stop()
    return running.stored()


def put(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def numbered(first: int, last: int) -> list[str]:
    return [f"2026-11-23T13:00:00 host app: line {number} of many" for number in range(first, last)]


def test_a_file_is_read_from_its_start_and_followed(start: Start, logs: Path) -> None:
    put(logs / "a.log", *numbered(0, 100))
    running = follow(start, logs / "a.log")
    wait_for(lambda: counted(running) >= 100)
    put(logs / "a.log", *numbered(100, 150))
    stored = ended(running, 150)
    assert [line.decode() for line in lines_of(stored)] == numbered(0, 150)
    assert [seq for _, seq in ids_of(stored)] == list(range(150))
    assert len({part.stream for part in stored}) == 1
    assert {part.auth for part in stored} == {"local"}


def test_a_file_may_come_later_and_so_may_its_folder(start: Start, logs: Path) -> None:
    running = follow(start, logs / "deep" / "*.log", logs / "late.log")
    put(logs / "late.log", "one")
    (logs / "deep").mkdir()
    put(logs / "deep" / "x.log", "two", "three")
    assert sorted(lines_of(ended(running, 3))) == [b"one", b"three", b"two"]


def test_a_restart_goes_on_where_the_log_says(start: Start, logs: Path) -> None:
    put(logs / "a.log", *numbered(0, 10))
    running = follow(start, logs)
    ended(running, 10)
    put(logs / "a.log", *numbered(10, 20))
    running = follow(start, logs)
    stored = ended(running, 10)
    assert [line.decode() for line in lines_of(stored)] == numbered(0, 20)
    assert [seq for _, seq in ids_of(stored)] == list(range(20))


def test_renamed_and_begun_anew(start: Start, logs: Path) -> None:
    put(logs / "a.log", *numbered(0, 50))
    running = follow(start, logs / "a.log")
    wait_for(lambda: counted(running) >= 50)
    writer = (logs / "a.log").open("a")
    (logs / "a.log").rename(logs / "a.log.1")
    put(logs / "a.log", *numbered(100, 120))
    writer.write("".join(f"{line}\n" for line in numbered(50, 60)))  # its program does not know yet
    writer.close()
    stored = ended(running, 80)
    assert Counter(line.decode() for line in lines_of(stored)) == Counter(
        numbered(0, 60) + numbered(100, 120)
    )
    assert len(set(ids_of(stored))) == 80


@pytest.mark.parametrize("whole_folder", [False, True])
def test_copied_and_truncated(start: Start, logs: Path, *, whole_folder: bool) -> None:
    path = logs / "a.log"
    put(path, *numbered(0, 50))
    running = follow(start, logs if whole_folder else path)
    wait_for(lambda: counted(running) >= 50)
    shutil.copyfile(path, logs / "a.log.1")
    os.truncate(path, 0)
    put(path, *numbered(100, 103))
    stored = ended(running, 53)
    assert Counter(line.decode() for line in lines_of(stored)) == Counter(
        numbered(0, 50) + numbered(100, 103)
    )
    assert len({part.stream for part in stored}) == 2


def test_what_was_written_before_a_copy_and_not_read_yet_is_read_from_the_copy(
    start: Start, logs: Path
) -> None:
    path = logs / "a.log"
    put(path, *numbered(0, 50))
    running = follow(start, path)
    ended(running, 50)
    put(path, *numbered(50, 60))
    shutil.copyfile(path, logs / "a.log.1")
    os.truncate(path, 0)
    put(path, *numbered(100, 103))
    stored = ended(follow(start, path), 13)
    assert Counter(line.decode() for line in lines_of(stored)) == Counter(
        numbered(0, 60) + numbered(100, 103)
    )


def test_rotated_while_nobody_looked(start: Start, logs: Path) -> None:
    path = logs / "a.log"
    put(path, *numbered(0, 50))
    ended(follow(start, path), 50)
    put(path, *numbered(50, 60))
    path.rename(logs / "a.log.1")
    put(path, *numbered(100, 110))
    (logs / "a.log.2.gz").write_bytes(gzip.compress(b"of long ago\n"))
    put(logs / "a.log.3", "of long ago and not packed")
    stored = ended(follow(start, path), 20)
    assert Counter(line.decode() for line in lines_of(stored)) == Counter(
        numbered(0, 60) + numbered(100, 110)
    )
    assert [seq for stream, seq in ids_of(stored) if stream == stored[0].stream] == list(range(60))


def test_truncated_and_written_to_the_same_length(start: Start, logs: Path) -> None:
    path = logs / "a.log"
    put(path, "first one")
    running = follow(start, path)
    wait_for(lambda: counted(running) >= 1)
    path.write_text("other one\n")
    assert lines_of(ended(running, 2)) == [b"first one", b"other one"]


def test_a_copy_adds_nothing_and_a_file_that_starts_alike_does(start: Start, logs: Path) -> None:
    put(logs / "a.log", "same", *numbered(0, 20))
    shutil.copyfile(logs / "a.log", logs / "b.log")
    put(logs / "c.log", "same", "but then other")
    running = follow(start, logs)
    stored = ended(running, 23)
    assert Counter(lines_of(stored)) == Counter(
        [b"same", b"same", b"but then other", *map(str.encode, numbered(0, 20))]
    )
    assert len(set(ids_of(stored))) == 23


def test_packed_binary_and_hidden_files_are_no_logs(start: Start, logs: Path) -> None:
    (logs / "a.log.2.gz").write_bytes(gzip.compress(b"old\n"))
    (logs / "wtmp").write_bytes(b"\0" * 384)
    (logs / "odd").write_bytes(gzip.compress(b"packed without saying so\n"))
    put(logs / ".hidden", "x")
    os.mkfifo(logs / "pipe")
    put(logs / "a.log", "one")
    running = follow(start, logs)
    stored = ended(running, 1)
    told = [one["text"] for one in running.of("told")]
    assert lines_of(stored) == [b"one"]
    assert sorted(text for text in told if "cannot be read" in text) == [
        f"{logs}/odd cannot be read: it holds no lines of text.",
        f"{logs}/pipe cannot be read: it is no file.",
        f"{logs}/wtmp cannot be read: it holds no lines of text.",
    ]


def test_a_last_line_without_its_end_waits(start: Start, logs: Path) -> None:
    path = logs / "a.log"
    put(path, "whole")
    running = follow(start, path)
    wait_for(lambda: counted(running) >= 1)
    with path.open("a") as file:
        file.write("half ")
        file.flush()
        time.sleep(0.1)
        file.write("and whole\nnever ended")
    assert lines_of(ended(running, 3)) == [b"whole", b"half and whole", b"never ended"]


def test_a_giant_line_is_taken_in_pieces(start: Start, logs: Path) -> None:
    (logs / "a.log").write_bytes(b"x" * 5_000_000 + b"\nend\n")
    running = follow(start, logs)
    stored = ended(running, 6)
    assert b"".join(lines_of(stored)) == b"x" * 5_000_000 + b"end"
    assert running.of("stopped")[0]["counters"]["cut"] == 4


def test_few_files_are_open_at_a_time(start: Start, logs: Path) -> None:
    for number in range(60):
        put(logs / f"{number}.log", *(f"{number} {line}" for line in numbered(0, 20)))
    running = follow(start, logs, bounds={"TAIL_OPEN": 5})
    stored = ended(running, 1200)
    assert len(lines_of(stored)) == len(set(lines_of(stored))) == 1200


def test_a_full_disk_delays_and_loses_nothing(start: Start, logs: Path, tmp_path: Path) -> None:
    put(logs / "a.log", *numbered(0, 10))
    running = follow(start, logs, bounds={"DISK_RETRY_SECONDS": 0.1})
    wait_for(lambda: counted(running) >= 10)
    (tmp_path / "full").touch()
    put(logs / "a.log", *numbered(10, 20))
    wait_for(lambda: [one for one in running.of("told") if "refused" in one["text"]])
    (tmp_path / "full").unlink()
    assert [line.decode() for line in lines_of(ended(running, 20))] == numbered(0, 20)


ZEEK = "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\n#types\ttime\tstring\taddr\n"


def test_columns_are_known_in_every_part(start: Start, logs: Path) -> None:
    path = logs / "conn.log"
    path.write_text(ZEEK + "1700000000.1\tC1\t192.0.2.1\n")
    running = follow(start, path)
    ended(running, 1)
    put(path, "1700000001.1\tC2\t192.0.2.2")
    running = follow(start, path)
    wait_for(lambda: counted(running) >= 1)
    put(path, "#fields\tts\tid.orig_h\tuid", "#types\ttime\taddr\tstring", "1700000002.1\t192.0.2.3\tC3")
    ended(running, 2)
    put(path, "1700000003.1\t192.0.2.4\tC4", "#close\t2026")
    stored = ended(follow(start, path), 1)
    events = [event for part in stored for event in events_of(part)]
    assert [(event.fields["uid"], event.fields["id.orig_h"]) for event in events] == [
        (f"C{number}", f"192.0.2.{number}") for number in range(1, 5)
    ]


@pytest.mark.parametrize("kills", [12, pytest.param(100, marks=pytest.mark.soak)])
def test_killed_at_random_moments_each_line_is_there_once(start: Start, logs: Path, kills: int) -> None:
    drawn, over = random.Random(7), threading.Event()
    written: list[str] = []

    def write() -> None:
        number, path = 0, logs / "a.log"
        while not over.is_set():
            put(path, *(lines := numbered(number, number := number + drawn.randint(1, 40))))
            written.extend(lines)
            turn = drawn.random()
            if turn < 0.05:
                path.rename(logs / f"a.log.{number}")
            elif turn < 0.15:
                with path.open("a") as file:
                    file.write(f"{number} in two ")
                    file.flush()
                    time.sleep(0.01)
                    file.write("pieces\n")
                written.append(f"{number} in two pieces")
            time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(kills):
            running = follow(start, logs, bounds={"TAIL_CHUNK_BYTES": 2048})
            time.sleep(drawn.uniform(0.0, 0.4))
            running.kill()
    finally:
        over.set()
        writer.join()
    running = follow(start, logs)
    wait_for(lambda: _quiet(running), "quiet")
    running.stop()
    stored = running.stored()
    ids = ids_of(stored)
    assert len(set(ids)) == len(ids)
    assert Counter(line.decode() for line in lines_of(stored)) == Counter(written)


def _quiet(running: Running) -> bool:
    """Whether nothing came for a second and a half."""
    before = counted(running)
    time.sleep(1.5)
    return counted(running) == before
