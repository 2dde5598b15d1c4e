"""The socket for collectors on this host: who is let in, what it answers, and the file that it is."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_running import PATIENCE, Running

from tocsin.engine.intake.counters import Counters
from tocsin.engine.intake.local_socket import LocalSocket
from tocsin.records.errors import OperatorError

Start = Callable[..., Running]
LINE = b"plant L_T1=3.5 1700000000000000000\n"


class Local(http.client.HTTPConnection):
    """HTTP over a socket that is a file."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))


def asked(path: Path, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = Local(path)
    try:
        connection.request(method, target, body, {"Authorization": "Token wrong"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_collector_delivers_without_a_token(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "collect.sock"
    running = start(plants=["works"])
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert asked(path, "POST", "/api/v2/write?bucket=works", LINE)[0] == 204
    assert asked(path, "GET", "/health")[0] == 200
    assert asked(path, "POST", "/api/v2/write?bucket=other", LINE)[0] == 404
    for other in (
        "/metrics",
        "/healthz",
        "/services/collector/raw",
        "/write?db=works",
        "/ping",
        "/_bulk",
        "/v1/logs",
        "/",
    ):
        assert asked(path, "POST", other, LINE)[0] == 404, other
        assert asked(path, "GET", other)[0] == 404, other
    running.stop()
    assert not path.exists()
    (stored,) = running.stored()
    assert (stored.sender, stored.auth, stored.listener, stored.peer) == ("collector", "local", "plant", "")


def test_without_plants_there_is_none(start: Start, tmp_path: Path) -> None:
    running = start()
    assert not (tmp_path / "collect.sock").exists()
    running.stop()


def test_what_a_killed_process_left_is_replaced(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "collect.sock"
    running = start(plants=["works"])
    assert asked(path, "POST", "/api/v2/write?bucket=works", LINE)[0] == 204
    running.kill()
    assert stat.S_ISSOCK(path.lstat().st_mode)
    (tmp_path / "collect.new").touch()
    with pytest.raises(AssertionError):
        start(plants=["works"])
    (tmp_path / "collect.new").unlink()
    running = start(plants=["works"])
    assert asked(path, "POST", "/api/v2/write?bucket=works", LINE)[0] == 204, "a repeat, answered"
    assert running.stop()["repeats"] == 1


async def opened(folder: Path, user: int | None = None) -> tuple[LocalSocket, Counters]:
    counters = Counters()
    made = LocalSocket(
        folder, lambda _: asyncio.Protocol, counters, lambda _: None, os.geteuid() if user is None else user
    )  # fmt: skip
    made.listen()
    return made, counters


def refusal(folder: Path) -> str:
    with pytest.raises(OperatorError) as error:
        asyncio.run(opened(folder))
    return error.value.what


def test_what_is_somebody_s_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "collect.sock"
    path.write_text("mine")
    assert "something else is there" in refusal(tmp_path)
    assert path.read_text() == "mine"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert "something else is there" in refusal(tmp_path)
    assert path.is_symlink()


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100)
    folder.mkdir()
    assert "longer than the 107 bytes" in refusal(folder)
    assert "No such file" in refusal(tmp_path / "none")


def test_the_file_that_another_made_meanwhile_stays(tmp_path: Path) -> None:
    async def replaced() -> None:
        made, _ = await opened(tmp_path)
        made.path.unlink()
        made.path.write_text("another's")
        made.rest()
        assert not made.listens

    asyncio.run(replaced())
    assert (tmp_path / "collect.sock").read_text() == "another's"


def test_a_file_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    async def removed() -> None:
        made, _ = await opened(tmp_path)
        first = made.path.lstat().st_ino
        made.listen()
        assert made.path.lstat().st_ino == first
        made.path.unlink()
        made.listen()
        _, writer = await asyncio.open_unix_connection(str(made.path))
        writer.close()
        made.rest()
        assert not made.path.exists()

    asyncio.run(removed())


KNOCK = """
import os, socket, sys
if len(sys.argv) > 2:
    os.setuid(int(sys.argv[2]))
one = socket.socket(socket.AF_UNIX)
one.settimeout(10)
one.connect(sys.argv[1])
print(one.recv(1))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_is_let_in_no_further_whatever_the_rights_say(tmp_path: Path) -> None:
    folder = Path("/tmp") / f"tocsin-{os.getpid()}"
    folder.mkdir(mode=0o755)

    async def knocked() -> tuple[bytes, int]:
        made, counters = await opened(folder)
        made.path.chmod(0o666)
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KNOCK, str(made.path), "65534", stdout=subprocess.PIPE
        )  # fmt: skip
        said, _ = await other.communicate()
        made.rest()
        return said, counters.refused.get("user", 0)

    try:
        assert asyncio.run(knocked()) == (b"b''\n", 1)
    finally:
        shutil.rmtree(folder)


def test_who_is_neither_ours_nor_root_is_counted(tmp_path: Path) -> None:
    """The kernel says who we are; the socket believes that it is somebody else's."""

    async def knocked() -> tuple[bytes, int]:
        made, counters = await opened(tmp_path, os.geteuid() + 1)
        reader, writer = await asyncio.open_unix_connection(str(made.path))
        said = await asyncio.wait_for(reader.read(1), 10) if os.geteuid() else b""
        writer.close()
        made.rest()
        return said, counters.refused.get("user", 0)

    assert asyncio.run(knocked()) == (b"", 1 if os.geteuid() else 0)
