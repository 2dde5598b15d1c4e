"""The values of Linux audit records: which are hex, what a system call's number is called, what an address is.

Sources: audit-userspace `lib/`, `auparse/interpret.c` and the "Audit event fields" list; the kernel's
`arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")

ENCODED = frozenset(
    {
        "proctitle", "comm", "exe", "cmd", "name", "cwd", "acct", "key", "path", "data", "dir", "file", "watch", "ocomm",
        "old", "new", "vm", "root_dir", "grp", "unit", "device", "id",
    }
)  # fmt: skip
"""Fields that the kernel writes in quotes, or in hex where they hold a blank, a quote or a control character."""

X86_64 = {
    0: "read", 1: "write", 2: "open", 41: "socket", 42: "connect", 43: "accept", 44: "sendto", 49: "bind", 50: "listen",
    56: "clone", 57: "fork", 58: "vfork", 59: "execve", 62: "kill", 76: "truncate", 77: "ftruncate", 82: "rename",
    83: "mkdir", 84: "rmdir", 85: "creat", 86: "link", 87: "unlink", 88: "symlink", 90: "chmod", 91: "fchmod",
    92: "chown", 93: "fchown", 94: "lchown", 99: "sysinfo", 101: "ptrace", 103: "syslog", 105: "setuid", 106: "setgid",
    113: "setreuid", 117: "setresuid", 133: "mknod", 135: "personality", 155: "pivot_root", 161: "chroot",
    164: "settimeofday", 165: "mount", 166: "umount2", 169: "reboot", 170: "sethostname", 175: "init_module",
    176: "delete_module", 188: "setxattr", 197: "removexattr", 227: "clock_settime", 246: "kexec_load", 257: "openat",
    258: "mkdirat", 259: "mknodat", 260: "fchownat", 263: "unlinkat", 264: "renameat", 265: "linkat", 266: "symlinkat",
    268: "fchmodat", 272: "unshare", 288: "accept4", 304: "open_by_handle_at", 308: "setns", 310: "process_vm_readv",
    311: "process_vm_writev", 313: "finit_module", 316: "renameat2", 319: "memfd_create", 320: "kexec_file_load",
    321: "bpf", 322: "execveat", 323: "userfaultfd", 425: "io_uring_setup", 435: "clone3", 437: "openat2",
}  # fmt: skip

AARCH64 = {
    33: "mknodat", 34: "mkdirat", 35: "unlinkat", 36: "symlinkat", 37: "linkat", 38: "renameat", 39: "umount2",
    40: "mount", 41: "pivot_root", 45: "truncate", 46: "ftruncate", 51: "chroot", 52: "fchmod", 53: "fchmodat",
    54: "fchownat", 55: "fchown", 56: "openat", 63: "read", 64: "write", 92: "personality", 97: "unshare",
    104: "kexec_load", 105: "init_module", 106: "delete_module", 112: "clock_settime", 116: "syslog", 117: "ptrace",
    129: "kill", 142: "reboot", 145: "setreuid", 146: "setuid", 147: "setresuid", 161: "sethostname",
    170: "settimeofday", 179: "sysinfo", 198: "socket", 200: "bind", 201: "listen", 202: "accept", 203: "connect",
    206: "sendto", 220: "clone", 221: "execve", 268: "setns", 270: "process_vm_readv", 271: "process_vm_writev",
    273: "finit_module", 276: "renameat2", 279: "memfd_create", 280: "bpf", 281: "execveat", 435: "clone3",
    437: "openat2",
}  # fmt: skip

_CALLS = {"c000003e": X86_64, "x86_64": X86_64, "c00000b7": AARCH64, "aarch64": AARCH64}


def decoded(value: str) -> str:
    """The text of a hex `value` (NUL bytes become blanks); `value` itself where it is no hex."""
    if not _HEX.fullmatch(value):
        return value
    return bytes.fromhex(value).rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")


def call_name(arch: str, number: str) -> str | None:
    """The name of system call `number` on `arch` (raw or interpreted); an interpreted call is a name already."""
    if not number.isascii() or not number.isdigit():
        return number or None
    return _CALLS.get(arch, {}).get(int(number)) if len(number) <= 4 else None


def socket_address(value: str) -> tuple[str, int] | None:
    """Address and port of a raw `saddr` (a struct sockaddr in hex), None where it is of another family than IP."""
    if not _HEX.fullmatch(value):
        return None
    raw = bytes.fromhex(value)
    family = int.from_bytes(raw[:2], "little")
    if family == 2 and len(raw) >= 8:
        return str(ip_address(raw[4:8])), int.from_bytes(raw[2:4], "big")
    if family == 10 and len(raw) >= 24:
        return str(ip_address(raw[8:24])), int.from_bytes(raw[2:4], "big")
    return None
