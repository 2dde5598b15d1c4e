"""Starts the processes of the service that need the network: intake, the bell, and what reads the sources of plants.

The process that judges gives the network up (`confined.py`), and what it starts inherits that. So these are started by a
process that was begun before: multiprocessing's fork server, which parses nothing and does nothing else. Where it is gone,
none of them could ever be started again, and nobody would know how one ended: the service ends, and is started anew whole.

It is asked over a socket, which has a name in a folder. That is in the data folder, not in /tmp: which may be full or read-only,
and which many systems sweep of what is ten days old.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import forkserver, util
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, TypeVar

from tocsin.records.errors import OperatorError
from tocsin.store.disk import Disk

NETWORKED: Final = multiprocessing.get_context("forkserver")
"""What such processes, their pipes and their shared memory are made by."""

_NOBODY_KNOWS: Final = 255  # what multiprocessing says where the fork server is gone
_Said = TypeVar("_Said")
_FOLDER: Final = "starter"
_LONGEST: Final = 107 - len("/pymp-12345678/listener-12345678")
"""Bytes: `sun_path` of unix(7) has 108, a NUL among them."""


def begin(root: Path) -> None:
    """Begins the process that starts the others; to be called before the network is given up.

    Args:
        root: The store's folder, in which its socket has its name.

    Raises:
        OperatorError: it cannot be begun.
    """
    folder, usual = root.absolute() / _FOLDER, tempfile.tempdir
    # What is begun here inherits that; all was read just now.
    reload = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        Disk().make_directory(folder)
        tempfile.tempdir = _short(folder)
        forkserver.set_forkserver_preload(["tocsin.engine.outliving"])
        forkserver.ensure_running()
    except OSError as error:
        raise _none(error) from error
    finally:
        tempfile.tempdir = usual
        signal.signal(signal.SIGHUP, reload)


def _short(folder: Path) -> str:
    """A name of `folder` that leaves room for a socket's: by a descriptor, kept open, where its own is too long (Linux)."""
    if len(os.fsencode(folder)) <= _LONGEST or not sys.platform.startswith("linux"):
        return str(folder)
    return f"/proc/self/fd/{os.open(folder, os.O_RDONLY | os.O_DIRECTORY)}"


def tidy(root: Path) -> None:
    """Removes what earlier ones left that were killed; to be called by who alone writes to the store."""
    ours = Path(util.get_temp_dir()).name
    for left in (root.absolute() / _FOLDER).glob("pymp-*"):
        if left.name != ours:
            shutil.rmtree(left, ignore_errors=True)


def start(process: Any) -> None:
    """Starts a `process` of `NETWORKED`.

    Raises:
        OperatorError: it cannot be.
    """
    try:
        process.start()
    except (OSError, EOFError) as error:  # the end of a file: what starts them could not
        raise _none(error) from error


def exit_code(process: Any) -> int | None:
    """The exit code of a `process` of `NETWORKED`; None while it runs.

    Raises:
        OperatorError: what started it is gone.
    """
    code: int | None = process.exitcode
    if code == _NOBODY_KNOWS:
        raise OperatorError(
            "The process that starts the others of the service is gone, so none of them could be started again.",
            "Start Tocsin again; what it acknowledged is in the log. See what killed it (memory?).",
        )
    return code


def last_words(
    pipe: Connection, process: Any, heard: Callable[[], Iterable[_Said]], seconds: float
) -> Iterator[_Said]:
    """What a `process` that was asked to end says over `pipe` until it is gone, or says nothing for so long.

    `heard` gives what it has to say by now.
    """
    while wait([pipe, process.sentinel], seconds):
        said = list(heard())
        yield from said
        if not said:
            break


def _none(error: OSError | EOFError) -> OperatorError:
    why = (error.strerror or error) if isinstance(error, OSError) else "what starts it ended over it"
    return OperatorError(
        f"No process can be started: {why}.",
        "Look at memory, at how many processes are allowed, and at the disk; then start Tocsin again.",
    )
