"""What the process that starts the others does first: `starter.py` names this module, and multiprocessing imports it there.

A signal that is sent to all (a terminal that closes, `timeout`, a supervisor) is meant for the main process, which ends the others
in its turn or reads settings anew. Without what starts them, the service would end at once instead.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

from tocsin.engine.confined import hide_memory

_FOR_MAIN: Final = (signal.SIGHUP, signal.SIGTERM)  # and SIGINT, which multiprocessing itself ignores there


def outlive() -> None:
    """Lets signals pass that are meant for the main process; what this process starts hears them again.

    And neither its own memory nor theirs can be read: what is forked is hidden as this is.
    """
    for number in _FOR_MAIN:
        signal.signal(number, signal.SIG_IGN)
    os.register_at_fork(after_in_child=_hear)
    hide_memory()


def _hear() -> None:
    os.setpgid(0, 0)  # nor is it sent what a terminal sends to all, not even while it is still being made
    for number in _FOR_MAIN:
        signal.signal(number, signal.SIG_DFL)


if any("multiprocessing.forkserver" in word for word in sys.orig_argv):  # nowhere else, whoever imports it
    outlive()
