"""All of it: real files and a real database, a real socket, a process that is killed. No reading is lost."""

from __future__ import annotations

import asyncio
import errno
import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.engine.plant.collectors.taking import Taking, taking

from tocsin.cli import clock
from tocsin.config import bounds
from tocsin.config.plant_source import Folder, PlantSource, Sql
from tocsin.config.private_files import write_private
from tocsin.engine.plant.collect_process import CollectChild
from tocsin.engine.plant.collecting import collect
from tocsin.engine.plant.collectors.settings import Collected, CollectSettings, Counted, Report, Told
from tocsin.engine.plant.kept_collectors import KeptCollectors

PATIENCE = 60.0


def awaited(done: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until
        meanwhile()
        time.sleep(0.01)


class Side:
    """Sources of a plant as tests have them: a folder, a database."""

    def __init__(self, folder: Path) -> None:
        self.store, self.exports = folder / "data", folder / "exports"
        self.exports.mkdir()
        self.database = folder / "history.db"
        with closing(sqlite3.connect(self.database)) as own, own:
            own.execute("CREATE TABLE h (t INTEGER, tag TEXT, value REAL)")

    def export(self, name: str, start: int, stop: int) -> None:
        path = self.exports / name
        path.write_text("time,LEVEL\n" + "".join(f"{1_700_000_000 + at},{at}\n" for at in range(start, stop)))
        os.utime(path, ns=(0, 0))

    def insert(self, start: int, stop: int) -> None:
        with closing(sqlite3.connect(self.database)) as own, own:
            own.executemany(
                "INSERT INTO h VALUES (?, 'FLOW', ?)", ((1_700_000_000 + at, at) for at in range(start, stop))
            )

    def settings(self, *more: PlantSource) -> CollectSettings:
        sql = Sql(
            "sqlite",
            str(self.database),
            table="h",
            time="t",
            tag="tag",
            value="value",
            every=1,
            rows=100,
            since=0,
        )
        folder = PlantSource("exports", "town", "folder", Folder(self.exports))
        return CollectSettings(self.store, (folder, PlantSource("db", "town", "sql", sql), *more))


def shown(taken: Taking, tag: str) -> list[float]:
    return [float(value) for name, _, value in taken.readings() if name == tag]


@contextmanager
def collecting(settings: CollectSettings) -> Iterator[list[Report]]:
    """The tasks, in a thread of this process; what they tell."""
    from threading import Thread

    said: list[Report] = []
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        started.append((asyncio.get_running_loop(), stop))
        await collect(settings, said.append, clock.now, stop)

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    awaited(lambda: bool(said))
    try:
        yield said
    finally:
        loop, stop = started[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def states(said: list[Report]) -> dict[str, Collected]:
    return next(one.sources for one in reversed(said) if isinstance(one, Counted))


def told(said: list[Report]) -> str:
    return "\n".join(one.text for one in said if isinstance(one, Told))


def test_sources_are_read_side_by_side_and_marked_once_stored(tmp_path: Path) -> None:
    side = Side(tmp_path)
    side.export("a.csv", 0, 50)
    side.insert(0, 50)
    with taking(side.store) as taken:
        with collecting(side.settings()) as said:
            awaited(lambda: states(said)["db"].readings == states(said)["exports"].readings == 50)
            awaited(lambda: {one.state for one in states(said).values()} == {"reads"})
        assert sorted(shown(taken, "LEVEL")) == sorted(shown(taken, "FLOW")) == list(range(50))
        assert (side.store / "plant" / "db.mark").stat().st_mode & 0o777 == 0o600
        side.insert(50, 60)
        with collecting(side.settings()) as said:
            awaited(lambda: states(said)["db"].readings == 10)
        assert shown(taken, "FLOW") == list(range(60))
        assert len(shown(taken, "LEVEL")) == 50


def test_a_source_that_is_lost_or_wrong_holds_up_no_other(tmp_path: Path) -> None:
    side = Side(tmp_path)
    side.insert(0, 5)
    gone = PlantSource("gone", "town", "folder", Folder(tmp_path / "gone"))
    wrong = PlantSource("wrong", "town", "sql", Sql("sqlite", str(side.database), table="h", time="none"))
    with taking(side.store) as taken, collecting(side.settings(gone, wrong)) as said:
        awaited(lambda: states(said)["db"].readings == 5 and states(said)["wrong"].state == "stopped")
        awaited(lambda: states(said)["gone"].state == "lost")
        assert "no column none" in states(said)["wrong"].said
        (tmp_path / "gone").mkdir()
        awaited(lambda: states(said)["gone"].state == "reads")
        assert shown(taken, "FLOW") == list(range(5))
    words = told(said)
    assert words.count("It is lost: the folder") == 1
    assert "Source gone of the plant town: It is read again." in words
    assert "Source wrong of the plant town: It is not read any more." in words


def test_refused_readings_are_kept_and_told(tmp_path: Path) -> None:
    side = Side(tmp_path)
    side.insert(0, 5)
    with taking(side.store) as taken:
        taken.refuses = b"FLOW=3.0"
        with collecting(side.settings()) as said:
            awaited(lambda: states(said)["db"].refused == 1 and states(said)["db"].state == "reads")
        assert shown(taken, "FLOW") == [0, 1, 2, 4]
    assert (side.store / "plant" / "db.refused").read_bytes() == b"plant FLOW=3.0 1700000003000000\n"
    assert "1 lines of readings were refused (400 so it is), and are kept in" in told(said)


def test_refused_readings_that_find_no_room_stop_their_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PLANT_ASIDE_BYTES", 10)
    side = Side(tmp_path)
    side.insert(0, 5)
    with taking(side.store) as taken:
        taken.refuses = b"FLOW"
        with collecting(side.settings()) as said:
            awaited(lambda: states(said)["db"].state == "stopped")
        assert not (side.store / "plant" / "db.mark").exists()
    assert "is full of readings that were refused" in told(said)


def test_without_a_mark_nothing_is_stored_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "PLANT_PAUSE_SECONDS", 0.05)
    side = Side(tmp_path)
    side.insert(0, 5)
    with taking(side.store) as taken:
        full = [True]

        def written(*args: Any, **more: Any) -> None:
            if full[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            write_private(*args, **more)

        monkeypatch.setattr("tocsin.engine.plant.collectors.marks.write_private", written)
        with collecting(side.settings()) as said:
            awaited(lambda: states(said)["db"].state == "lost")
            until = time.monotonic() + 0.5  # ten times the pause
            awaited(lambda: time.monotonic() > until)
            assert shown(taken, "FLOW") == list(range(5))
            full[0] = False
            side.insert(5, 7)
            awaited(lambda: len(shown(taken, "FLOW")) > 5)
            awaited(lambda: states(said)["db"].state == "reads")
        assert shown(taken, "FLOW") == list(range(7))
    assert "cannot be written down" in told(said)


def test_a_killed_process_is_started_anew_and_nothing_is_lost(tmp_path: Path) -> None:
    side = Side(tmp_path)
    words: list[str] = []
    kept = KeptCollectors(side.settings(), clock.now, words.append)
    with taking(side.store) as taken:
        kept.begin()
        try:
            killed = 0
            for part in range(3):
                side.export(f"{part}.csv", part * 500, part * 500 + 500)
                side.insert(part * 500, part * 500 + 500)
                before = len(taken.bodies)
                awaited(lambda before=before: len(taken.bodies) > before, kept.attend)
                if killed < 1:
                    taken.gate.clear()  # it is killed while it waits for an answer
                    child = kept._child
                    assert child is not None
                    assert child.pid is not None
                    os.kill(child.pid, signal.SIGKILL)
                    awaited(lambda child=child: child.died is not None)
                    taken.gate.set()
                    killed += 1
            everything = set(map(float, range(1_500)))
            awaited(
                lambda: set(shown(taken, "FLOW")) == everything and set(shown(taken, "LEVEL")) == everything,
                kept.attend,
            )
        finally:
            kept.stop()
    assert sum("is started again in" in one for one in words) == 1
    assert kept.standing["db"].state == "reads"


def test_it_ends_with_the_service_and_waits_for_nobody(tmp_path: Path) -> None:
    side = Side(tmp_path)
    side.insert(0, 5)
    kept = KeptCollectors(side.settings(), clock.now, lambda _: None)
    with taking(side.store) as taken:
        taken.gate.clear()
        kept.begin()
        child = kept._child
        assert child is not None
        awaited(lambda: bool(kept.standing) and (kept.attend() or kept.standing["exports"].state == "reads"))
        began = time.monotonic()
        kept.stop()
        assert time.monotonic() - began < bounds.STOP_SECONDS
        assert kept._child is None


def test_it_ends_when_the_main_process_is_gone(tmp_path: Path) -> None:
    side = Side(tmp_path)
    kept = KeptCollectors(side.settings(), clock.now, lambda _: None)
    kept.begin()
    child = kept._child
    assert child is not None
    child._life.close()
    awaited(lambda: child.died == 0, lambda: list(child.heard()) and None)
    kept.stop()


def test_without_sources_there_is_no_process_and_new_settings_hold_at_once(tmp_path: Path) -> None:
    side = Side(tmp_path)
    side.insert(0, 5)
    kept = KeptCollectors(CollectSettings(side.store), clock.now, lambda _: None)
    kept.begin()
    kept.attend()
    assert kept._child is None
    with taking(side.store) as taken:
        kept.take_up(side.settings())
        awaited(lambda: len(shown(taken, "FLOW")) == 5, kept.attend)
        same = kept._child
        kept.take_up(side.settings())
        assert kept._child is same
        next(iter(kept.standing.values())).state = "stopped"
        kept.take_up(side.settings())
        assert kept._child is not same, "what was mended outside the settings is read again"
        mended = kept._child
        kept.take_up(replace(side.settings(), digests={"town": "another"}))
        assert kept._child is not mended, "another model may have been learnt in other units"
        kept.take_up(CollectSettings(side.store))
        assert kept._child is None
        assert kept.standing == {}


def test_what_the_process_reports_is_data_and_no_python_object(tmp_path: Path) -> None:
    """Whoever takes it over by a source's bytes gains no code in the main process."""
    made = tmp_path / "made"

    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(made),)

    child = CollectChild(CollectSettings(tmp_path), clock.now)
    try:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child._reports.close()
        child._reports = ours
        theirs.send(Evil())
        theirs.send_bytes(b"x")
        assert list(child.heard()) == []
        assert not made.exists()
        awaited(lambda: child.died is not None)
        theirs.close()
    finally:
        child.kill()
