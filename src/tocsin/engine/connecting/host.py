"""What is done to this host: a command run, a file looked at."""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.records.errors import OperatorError

_SHOWN: Final = 2_000


def ran(argv: Sequence[str], checks: bool) -> None:  # noqa: FBT001  told apart by its one caller
    """Runs a command, without a shell.

    Raises:
        OperatorError: there is no such program, it failed, or it does not end.
    """
    line = shlex.join(argv)
    try:
        done = subprocess.run(  # noqa: S603  our own plans, shown before
            list(argv), stdin=subprocess.DEVNULL, capture_output=True, timeout=bounds.CONNECT_COMMAND_SECONDS, check=False
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else "it did not end"
        raise OperatorError(
            f"`{line}` could not be run: {why}.", "Run it yourself, and mend what it says."
        ) from error
    if done.returncode:
        said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()[-_SHOWN:]
        then = "Nothing was changed. " if checks else ""
        raise OperatorError(
            f"`{line}` failed with {done.returncode}: {said}", f"{then}Mend that, then run this again."
        )


def check_mine(folder: Path) -> None:
    """Nothing where `folder` is this user's own and no link, or is not there.

    Raises:
        OperatorError: it is another user's, or somebody else may write in it.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise OperatorError(
            f"{folder} cannot be looked at: {error.strerror}.", "Run this as who may."
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise OperatorError(f"{folder} is no folder.", "Move it away, then run this again.")
    _check_owner(folder, found)


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        owner = name_of_user(found.st_uid)
        raise OperatorError(
            f"{path} belongs to {owner}, and what is noted there is done only by who wrote it.",
            f"Run this as that user, such as with sudo -u {owner}; what root must do is shown then.",
        )
    if found.st_mode & 0o022:
        raise OperatorError(f"Others may write to {path}.", f"See what is in it, then: chmod go-w {path}")


def name_of_user(user: int) -> str:
    """The name of the user with that number, or the number."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def bytes_of(path: Path, *, mine: bool = False) -> bytes | None:
    """What is in the file at `path`; None where there is none.

    Args:
        path: The file.
        mine: Whether it must belong to this user, and nobody else may write to it.

    Raises:
        OperatorError: something else is there, it is larger than what is ever written, or it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be looked at: {error.strerror}.", "Move it away, or run this as who may."
        ) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OperatorError(f"{path} is no ordinary file.", "Move it away, then run this again.")
        if mine:
            _check_owner(path, os.fstat(descriptor))
        return os.read(descriptor, bounds.CONNECT_FILE_BYTES + 1)
    finally:
        os.close(descriptor)


def may_write(path: Path) -> bool:
    """Whether this user may put a file there.

    Raises:
        OperatorError: there is no such folder.
    """
    if not path.parent.is_dir():
        raise OperatorError(
            f"There is no folder {path.parent}.", "See that what is to be connected is installed, or name its folder."
        )  # fmt: skip
    return os.access(path.parent, os.W_OK)


def signalled(pid: int, owner: int) -> bool:
    """Sends SIGHUP to the process `pid` if it is one of the user `owner`; whether it is.

    The service's own word for its process is not enough where root asks: it could name any.
    """
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if Path(f"/proc/{pid}").stat().st_uid != owner:
            return False
        signal.pidfd_send_signal(process, signal.SIGHUP)
    except OSError:
        return False
    finally:
        os.close(process)
    return True
