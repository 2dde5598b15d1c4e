"""The processes of the service: judging has no network, the bell and intake are others, and what happens where one is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from benchmarks.running import Running, awaited
from tests.engine.test_bell import place, rung, send

from tocsin.config.tokens import add_token

__all__ = ["place"]


def filters(pid: int) -> int:
    """The kernel's word on a process: 2 where a filter holds (proc_pid_status(5), Seccomp)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Seccomp:")).split()[1])


def test_judging_has_no_network_and_the_others_cannot_be_read(place) -> None:
    folder, _ = place
    add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        running.port()
        intake, bell = awaited(lambda: running.workers() if len(running.workers()) == 2 else None)
        assert "keeps the network" not in running.said()
        assert [filters(pid) for pid in (running.process.pid, intake, bell)] == [2, 0, 0]
        for pid in (intake, bell):  # what is not dumpable belongs to root, whoever runs it
            assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
    finally:
        running.kill()


def test_a_bell_that_is_killed_is_told_started_anew_and_rings(place) -> None:
    folder, server = place
    token = add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        port = running.port()
        _, bell = awaited(lambda: running.workers() if len(running.workers()) == 2 else None)
        os.kill(bell, signal.SIGKILL)
        running.says("The process that rings ended (exit code -9); it is started again in 1 s.")
        send(port, token, "one")
        awaited(lambda: rung(server), running.out.read_text)
    finally:
        running.kill()


def test_where_what_starts_the_others_is_killed_the_service_ends_whole(place) -> None:
    folder, _ = place
    add_token(folder / "tokens", "shipper", 0)
    running = Running(folder)
    try:
        running.port()
        workers = awaited(lambda: running.workers() if len(running.workers()) == 2 else None)
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
