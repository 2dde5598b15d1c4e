"""The processes of the service: judging has no network, the bell and intake are others, and what happens where one is killed."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from benchmarks.running import Running, awaited
from tests.engine.test_bell import place, rung, send

from tocsin.config.tokens import add_token

__all__ = ["place"]


def filters(pid: int | str) -> int:
    """The kernel's word on a process: how many filters hold (proc_pid_status(5), Seccomp_filters)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Seccomp_filters:")).split()[1])


def both(running: Running) -> list[int]:
    """Intake and the bell, once both are there."""
    return awaited(lambda: workers if len(workers := running.workers()) == 2 else None)


def test_judging_has_no_network_and_the_others_cannot_be_read(place) -> None:
    folder, _ = place
    add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        running.port()
        intake, bell = both(running)
        assert "keeps the network" not in running.said()
        around = filters("self")  # a container's own
        assert [filters(pid) - around for pid in (running.process.pid, intake, bell)] == [1, 0, 0]
        for pid in (
            running.starter(),
            intake,
            bell,
        ):  # not dumpable: root's, whoever runs it (says nothing where root does)
            assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
    finally:
        running.kill()


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 0)])
def test_a_bell_that_is_killed_is_told_started_anew_and_rings(place, how, code) -> None:
    folder, server = place
    token = add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        port = running.port()
        _, bell = both(running)
        awaited(lambda: "/alive" in [came.path for came in server.came] or None)  # it works
        os.kill(bell, how)
        running.says(f"The process that rings ended (exit code {code}); it is started again in 1 s.")
        send(port, token, "one")
        awaited(lambda: rung(server) or None, running.out.read_text)
    finally:
        running.kill()


def test_where_what_starts_the_others_is_killed_the_service_ends_whole(place) -> None:
    folder, _ = place
    add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        running.port()
        workers = both(running)
        os.kill(running.starter(), signal.SIGKILL)
        assert running.process.wait(30) == 2
        assert "Start Tocsin again" in running.said()
        for pid in workers:
            awaited(lambda pid=pid: None if Path(f"/proc/{pid}").exists() else True)
    finally:
        running.kill()
    again = Running(folder)
    again.port()
    again.stop()


def test_what_settings_were_refused_for_is_told_though_the_bell_dies_over_it(place) -> None:
    folder, server = place
    add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        running.port()
        _, bell = both(running)
        awaited(lambda: "/alive" in [came.path for came in server.came] or None)
        os.kill(bell, signal.SIGSTOP)
        with (folder / "tocsin.toml").open("a") as file:
            file.write("[run.unknown]\n")
        running.reload()
        running.says("Nothing was reloaded")
        assert not rung(server)
        os.kill(bell, signal.SIGKILL)
        awaited(lambda: rung(server) or None, running.out.read_text)
    finally:
        running.kill()


def test_a_signal_that_is_sent_to_all_is_for_the_main_process(place) -> None:
    """As where a terminal closes (SIGHUP), or `timeout` or a supervisor ends a service (SIGTERM)."""
    folder, _ = place
    add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        running.port()
        workers, own = both(running), os.getpgid(running.process.pid)
        awaited(lambda: all(os.getpgid(pid) != own for pid in workers) or None)  # each leaves it at once
        group = [pid for pid in running.pids() if os.getpgid(pid) == own]
        assert {running.process.pid, running.starter()} <= set(group)
        for number in (0, 1):
            for pid in reversed(group):
                with suppress(ProcessLookupError):  # what seals is done soon
                    os.kill(pid, signal.SIGHUP)
            running.line("reloaded", number)
        for pid in reversed(running.pids()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        assert running.process.wait(30) == 0
        assert running.line("summary")
    finally:
        running.kill()
    assert "Start Tocsin again" not in running.said()
    assert "Traceback" not in running.said()


def test_nothing_of_it_is_kept_in_tmp_and_what_was_left_is_removed(place, tmp_path) -> None:
    folder, _ = place
    add_token(folder / "tokens", "shipper", 0)

    def sockets() -> list[Path]:
        return list((folder / "data" / "starter").glob("pymp-*/*"))

    (tmp_path / "tmp").mkdir()
    more = {"TMPDIR": str(tmp_path / "tmp")}
    running = Running(folder, more=more)
    running.port()
    (left,) = sockets()
    running.kill()
    again = Running(folder, more=more)
    again.port()
    (ours,) = sockets()
    assert ours != left
    assert not list((tmp_path / "tmp").iterdir())
    again.stop()
    assert not sockets()
