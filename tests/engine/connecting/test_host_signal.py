"""Who is told to read settings anew is a process of the service's own user, whatever its files say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tocsin.engine.connecting.host import signalled


def test_only_a_process_of_that_user_issignalled() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as one:
        assert not signalled(one.pid, os.getuid() + 1)
        assert one.poll() is None
        assert signalled(one.pid, os.getuid())
        assert one.wait(10) == -signal.SIGHUP
    assert not signalled(one.pid, os.getuid()), "it is gone"
    assert not signalled(-1, os.getuid())
