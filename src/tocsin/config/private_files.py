"""Files for one user's eyes and hands alone: read only where no one else can have touched them, written whole or not at all.

What root writes belongs to the owner of the folder: a service that runs as its own user can read what
`sudo tocsin token add` wrote.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


class NotOurs(Exception):  # noqa: N818  it is an answer about a file, not a failure
    """A file or folder that somebody else could have written; the message says why, as the end of a sentence."""


def private_folder(path: Path) -> int:
    """A descriptor of the folder `path`, made where it is missing, and closed to others (0700) where it was not.

    Raises:
        NotOurs: it belongs to somebody else.
        OSError: it cannot be made or opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _close_to_others(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _close_to_others(folder: int) -> None:
    found = os.fstat(folder)
    if found.st_uid != os.geteuid():
        raise NotOurs("its folder belongs to another user")
    if found.st_mode & 0o077:
        os.fchmod(folder, 0o700)


def check_folder(path: Path) -> None:
    """Nothing where only we can have put files into the folder `path`.

    Raises:
        NotOurs: others could.
        OSError: it cannot be looked at; FileNotFoundError where there is none.
    """
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise NotOurs("its folder belongs to another user")
    if found.st_mode & 0o022:
        raise NotOurs("others can write in its folder")


def read_private(path: Path, most: int, *, root_too: bool = False) -> bytes:
    """What is in the file `path`.

    Args:
        path: An ordinary file of ours, mode 0600; or one that only root could have made and nobody can change, as
            systemd's credentials are (systemd.exec(5), "Credentials": 0440, in a folder without a right to write).
        most: Bytes it may have.
        root_too: Whether root, too, may use what belongs to another user, as is right where root keeps a service's files.

    Raises:
        NotOurs: it is none, others can read or write it, or it is larger.
        OSError: it cannot be opened; FileNotFoundError where there is none.
    """
    try:  # without O_NONBLOCK, opening a pipe would wait for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise NotOurs("it is a link") from error
        raise
    try:
        found = os.fstat(descriptor)
        if not _given_by_root(found, path.parent):
            _check_rights(found, any_owner=root_too and os.geteuid() == 0)
        if found.st_size > most:
            raise NotOurs(f"it is larger than {most} bytes")
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            return file.read(most + 1)[:most]
    finally:
        os.close(descriptor)


def _given_by_root(found: os.stat_result, folder: Path) -> bool:
    """Whether an ordinary file is root's, as is its folder, nobody may write either, and of others only a group may read it."""
    above = folder.stat()
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_uid == above.st_uid == 0
        and not found.st_mode & 0o227
        and not above.st_mode & 0o222
    )


def _check_rights(found: os.stat_result, *, any_owner: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NotOurs("it is no ordinary file")
    if not any_owner and found.st_uid != os.geteuid():
        raise NotOurs("it belongs to another user")
    if found.st_mode & 0o077:
        raise NotOurs("others can read or write it")


def write_private(folder: int, path: Path, data: bytes, *, replace: bool = True, mode: int = 0o600) -> None:
    """Writes `data` to `path`, on the disk before the file takes its name.

    Args:
        folder: What `private_folder` gave for the folder of `path`.
        path: The file.
        data: All of it.
        replace: False to leave a file that is there already as it is.
        mode: Its rights, whatever the umask is.

    Raises:
        OSError: the disk is full or read-only; what was there is unchanged.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            give_to_owner(folder, descriptor)
            os.fsync(descriptor)
        if replace:
            new.replace(path)
        else:
            _name(new, path)
        os.fsync(folder)
    finally:
        new.unlink(missing_ok=True)


def _name(new: Path, path: Path) -> None:
    """Gives the file `new` the name `path` too, unless there is such a file."""
    try:
        os.link(new, path)
    except FileExistsError:
        return


def give_to_owner(folder: int, descriptor: int) -> None:
    """As root: makes what is open as `descriptor` belong to the owner of the open folder `folder`; else nothing."""
    if os.geteuid() == 0:
        owner = os.fstat(folder)
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
