"""A real PostgreSQL server, where one is installed: with a password, read as its owner's account may, and never written."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any

import pg8000.dbapi
import pytest
import sqlalchemy as sa
from tests.engine.plant.collectors.reading_sources import NOW, Reads

from tocsin.config.plant_source_sql import Sql
from tocsin.engine.plant.collectors.interface import SourceLost
from tocsin.engine.plant.collectors.sql import SqlCollector
from tocsin.engine.plant.collectors.sql_reading import asked, engine_for
from tocsin.records.errors import OperatorError
from tocsin.records.instants import SECOND

FOLDERS = sorted(glob("/usr/lib/postgresql/*/bin"))  # noqa: PTH207
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not FOLDERS, reason="PostgreSQL is not installed"),
]


class Server:
    """PostgreSQL on a free port of this host, with one table and a reader's account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = folder / "password"
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]

    def command(self, *words: str) -> None:
        user: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to be run by root
            found = pwd.getpwnam("postgres")
            user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
        subprocess.run(words, check=True, cwd="/", capture_output=True, timeout=60, **user)

    def start(self) -> None:
        self.password.write_text("hunter 2 é\n")
        self.password.chmod(0o600)
        secret = self.folder / "first"
        secret.write_text("hunter 2 é\n")
        if os.geteuid() == 0:
            for path in (self.folder, secret):
                shutil.chown(path, "postgres")
        data, tools = self.folder / "db", Path(FOLDERS[-1])
        self.command(
            str(tools / "initdb"), "-D", str(data), "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}", "-N", "-E", "UTF8",
            "--no-locale",
        )  # fmt: skip
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self.command(
            str(tools / "pg_ctl"),
            "-D",
            str(data),
            "-o",
            options,
            "-l",
            str(self.folder / "log"),
            "-w",
            "start",
        )

    def stop(self) -> None:
        self.command(
            str(Path(FOLDERS[-1]) / "pg_ctl"), "-D", str(self.folder / "db"), "-m", "immediate", "-w", "stop"
        )

    def own(self) -> Any:
        connection = pg8000.dbapi.connect(
            "owner", host="127.0.0.1", port=self.port, database="postgres", password="hunter 2 é"
        )
        connection.autocommit = True
        return connection

    def do(self, *statements: str) -> None:
        connection = self.own()
        try:
            cursor = connection.cursor()
            for one in statements:
                cursor.execute(one)
        finally:
            connection.close()

    def secure(self, certificate: Any) -> None:
        """Speaks TLS from now on, with that certificate."""
        places = self.folder / "server.pem", self.folder / "server.key"
        certificate.cert_chain_pems[0].write_to_path(str(places[0]))
        certificate.private_key_pem.write_to_path(str(places[1]))
        places[1].chmod(0o600)
        if os.geteuid() == 0:
            for path in places:
                shutil.chown(path, "postgres")
        self.do(
            f"ALTER SYSTEM SET ssl_cert_file = '{places[0]}'",
            f"ALTER SYSTEM SET ssl_key_file = '{places[1]}'",
            "ALTER SYSTEM SET ssl = on",
            "SELECT pg_reload_conf()",
        )

    def sql(self, **settings: Any) -> Sql:
        known = {
            "table": "history",
            "time": "Stamp",
            "tag": "tag",
            "value": "value",
            "every": 0,
            "timeout": 5,
            **settings,
        }
        return Sql("postgresql", "postgres", "127.0.0.1", self.port, "owner", self.password, **known)

    def reads(self, **settings: Any) -> Reads:
        return Reads(lambda around: SqlCollector(self.sql(**settings), around))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        one = Server(Path(folder))
        one.start()
        try:
            yield one
        finally:
            one.stop()


@pytest.fixture(autouse=True)
def _table(server: Server) -> None:
    server.do(
        "DROP TABLE IF EXISTS history, wide",
        "CREATE TABLE history (stamp timestamptz, tag text, value double precision)",
        'CREATE TABLE wide ("DateTime" timestamp, "LEVEL" numeric(8,3), "PUMP" boolean, note jsonb)',
    )


def row(at: int, tag: str, value: object) -> str:
    return f"INSERT INTO history VALUES (to_timestamp({NOW // SECOND - 10_000 + at}), '{tag}', {value})"


def test_rows_are_read_once_late_ones_too(server: Server) -> None:
    server.do(row(0, "A", 1), row(10, "A", "'NaN'"), row(20, "A", 2))
    one = server.reads(since=0)
    assert [found[::2] for found in one.looks()] == [("A", 1.0), ("A", 2.0)]
    server.do(row(15, "B", 3), row(20.25, "A", 4))
    assert [found[::2] for found in one.looks()] == [("B", 3.0), ("A", 4.0)]
    assert one.got[-1].instant == NOW - 10_000 * SECOND + 20_250_000


def test_a_wide_table_with_names_in_capitals_and_times_without_a_zone(server: Server) -> None:
    server.do(
        "INSERT INTO wide VALUES ('2026-03-04 05:00:00.5', 1.25, true, '{}'), ('2026-03-04 05:00:01', null, false, null)"
    )
    one = server.reads(table="public.wide", time="datetime", tag=None, value=None, since=0)
    assert [found[::2] for found in one.looks()] == [("LEVEL", 1.25), ("PUMP", 1.0), ("PUMP", 0.0)]
    server.do("INSERT INTO wide VALUES ('2026-03-04 05:00:02', 3, true, null)")
    assert [found[::2] for found in one.looks()] == [("LEVEL", 3.0), ("PUMP", 1.0)]


def test_a_select_with_casts_and_percent_signs(server: Server) -> None:
    server.do(row(0, "A:b", 50))
    select = "SELECT stamp::timestamptz AS t, tag || '%s' AS tag, value::numeric % 7 AS v FROM history WHERE tag LIKE 'A:%'"
    one = server.reads(table="", select=select, time="t", value="v", since=0)
    assert [found[::2] for found in one.looks()] == [("A:b%s", 1.0)]


def test_nothing_can_be_written(server: Server) -> None:
    server.do(
        row(0, "A", 1),
        "CREATE OR REPLACE FUNCTION empty() RETURNS int LANGUAGE sql AS 'DELETE FROM history; SELECT 1'",
    )
    for statement in (
        "DELETE FROM history",
        "CREATE TABLE x (y int)",
        "SELECT empty()",
        "SELECT nextval('s')",
    ):
        with asked(engine_for(server.sql())) as connection:
            if "nextval" in statement:
                server.do("CREATE SEQUENCE IF NOT EXISTS s")
            with pytest.raises(sa.exc.DBAPIError, match="read-only transaction"):
                connection.execute(sa.text(statement))
    server.do("CREATE OR REPLACE VIEW emptied AS SELECT now() AS t, 'A' AS tag, empty() AS v")
    with pytest.raises(SourceLost, match="read-only transaction"):
        server.reads(table="emptied", time="t", value="v", since=0).looks()
    assert [found.value for found in server.reads(since=0).looks()] == [1.0]


def test_a_slow_answer_is_broken_off(server: Server) -> None:
    server.do("CREATE OR REPLACE VIEW slow AS SELECT now() AS t, 'A' AS tag, 1 AS v FROM pg_sleep(60)")
    with pytest.raises(SourceLost, match="statement timeout"):
        server.reads(table="slow", time="t", value="v", timeout=1).looks()


def test_many_rows_come_in_portions(server: Server) -> None:
    server.do(
        f"INSERT INTO history SELECT to_timestamp({NOW // SECOND - 9_000} + n / 5), 'T' || n % 5, n FROM generate_series(0, 4999) n"
    )
    found = server.reads(since=0, rows=700).looks()
    assert sorted(one.value for one in found if isinstance(one.value, float)) == list(range(5_000))


def test_a_wrong_password_a_wrong_file_and_a_closed_port_are_told(server: Server, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess\n")
    wrong.chmod(0o600)
    with pytest.raises(SourceLost, match="password authentication failed") as error:
        Reads(lambda around: SqlCollector(_with(server.sql(), password=wrong), around)).looks()
    assert "guess" not in str(error.value)
    wrong.chmod(0o644)
    with pytest.raises(OperatorError, match="others can read"):
        Reads(lambda around: SqlCollector(_with(server.sql(), password=wrong), around)).looks()
    with pytest.raises(SourceLost, match=r"cannot be reached|Can't create a connection"):
        Reads(lambda around: SqlCollector(_with(server.sql(), port=1), around)).looks()


def test_tls_is_asked_for_on_other_hosts(server: Server, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    import trustme

    trustme.CA().cert_pem.write_to_path(str(authority))
    with pytest.raises(SourceLost, match="SSL"):
        Reads(lambda around: SqlCollector(_with(server.sql(), authority=authority), around)).looks()


def test_a_certificate_of_a_stranger_or_of_another_host_is_refused(server: Server, tmp_path: Path) -> None:
    import trustme

    ours, stranger = trustme.CA(), trustme.CA()
    files = {"ours": tmp_path / "ours.pem", "stranger": tmp_path / "stranger.pem"}
    ours.cert_pem.write_to_path(str(files["ours"]))
    stranger.cert_pem.write_to_path(str(files["stranger"]))

    def reads(name: str) -> None:
        settings = _with(server.sql(), authority=files[name])
        Reads(lambda around: SqlCollector(settings, around)).looks()

    server.secure(ours.issue_cert("127.0.0.1"))
    reads("ours")
    with pytest.raises(SourceLost, match="certificate verify failed"):
        reads("stranger")
    server.secure(ours.issue_cert("historian.example.org"))
    with pytest.raises(SourceLost, match="certificate verify failed"):
        reads("ours")


def _with(settings: Sql, **changed: Any) -> Sql:
    from dataclasses import replace

    return replace(settings, **changed)
