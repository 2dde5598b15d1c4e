"""Starts the processes of the service that need the network: intake, the bell, and what reads the sources of plants.

The process that judges gives the network up (`confined.py`), and what it starts inherits that. So these are started by a
process that was begun before: multiprocessing's fork server, which parses nothing and does nothing else. Where it is gone,
none of them could ever be started again, and nobody would know how one ended: the service ends, and is started anew whole.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from typing import Any, Final

from tocsin.records.errors import OperatorError

NETWORKED: Final = multiprocessing.get_context("forkserver")
"""What such processes, their pipes and their shared memory are made by."""

_NOBODY_KNOWS: Final = 255  # what multiprocessing says where the fork server is gone


def begin() -> None:
    """Begins the process that starts the others; to be called before the network is given up.

    Raises:
        OperatorError: it cannot be begun.
    """
    try:
        forkserver.set_forkserver_preload([])
        forkserver.ensure_running()
    except OSError as error:
        raise OperatorError(
            f"No process can be started: {error.strerror or error}.",
            "Look at memory, processes and the disk of /tmp.",
        ) from error


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
