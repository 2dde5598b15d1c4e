"""A socket in the data folder over which Tocsin's own collectors on this host deliver: they need no token, nobody else is let in.

Rules:

1. The file is for its owner alone (0600) from the moment at which it has its name, and the kernel says of each connection whose
   process made it (unix(7), SO_PEERCRED): another user than ours or root is let in no further, whatever the file's rights became.
2. A socket that an earlier process left is replaced; anything else of that name is somebody's, and is left alone.
3. Only one intake works on a data folder (`store/lock.py`), so no other one uses what is replaced here.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from uvicorn.server import ServerState

from tocsin.engine.intake.counters import Counters
from tocsin.records.errors import OperatorError

FILE: Final = "collect.sock"
_NEW: Final = "collect.new"
_LONGEST: Final = 107  # bytes: `sun_path` of unix(7) has 108, a NUL among them
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid
_WENT: Final = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EINTR})
_BACKLOG: Final = 64
_PAUSE_SECONDS: Final = 0.1


class LocalSocket:
    """The socket, open or not.

    Args:
        folder: The data folder.
        served: Makes what makes the protocol of a connection, given where connections are kept.
        counters: Where those that are turned away are counted.
        tell: Told in words what an operator should know.
        user: Whose processes are let in beside root's.
    """

    def __init__(
        self, folder: Path, served: Callable[[ServerState], Callable[[], asyncio.Protocol]], counters: Counters,
        tell: Callable[[str], None], user: int,
    ) -> None:  # fmt: skip
        self.path = folder / FILE
        self.state = ServerState()
        self._served = served(self.state)
        self._counters, self._tell, self._user = counters, tell, user
        self._bound: socket.socket | None = None
        self._file: tuple[int, int] | None = None
        self._accepting: asyncio.Task[None] | None = None

    @property
    def listens(self) -> bool:
        """Whether it is open."""
        return self._bound is not None

    def listen(self) -> None:
        """Opens it, if it is not open or its file is gone; must be called in the running event loop.

        Raises:
            OperatorError: the file cannot be made.
        """
        if self._bound is not None and self._is_ours():
            return
        bound = _bound(self.path)
        self.rest()
        found = os.lstat(self.path)
        self._bound, self._file = bound, (found.st_dev, found.st_ino)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(bound))

    def rest(self) -> None:
        """Takes no new connection, and removes the file; those that are open end once what they sent is answered."""
        if self._bound is None:
            return
        if self._accepting is not None:
            self._accepting.cancel()
        asyncio.get_running_loop().remove_reader(self._bound)
        self._bound.close()
        self._bound = None
        if self._is_ours():
            with suppress(OSError):  # it went meanwhile
                self.path.unlink()
        for connection in list(self.state.connections):
            connection.shutdown()

    def _is_ours(self) -> bool:
        """Whether the file is the one that was made here."""
        try:
            found = os.lstat(self.path)
        except OSError:  # it is gone, or the folder is
            return False
        return (found.st_dev, found.st_ino) == self._file

    async def _accept(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                one, _ = await loop.sock_accept(bound)
            except OSError as error:
                gone = error.errno in _WENT  # before it was let in
                await asyncio.sleep(0 if gone else _PAUSE_SECONDS)
                continue
            user = _user_of(one)
            if user not in (0, self._user):
                self._counters.refuse("user")
                one.close()
                continue
            try:
                await loop.connect_accepted_socket(self._served, one)
            except Exception as error:  # noqa: BLE001  one connection's error is its own
                one.close()
                self._tell(f"A connection to {self.path} failed: {error!r}")


def _user_of(one: socket.socket) -> int | None:
    """The user whose process is on the other side; None where the kernel does not say."""
    try:
        _, user, _ = _CREDENTIALS.unpack(
            one.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
    except OSError:
        return None
    return int(user)


def _bound(path: Path) -> socket.socket:
    """A socket that listens at `path`: made under another name, so that it has its rights before anybody finds it."""
    if len(os.fsencode(path)) > _LONGEST:
        raise OperatorError(
            f"A socket at {path} cannot be made: its path is longer than the {_LONGEST} bytes that a system allows.",
            "Name a data folder with a shorter path (`data` in [run]).",
        )
    new = path.with_name(_NEW)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        for one in (new, path):
            _refuse_other(one)
        new.unlink(missing_ok=True)
        bound.bind(os.fspath(new))
        new.chmod(0o600)
        bound.listen(_BACKLOG)
        bound.setblocking(False)  # noqa: FBT003  the call's own form
        new.rename(path)
    except OSError as error:
        bound.close()
        raise OperatorError(
            f"A socket at {path} cannot be made: {error.strerror or error}.",
            "Tocsin's own user must be able to write in the data folder, on a file system that has sockets.",
        ) from error
    except OperatorError:
        bound.close()
        raise
    return bound


def _refuse_other(path: Path) -> None:
    """Raises OperatorError where something stands at `path` that is no socket."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OperatorError(
            f"{path} is where collectors on this host deliver, and something else is there that Tocsin did not make.",
            "Move it away.",
        )
