"""Syslog over UDP, TCP and TLS, from real sockets into the log."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from intake_running import TOKEN, Running, wait_for

from tocsin.sources.listened.syslog_frames import unpack

Start = Callable[..., Running]


def message(number: int, text: str = "m") -> bytes:
    return b"<34>1 2026-11-23T12:00:00Z host app - - - %d %b" % (number, text.encode())


def counted(running: Running, name: str) -> int:
    reports = running.of("counted")
    return reports[-1]["counters"][name] if reports else 0


@contextlib.contextmanager
def tcp(running: Running) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", running.ports["syslog-tcp"]), timeout=20) as peer:
        yield peer


def messages(running: Running) -> list[bytes]:
    """All messages in the order of stream and ordinal, which must have no gap."""
    stored = sorted(running.stored(), key=lambda one: (one.stream, one.first))
    found: dict[str, list[bytes]] = {}
    for one in stored:
        assert (one.listener, one.sender, one.peer) == ("syslog", "", "127.0.0.1")
        held = found.setdefault(one.stream, [])
        assert one.first == len(held)
        held += unpack(one.body)
        assert one.count == len(held) - one.first
    return [text for held in found.values() for text in held]


def test_datagrams_of_one_peer_go_together(start: Start) -> None:
    running = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for number in range(300):
            peer.sendto(message(number) + b"\n", ("127.0.0.1", running.ports["syslog-udp"]))
        peer.sendto(b"", ("127.0.0.1", running.ports["syslog-udp"]))
    wait_for(lambda: counted(running, "records") == 300, "300 records")
    assert running.stop()["bodies"] < 300
    assert messages(running) == [message(number) for number in range(300)]
    assert {one.auth for one in running.stored()} == {"none"}


def test_datagrams_over_the_bound_are_dropped_and_counted(start: Start, tmp_path: Path) -> None:
    running = start(bounds={"SYSLOG_PEER_WAITING_BYTES": 20_000})
    (tmp_path / "still").touch()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for number in range(100):
            peer.sendto(message(number, "x" * 1_000), ("127.0.0.1", running.ports["syslog-udp"]))
        dropped = wait_for(lambda: counted(running, "udp_dropped") > 70 and counted(running, "udp_dropped"))
    (tmp_path / "still").unlink()
    final = running.stop()
    assert final["udp_dropped"] == dropped
    assert final["records"] + dropped == 100
    assert len(messages(running)) == final["records"]


def test_messages_that_never_end_are_bounded_over_all_connections(start: Start) -> None:
    running = start(bounds={"SYSLOG_HELD_BYTES": 200_000})
    with contextlib.ExitStack() as held:
        peers = [held.enter_context(tcp(running)) for _ in range(8)]
        for peer in peers:
            with contextlib.suppress(ConnectionError):
                peer.sendall(b"200000 <13>" + b"x" * 60_000)
        wait_for(
            lambda: running.of("counted") and counted(running, "refused").get("syslog_held"), "one to go"
        )
        with tcp(running) as other:
            other.sendall(message(1) + b"\n")
            wait_for(lambda: counted(running, "records") >= 1, "the other's message")
    running.stop()
    assert message(1) in messages(running)


def test_datagrams_that_are_none_harm_nobody(start: Start) -> None:
    running = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for sent in (b"", b"\0", b"\n" * 100, b"\xff" * 65_000, b"<999999>x", b"12 <13>short", message(1)):
            peer.sendto(sent, ("127.0.0.1", running.ports["syslog-udp"]))
        wait_for(lambda: counted(running, "records") == 4, "what was no blank")
    running.stop()
    assert messages(running) == [b"\xff" * 65_000, b"<999999>x", b"12 <13>short", message(1)]
    assert {one.auth for one in running.stored()} == {"none"}


def test_both_framings_over_tcp_and_a_last_message_without_its_end(start: Start) -> None:
    running = start()
    with tcp(running) as peer:
        whole = (
            b"".join(b"%d %b" % (len(message(n)), message(n)) for n in range(20))
            + message(20)
            + b"\n"
            + message(21)
        )
        for at in range(0, len(whole), 7):
            peer.sendall(whole[at : at + 7])
    wait_for(lambda: counted(running, "records") == 22, "22 records")
    running.stop()
    assert messages(running) == [message(number) for number in range(22)]


def test_a_stop_keeps_what_was_gathered(start: Start) -> None:
    running = start(bounds={"SYSLOG_GATHER_SECONDS": 60})
    with tcp(running) as peer:
        peer.sendall(message(1) + b"\n")
        # answered on another listener of the same event loop, twice: by then the bytes were read
        for _ in range(20):
            running.post("/healthz", b"", method="GET")
        running.stop()
    assert messages(running) == [message(1)]


def test_a_tcp_peer_is_not_read_from_while_the_disk_stands_still(start: Start, tmp_path: Path) -> None:
    running = start(bounds={"SYSLOG_PEER_WAITING_BYTES": 100_000, "BACKLOG_BYTES": 400_000})
    (tmp_path / "still").touch()
    line = message(0, "x" * 1_000) + b"\n"
    sent = stuck = 0
    with tcp(running) as peer:
        peer.setblocking(False)
        while stuck < 50:
            try:
                sent += peer.send((line * 2)[sent % len(line) :])
                stuck = 0
            except BlockingIOError:  # a round trip on another connection gives the process its turn
                stuck += 1
                running.post("/", b"", method="GET")
            assert sent < 60_000_000, "it reads on without end"
        (tmp_path / "still").unlink()
        peer.setblocking(True)
        peer.sendall(line[sent % len(line) :])
        sent += -sent % len(line)
    wait_for(lambda: counted(running, "records") * len(line) >= sent, "all records")
    assert running.stop()["refused"].get("syslog_lost", 0) == 0


def test_a_full_disk_loses_nothing_of_a_tcp_peer(start: Start, tmp_path: Path) -> None:
    running = start(bounds={"DISK_RETRY_SECONDS": 0.1})
    (tmp_path / "full").touch()
    with tcp(running) as peer:
        for number in range(50):
            peer.sendall(message(number) + b"\n")
        wait_for(lambda: running.of("told"), "the refusal")
        (tmp_path / "full").unlink()
        wait_for(lambda: counted(running, "records") == 50, "50 records")
    running.stop()
    assert messages(running) == [message(number) for number in range(50)]


def test_quiet_and_too_many_connections_are_closed(start: Start) -> None:
    running = start(bounds={"SYSLOG_IDLE_SECONDS": 0.3, "SYSLOG_PEER_CONNECTIONS": 2})
    with tcp(running) as one, tcp(running) as two, tcp(running) as three:
        for peer in (one, two, three):
            with contextlib.suppress(ConnectionResetError):
                assert peer.recv(10) == b""
    assert running.stop()["refused"] == {"syslog_connections": 1, "syslog_idle": 2}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_a_verified_client_certificate_proves_the_origin(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    server = authority.issue_cert("127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    (tmp_path / "server.pem").chmod(0o600)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    running = start(tls=[str(tmp_path / name) for name in ("server.pem", "server.pem", "ca.pem")])
    client = ssl.create_default_context()
    authority.configure_trust(client)
    authority.issue_cert("client@example.org").configure_cert(client)
    with tcp(running) as plain, client.wrap_socket(plain, server_hostname="127.0.0.1") as peer:
        peer.sendall(message(1) + b"\n")
        wait_for(lambda: counted(running, "records") == 1, "the record")
    stranger = ssl.create_default_context()
    authority.configure_trust(stranger)
    with (
        contextlib.suppress(OSError),
        tcp(running) as plain,
        stranger.wrap_socket(plain, server_hostname="127.0.0.1") as peer,
    ):
        peer.sendall(message(2) + b"\n")
        assert peer.recv(1) == b""
    with tcp(running) as plain:
        plain.sendall(message(3) + b"\n")
        with contextlib.suppress(ConnectionResetError):
            while plain.recv(4096):
                pass
    with (
        socket.create_connection(("127.0.0.1", running.ports["http"]), timeout=20) as plain,
        client.wrap_socket(plain, server_hostname="127.0.0.1") as peer,
    ):
        peer.sendall(
            f"POST /services/collector/raw HTTP/1.1\r\nAuthorization: Splunk {TOKEN}\r\n"
            "Content-Length: 2\r\nConnection: close\r\n\r\nhi".encode()
        )
        assert b"Success" in b"".join(iter(lambda: peer.recv(4096), b""))
    running.stop()
    assert [(one.listener, one.auth) for one in running.stored()] == [
        ("syslog", "mtls"),
        ("hec-raw", "token"),
    ]
