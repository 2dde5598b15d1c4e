"""What starts the processes that need the network: where it is asked, and what is said where it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

BEGIN = """
import os, shutil, signal, sys, tempfile
from multiprocessing import forkserver
from pathlib import Path
from tocsin.engine import starter
from tocsin.records.errors import OperatorError

root = Path(sys.argv[1])
reload = signal.signal(signal.SIGHUP, lambda *_: None)

def address():
    return Path(forkserver._forkserver._forkserver_address)
"""


def said(folder: Path, code: str) -> str:
    """What `code` prints, in a process of its own."""
    program = [sys.executable, "-c", BEGIN + code, str(folder)]
    return subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_path_that_is_too_long_for_a_socket_is_reached_by_a_shorter_one() -> None:
    code = """
starter.begin(root)
process = starter.NETWORKED.Process(target=os._exit, args=(7,))
starter.start(process)
process.join()
starter.tidy(root)
inside = address().resolve().is_relative_to(root)
print(starter.exit_code(process), inside, address().is_relative_to(root), tempfile.tempdir, address().exists())
print(signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN)
"""
    with tempfile.TemporaryDirectory() as short:
        left = 107 - len("/starter/pymp-12345678/listener-12345678") - len(os.fsencode(short)) - 1
        for more, named in ((0, True), (1, False)):
            folder = Path(short, "d" * (left + more))
            folder.mkdir()
            assert said(folder, code).split() == ["7", "True", str(named), "None", "True", "True"]
            assert not list((folder / "starter").iterdir()), "nothing is left"


def test_where_none_can_be_started_that_is_said(tmp_path: Path) -> None:
    code = """
starter.begin(root)
shutil.rmtree(address().parent)
try:
    starter.start(starter.NETWORKED.Process(target=print))
except OperatorError as error:
    print(error)
"""
    assert "No process can be started: No such file or directory." in said(tmp_path, code)


def test_what_starts_them_and_ends_over_it_is_said(tmp_path: Path) -> None:
    """As where no more processes are allowed, which ends multiprocessing's fork server."""
    code = """
starter.begin(root)
os.sched_yield()
import resource
pid = forkserver._forkserver._forkserver_pid
resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))
try:
    starter.start(starter.NETWORKED.Process(target=print))
except OperatorError as error:
    print(error)
"""
    assert "No process can be started" in said(tmp_path, code)


def test_it_hears_no_signal_that_is_for_the_main_process_and_what_it_starts_does(tmp_path: Path) -> None:
    """And none of them can be looked into by another of the same user."""
    code = """
import ctypes
def tells(pipe):
    bits = next(line for line in open("/proc/self/status") if line.startswith("SigIgn"))
    pipe.send((int(bits.split()[1], 16), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)))
if __name__ == "__main__":
    starter.begin(root)
    ours, theirs = starter.NETWORKED.Pipe()
    starter.start(starter.NETWORKED.Process(target=tells, args=(theirs,)))
    ignored, dumpable = ours.recv()
    server = open(f"/proc/{forkserver._forkserver._forkserver_pid}/status").read()
    bits = int(server.split("SigIgn:")[1].split()[0], 16)
    print([bool(one >> number - 1 & 1) for one in (ignored, bits) for number in (1, 15)], dumpable)
"""
    file = tmp_path / "main.py"
    file.write_text(BEGIN + code)
    done = subprocess.run(
        [sys.executable, file, tmp_path], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[False, False, True, True] 0"
