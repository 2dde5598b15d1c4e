"""A process that gave the network up: what it may still open, in other threads and in what it starts."""

from __future__ import annotations

import errno
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"},
    reason="the kernel's filter is Linux's",
)

BEGIN = """
import ctypes, os, socket, subprocess, sys, threading
from tocsin.engine.confined import give_up_network
def opens(family):
    try:
        socket.socket(family, socket.SOCK_DGRAM).close()
    except PermissionError:
        return False
    return True
"""


def said(code: str) -> list[str]:
    """The words that `code` prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


def test_it_opens_sockets_of_this_host_only() -> None:
    families = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_UNIX")
    code = f"""
assert opens(socket.AF_INET)
assert give_up_network() == ""
for name in {families}:
    print(name if opens(getattr(socket, name)) else "-")
a, b = socket.socketpair()
a.send(b"x"); print(b.recv(1).decode())
"""
    assert said(code) == ["-", "-", "-", "-", "-", "AF_UNIX", "x"]


def test_so_do_threads_that_ran_before_and_what_it_starts() -> None:
    code = """
go, found = threading.Event(), []
thread = threading.Thread(target=lambda: (go.wait(), found.append(opens(socket.AF_INET))))
thread.start()
assert give_up_network() == ""
go.set(); thread.join(); print(found[0])
child = "import socket\\ntry: socket.socket()\\nexcept PermissionError: print('refused')"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout)
"""
    assert said(code) == ["False", "refused"]


def test_it_cannot_take_the_socket_or_the_memory_of_another() -> None:
    """By pidfd_getfd, process_vm_writev or ptrace; by their numbers, which both machines share for the first only.

    What it asks of ptrace is to go on (7): of a process that it does not trace, which is another error where ptrace is heard.
    """
    vm, trace = {"x86_64": (311, 101), "aarch64": (271, 117)}[platform.machine()]
    code = f"""
library = ctypes.CDLL(None, use_errno=True)
def error(*call):
    ctypes.set_errno(0)
    library.syscall(*map(ctypes.c_long, call))
    return ctypes.get_errno()
other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
calls = ((438, os.pidfd_open(other.pid), 0, 0), ({vm}, other.pid, 0, 0, 0, 0, 0), ({trace}, 7, other.pid, 0, 0), (425, 1, 0))
before = [error(*one) for one in calls]
assert give_up_network() == ""
print(*[error(*one) for one in calls], before[2])
other.kill()
"""
    assert said(code) == ["1", "1", "1", "1", str(errno.ESRCH)]


def test_a_process_that_hides_its_memory_is_not_dumped() -> None:
    code = """
from tocsin.engine.confined import hide_memory
hide_memory()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
"""
    assert said(code) == ["0"]


def test_twice_is_as_good_as_once() -> None:
    assert said("print(give_up_network() or 1, give_up_network() or 2)") == ["1", "2"]
