"""SQL Server is spoken to in TLS only, and only where its certificate is right: its side of the greeting, and no more, is played here.

Source: MS-TDS 2.2.6.5 (PRELOGIN), 2.2.3.1 (packets): until TLS stands, its records travel in packets of type 18.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
import trustme
from tests.engine.plant.collectors.reading_sources import Reads

from tocsin.config.plant_source_sql import Sql
from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.engine.plant.collectors.mssql_tls import known_authorities
from tocsin.engine.plant.collectors.sql import SqlCollector
from tocsin.records.errors import OperatorError

NO, REQUIRED = 2, 3
PASSWORD = "only for who may know"


class Server:
    """Greets, speaks TLS where it has a certificate, and keeps what came in clear and what came in TLS."""

    def __init__(self, certificate: trustme.LeafCert | None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._encrypts = REQUIRED if certificate is not None else NO
        if certificate is not None:
            certificate.configure_cert(self._context)
        self.clear, self.secret = b"", b""
        self._listens = socket.create_server(("127.0.0.1", 0))
        self.port = self._listens.getsockname()[1]
        self.thread = Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with self._listens, suppress(OSError, struct.error, ssl.SSLError):
            one, _ = self._listens.accept()
            with one:
                one.settimeout(10)
                self._packet(one)
                body = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF) + bytes(6) + bytes((self._encrypts,))
                self._answer(one, 4, body)
                if self._encrypts == REQUIRED:
                    self._encrypted(one)
                else:
                    self._packet(one)

    def _encrypted(self, one: socket.socket) -> None:
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context.wrap_bio(came, goes, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if goes.pending:
                    self._answer(one, 18, goes.read())
                came.write(self._packet(one))
        if goes.pending:
            self._answer(one, 18, goes.read())
        while True:
            with suppress(ssl.SSLWantReadError):
                self.secret += tls.read()
                return
            came.write(one.recv(65_536))

    def _packet(self, one: socket.socket) -> bytes:
        head = one.recv(8, socket.MSG_WAITALL)
        body = one.recv(struct.unpack_from(">H", head, 2)[0] - 8, socket.MSG_WAITALL)
        self.clear += head + body
        return body

    def _answer(self, one: socket.socket, kind: int, body: bytes) -> None:
        one.sendall(struct.pack(">BBHHBB", kind, 1, len(body) + 8, 0, 0, 0) + body)


@contextmanager
def asked(tmp_path: Path, certificate: trustme.LeafCert | None, authority: trustme.CA) -> Iterator[tuple[Server, Reads]]:  # fmt: skip
    file, password = tmp_path / "authority.pem", tmp_path / "password"
    authority.cert_pem.write_to_path(str(file))
    password.write_text(PASSWORD)
    password.chmod(0o600)
    server = Server(certificate)
    settings = Sql("mssql", "Runtime", "localhost", server.port, "reader", password, "History", time="DateTime", authority=file)  # fmt: skip
    yield server, Reads(lambda around: SqlCollector(settings, around))
    server.thread.join(10)


def test_who_may_know_is_told_the_password_and_nobody_else(tmp_path: Path) -> None:
    authority = trustme.CA()
    with (
        asked(tmp_path, authority.issue_cert("localhost"), authority) as (server, reads),
        pytest.raises(SourceLost),
    ):
        reads.looks()
    assert "reader".encode("utf-16-le") in server.secret
    assert "reader".encode("utf-16-le") not in server.clear


@pytest.mark.parametrize("wrong", ["stranger", "other host", "no TLS"])
def test_nobody_else_is_told_who_asks(tmp_path: Path, wrong: str) -> None:
    authority = trustme.CA()
    certificate = {
        "stranger": trustme.CA().issue_cert("localhost"), "other host": authority.issue_cert("historian.example.org"),
        "no TLS": None,
    }[wrong]  # fmt: skip
    with asked(tmp_path, certificate, authority) as (server, reads), pytest.raises(SourceLost):
        reads.looks()
    assert "reader".encode("utf-16-le") not in server.clear + server.secret


def test_without_certificates_that_are_known_nothing_is_spoken_in_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "SSL_CERT_FILE", str(tmp_path / "none")
    )  # as Debian has it: all certificates in a folder
    assert ssl.get_default_verify_paths().cafile is None
    with pytest.raises(OperatorError, match="in no single file"):
        known_authorities([str(tmp_path / "none")])
    (tmp_path / "all.pem").touch()
    assert known_authorities([str(tmp_path / "all.pem")]) == tmp_path / "all.pem"
