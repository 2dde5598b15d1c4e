"""What systemd gives a service as a credential is used; what only looks like it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tocsin.config.private_files import NotOurs, read_private
from tocsin.config.tokens import add_token, read_tokens

NOBODY = 65_534


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """A folder as systemd makes it for a unit: root's, closed (systemd.exec(5)), with one file of mode 0440."""
    if os.geteuid() != 0:
        pytest.skip("only root can make what systemd makes")
    folder = tmp_path / "tocsin.service"
    folder.mkdir()
    add_token(folder / "tokens", "shipper", 0)
    os.chown(folder, 0, NOBODY)  # a group stands in for the ACL by which systemd lets the service's user in
    os.chown(folder / "tokens", 0, NOBODY)
    (folder / "tokens").chmod(0o440)
    folder.chmod(0o550)
    for one in (tmp_path, *tmp_path.parents[: len(tmp_path.parents) - 2]):
        one.chmod(one.stat().st_mode | 0o011)
    return folder


def as_nobody(path: Path) -> int:
    """How many tokens another user's process reads there; negative where it does not."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(len(read_tokens(path)))
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_credential_of_systemd_is_used_by_another_user(credentials: Path) -> None:
    assert as_nobody(credentials / "tokens") == 1
    (credentials / "tokens").chmod(0o400)
    assert as_nobody(credentials / "tokens") == 99, "it cannot be opened"


@pytest.mark.parametrize(
    ("file", "folder"), [(0o640, 0o550), (0o444, 0o550), (0o460, 0o550), (0o440, 0o750), (0o440, 0o770)]
)
def test_what_somebody_else_could_change_or_read_is_none(credentials: Path, file: int, folder: int) -> None:
    (credentials / "tokens").chmod(file)
    credentials.chmod(folder)
    with pytest.raises(NotOurs, match="others can read or write it"):
        read_private(credentials / "tokens", 10_000)


def test_a_credential_may_not_be_endless(credentials: Path) -> None:
    with pytest.raises(NotOurs, match="larger than 5 bytes"):
        read_private(credentials / "tokens", 5)
