"""`tocsin run` follows files: killed and started again, each line is an event once, with the id that it had."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from tests.running_service import PATIENCE, Running

from tocsin.config.tokens import add_token
from tocsin.engine.serving import reads
from tocsin.records.errors import OperatorError
from tocsin.records.event import Event
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store


def stored(folder: Path) -> list[Event]:
    with Store.read_only(folder / "data", reads(ReceivedOptions())) as store:
        return store.events_between(0, 2**62)


def awaited(folder: Path, count: int, running: Running) -> list[Event]:
    until = time.monotonic() + PATIENCE
    events: list[Event] = []
    while time.monotonic() < until:
        with suppress(OperatorError):  # it is being made
            if len(events := stored(folder)) >= count:
                return events
        assert running.process.poll() is None, running.said()
        time.sleep(0.1)
    raise AssertionError(f"{len(events)} of {count}: {running.said()}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "tocsin.toml").write_text(
        '[run]\ndata = "data"\nstarter = false\n[run.http]\nlisten = ["127.0.0.1:0"]\n[run.files]\npaths = ["logs/*.log"]\n'
    )
    add_token(tmp_path / "tokens", "shipper", 0)
    return tmp_path


def line(number: int) -> str:
    return f"Nov 23 12:00:00 web sshd[1]: Failed password for root from 192.0.2.9 port {number} ssh2"


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.soak)])
def test_killed_and_started_again_each_line_is_an_event_once(folder: Path, kills: int) -> None:
    drawn, number, log = random.Random(3), 0, folder / "logs" / "auth.log"
    for _ in range(kills):
        running = Running(folder)
        for _ in range(drawn.randint(5, 20)):
            with log.open("a") as file:
                file.write("".join(f"{line(number + one)}\n" for one in range(10)))
            number += 10
            time.sleep(drawn.uniform(0.0, 0.1))
        awaited(folder, drawn.randint(0, number), running)
        running.kill()
        if drawn.random() < 0.5:
            log.rename(folder / "logs" / f"auth.log.{number}")
    running = Running(folder)
    awaited(folder, number, running)
    running.stop()
    events = stored(folder)
    assert Counter(event.raw for event in events) == Counter(map(line, range(number)))
    assert len({event.id for event in events}) == number
    assert {(event.format, event.auth, event.fields["user"]) for event in events} == {
        ("rfc3164", "local", "root")
    }


def test_what_was_judged_and_sealed_is_not_read_again(folder: Path) -> None:
    log = folder / "logs" / "auth.log"
    log.write_text("".join(f"{line(one)}\n" for one in range(50)))
    running = Running(folder)
    awaited(folder, 50, running)
    running.stop()
    with Store.open(folder / "data") as store:
        (mark,) = store.file_marks()
        assert (mark.records, mark.end) == (50, log.stat().st_size)
    with log.open("a") as file:
        file.write(f"{line(50)}\n")
    running = Running(folder)
    events = awaited(folder, 51, running)
    running.stop()
    assert sorted(event.seq for event in events) == list(range(51))


def test_a_format_that_is_none_is_refused(folder: Path) -> None:
    with (folder / "tocsin.toml").open("a") as file:
        file.write('[run.files.formats]\n"logs/*.log" = "nonsense"\n')
    running = Running(folder)
    assert running.process.wait(PATIENCE) == 2
    assert "names no format of lines: 'nonsense'" in running.said()
