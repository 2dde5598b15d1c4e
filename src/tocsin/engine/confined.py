"""A process that gives up the network for good, for itself and for all that it starts: seccomp (Linux, seccomp(2)).

Judging parses what strangers wrote. Whatever a library of its parsers, a rule or a defect of ours makes of that, the kernel
refuses it every socket but those of this host (AF_UNIX), and to look into processes that still have one. What the filter
refuses fails with EPERM, so that a mistake of ours is an error that somebody sees and not a dead service.

Written on the system call itself: what is needed is one list, and the libraries (pyseccomp) need libseccomp on the host.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from ctypes import POINTER, Structure, byref, c_long, c_ubyte, c_uint, c_ulong, c_ushort
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class _Machine:
    """How a kind of machine counts its system calls (linux/audit.h, asm/unistd.h)."""

    audit: int
    seccomp: int
    socket: int
    others: tuple[int, ...]


# ptrace, process_vm_readv, process_vm_writev, pidfd_getfd, io_uring_setup: each another way to a socket.
_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, 317, 41, (101, 310, 311, 438, 425)),
    "aarch64": _Machine(0xC00000B7, 277, 198, (117, 270, 271, 438, 425)),
}
_OTHER_ABI: Final = 0x40000000
"""x32's system calls begin here: the same machine counts them otherwise."""

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_NUMBER, _AUDIT, _FIRST_ARGUMENT = 0, 4, 16  # where struct seccomp_data (linux/seccomp.h) holds them
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM
_NO_NEW_PRIVILEGES, _UNDUMPABLE = 38, 4  # prctl(2): PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE
_SET_FILTER: Final = 1
_ALL_THREADS, _AT_SPEED = 1, 4
"""How (linux/seccomp.h): for each thread or none; and before Linux 5.16 a filter would else slow all that its process computes
(SECCOMP_FILTER_FLAG_SPEC_ALLOW: the price of a defence of what runs others' code in itself, which this does not)."""
_AF_UNIX: Final = 1


class _Step(Structure):
    """struct sock_filter."""

    _fields_ = (("code", c_ushort), ("yes", c_ubyte), ("no", c_ubyte), ("k", c_uint))


class _Program(Structure):
    """struct sock_fprog."""

    _fields_ = (("length", c_ushort), ("steps", POINTER(_Step)))


def give_up_network() -> str:
    """From here on no thread of this process, and nothing that it starts, opens a socket to anywhere.

    Returns:
        Why the kernel would not have it, for an operator; empty where it holds.
    """
    machine = _MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if machine is None or sys.byteorder != "little" or sys.maxsize < 1 << 32:
        return f"this is not known for {sys.platform} on {platform.machine()}"
    steps = list(_steps(machine))
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = c_long
    if library.prctl(_NO_NEW_PRIVILEGES, c_ulong(1), c_ulong(0), c_ulong(0), c_ulong(0)):
        return os.strerror(ctypes.get_errno())
    how = c_ulong(_ALL_THREADS | _AT_SPEED)
    told = library.syscall(c_long(machine.seccomp), c_ulong(_SET_FILTER), how, byref(program))
    if told > 0:
        return f"the thread {told} has rules of its own"
    return "" if told == 0 else os.strerror(ctypes.get_errno())


def hide_memory() -> None:
    """No process of the same user may read or change this one's memory from here on, nor is it dumped (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_UNDUMPABLE, c_ulong(0), c_ulong(0), c_ulong(0), c_ulong(0))


def _steps(machine: _Machine) -> Iterator[_Step]:
    """The filter; a step that compares skips `yes` steps where it holds, else `no`."""
    yield _Step(_LOAD, 0, 0, _AUDIT)
    yield _Step(_EQUAL, 1, 0, machine.audit)
    yield _Step(_RETURN, 0, 0, _REFUSE)
    yield _Step(_LOAD, 0, 0, _NUMBER)
    for one in machine.others:
        yield _Step(_EQUAL, 0, 1, one)
        yield _Step(_RETURN, 0, 0, _REFUSE)
    yield _Step(_AT_LEAST, 0, 1, _OTHER_ABI)
    yield _Step(_RETURN, 0, 0, _REFUSE)
    yield _Step(_EQUAL, 1, 0, machine.socket)
    yield _Step(_RETURN, 0, 0, _ALLOW)
    yield _Step(_LOAD, 0, 0, _FIRST_ARGUMENT)
    yield _Step(_EQUAL, 0, 1, _AF_UNIX)
    yield _Step(_RETURN, 0, 0, _ALLOW)
    yield _Step(_RETURN, 0, 0, _REFUSE)
