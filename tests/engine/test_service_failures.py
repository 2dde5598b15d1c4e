"""What else can happen to a running service: its clock jumps, its disk is slow, its port is taken, one process is killed."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest
from tests.running_service import Running, awaited
from tests.switches import Switches

from tocsin.config.tokens import add_token
from tocsin.records.instants import DAY

RULE = "title: t\nid: t\nlevel: high\nlogsource: {product: windows}\ndetection: {s: {EventID: 1102}, condition: s}\n"


class Place:
    """A service's folder, with a clock that can be moved."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self.switches = Switches(folder / "switches")
        self.token = add_token(folder / "tokens", "shipper", 0)
        (folder / "rule.yml").write_text(RULE)
        self.listen(0)

    def listen(self, port: int) -> None:
        (self.folder / "tocsin.toml").write_text(
            f'[run]\ndata = "data"\nstarter = false\nrules = ["rule.yml"]\n[run.http]\nlisten = ["127.0.0.1:{port}"]\n'
        )

    def running(self, *before: str) -> Running:
        return Running(self.folder, before=before, more=self.switches.environment)

    def post(self, port: int, mark: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = json.dumps({"event": {"Channel": "Security", "EventID": 1102, "mark": mark}})
        connection.request(
            "POST", "/services/collector/event", body, {"Authorization": f"Splunk {self.token}"}
        )
        status = connection.getresponse().status
        connection.close()
        return status

    def found(self, running: Running, port: int, mark: str, number: int) -> None:
        """Sends an event, and waits until it is the finding of that number."""
        assert self.post(port, mark) == 200
        running.line("finding", number)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_clock_that_jumps_forth_and_back_stops_nothing(place: Place) -> None:
    running = place.running()
    try:
        port = running.port()
        for number, days in enumerate((0, 400, -400, 0)):
            place.switches.move_clock(days * DAY)
            place.found(running, port, f"at-{number}", number)
        place.switches.move_clock(DAY)
        os.kill(running.workers()[0], signal.SIGKILL)
        running.says("it is started again")
        place.switches.move_clock(-DAY)  # the moment for which that was planned is two days ahead now
        place.found(running, int(running.line("ready", 1)["ports"][0]), "after", 4)
    finally:
        running.kill()


def test_the_main_process_alone_is_killed_and_the_next_start_finds_all_free(place: Place) -> None:
    running = place.running()
    port = running.port()
    place.listen(port)
    place.found(running, port, "one", 0)
    intake, bell = running.workers()
    running.kill(alone=True)
    for gone in (intake, bell):
        awaited(lambda gone=gone: None if Path(f"/proc/{gone}").exists() else True)
    again = place.running()
    try:
        place.found(again, again.port(), "two", 0)
    finally:
        again.kill()


def test_a_port_that_is_taken_is_told_and_nothing_starts(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        place.listen(port)
        running = place.running()
        assert running.process.wait(60) == 2
    assert str(port) in running.said()
    assert "Traceback" not in running.said()
    again = place.running()
    try:
        assert again.port() == port, "once it is free"
    finally:
        again.kill()


def test_a_port_that_is_taken_while_intake_is_away_is_told_and_tried_again(place: Place) -> None:
    running = place.running()
    port = running.port()
    place.listen(port)
    running.stop()  # from here on its port stays the same
    running = place.running()
    try:
        running.port()
        os.kill(running.workers()[0], signal.SIGKILL)
        with taken(port):
            running.says("could not listen again")
            assert str(port) in running.said().partition("could not listen again")[2]
        assert int(running.line("ready", 1)["ports"][0]) == port
        place.found(running, port, "after", 0)
        assert "Traceback" not in running.said()
    finally:
        running.kill()


def taken(port: int) -> socket.socket:
    """Listens on a port as soon as it is free."""

    def tried() -> socket.socket | None:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            return None

    return awaited(tried)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace, which makes syncs slow, is missing")
def test_a_slow_disk_makes_answers_slow_and_loses_nothing(place: Place) -> None:
    slow = ("strace", "-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync")
    running = place.running(*slow, "-e", "inject=fdatasync:delay_enter=300000")
    try:
        port = running.port()
        for number in range(3):
            place.found(running, port, f"slow-{number}", number)
    finally:
        running.kill()
