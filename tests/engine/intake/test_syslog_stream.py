"""Syslog over real connections to a real intake process: plain and under TLS."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from intake_running import PATIENCE, Running, wait_for

from tocsin.cli.set_up import Wanted, set_up
from tocsin.sources.listened.syslog_frames import unpack


def messages(running: Running) -> list[bytes]:
    return [message for received in running.stored() for message in unpack(received.body)]


def test_what_comes_over_tcp_is_kept(start: Callable[..., Running]) -> None:
    running = start()
    with socket.create_connection(("127.0.0.1", running.ports["syslog-tcp"]), PATIENCE) as connection:
        connection.sendall(b"<14>one\n8 <14>twos<14>three\0<14>fo")
        connection.sendall(b"ur\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b"", "the service closes once it has read all"
    running.stop()
    assert messages(running) == [b"<14>one", b"<14>twos", b"<14>three", b"<14>four"]


def test_what_comes_under_tls_is_kept(start: Callable[..., Running], tmp_path: Path) -> None:
    wanted = Wanted(tmp_path / "set-up", tmp_path / "data", ("127.0.0.1:8088",), ())
    tls = set_up(wanted, tmp_path / "state", time.time_ns() // 1_000).service.http.tls
    assert tls is not None
    running = start(tls=[str(tls.certificate), str(tls.key)])
    context = ssl.create_default_context(cafile=str(tls.certificate))
    address = ("127.0.0.1", running.ports["syslog-tcp"])
    with (
        socket.create_connection(address, PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(b"<14>one\n8 <14>twos")
        wait_for(lambda: [one for one in running.of("counted") if one["counters"]["records"] == 2])
    running.stop()
    assert messages(running) == [b"<14>one", b"<14>twos"]
    assert {received.hints["transport"] for received in running.stored()} == {"tls"}


def test_at_a_stop_peers_are_told_and_what_they_sent_until_then_is_kept(
    start: Callable[..., Running],
) -> None:
    running = start()
    with socket.create_connection(("127.0.0.1", running.ports["syslog-tcp"]), PATIENCE) as connection:
        connection.sendall(b"<14>before\n")
        wait_for(lambda: running.of("counted"))
        running.process.terminate()
        assert connection.recv(1) == b"", "our half is closed"
        connection.sendall(b"<14>on its way\n")
    running.stop()
    assert messages(running) == [b"<14>before", b"<14>on its way"]


def test_a_peer_that_does_not_watch_holds_a_stop_up_for_a_moment_only(start: Callable[..., Running]) -> None:
    running = start(bounds={"SYSLOG_LEAVE_SECONDS": 0.2})
    with socket.create_connection(("127.0.0.1", running.ports["syslog-tcp"]), PATIENCE) as connection:
        connection.sendall(b"<14>one\n")
        wait_for(lambda: running.of("counted"))
        running.stop()
    assert messages(running) == [b"<14>one"]
