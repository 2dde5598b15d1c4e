"""Who is told to read settings anew is a process of the service's own user, whatever its files say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tocsin.cli.connecting import _signalled


def test_only_a_process_of_that_user_is_signalled() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as one:
        assert not _signalled(one.pid, os.getuid() + 1)
        assert one.poll() is None
        assert _signalled(one.pid, os.getuid())
        assert one.wait(10) == -signal.SIGHUP
    assert not _signalled(one.pid, os.getuid()), "it is gone"
    assert not _signalled(-1, os.getuid())
