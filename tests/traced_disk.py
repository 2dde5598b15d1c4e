"""All that a traced service did to its disk and told the outside, in the order in which strace(1) saw it.

A step that takes time (a sync) has a beginning and an end: what is written meanwhile is not covered by it. Every other
change counts when its system call returned; what is told counts when the call begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.power_cut import File, Folder, Tree

_TRACED = (
    "openat,write,writev,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,"
    "mkdir,mkdirat,rmdir,link,linkat,sendto,sendmsg"
)
STRACE = (
    "strace", "-D", "-f", "--seccomp-bpf", "-ttt", "-yy", "-xx", "-s", "16777216", "-e", "signal=none",
    "-e", f"trace={_TRACED}",
)  # fmt: skip
"""The command before the service's own; `-o FILE` is to be added. With -D the service stays the child of who starts it."""

Kind = Literal["begin", "end", "change", "told"]
_LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_DONE = re.compile(r"(.*)\) += (-?\d+|\?)")
_CALL = re.compile(r"(\w+)\((.*)", re.DOTALL)
_FILE = re.compile(r"(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})+)>(\(deleted\))?")
_SOCKET = re.compile(r"\d+<TCP:\[[\d.]+:(\d+)->[\d.]+:(\d+)\]>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_UNTRACKED = re.compile(r"(-shm|/(bell\.)?lock|/[^/]*status\.json[^/]*|/starter(/.*)?)$")
"""Shared memory, locks, a socket's folder, and figures that count for nothing once the service stopped: no promise rests on them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One system call, begun or returned."""

    pid: int
    at: float
    name: str
    words: str
    result: int | None  # None: it has not returned yet


def calls(trace: Iterable[str]) -> Iterator[Call]:
    """The system calls of a trace, each when it begins and again when it returned; those that failed are left out."""
    begun: dict[int, str] = {}
    for line in trace:
        if (match := _LINE.match(line)) is None:
            continue
        pid, at, rest = int(match[1]), float(match[2]), match[3]
        if (resumed := _RESUMED.match(rest)) is not None:
            rest = begun.pop(pid, "") + resumed[1]
        else:
            if (call := _CALL.match(rest)) is None:
                continue
            yield Call(pid, at, call[1], call[2], None)
            if rest.endswith("<unfinished ...>"):
                begun[pid] = rest.removesuffix(" <unfinished ...>")
                continue
        done, call = _DONE.match(rest), _CALL.match(rest)
        if done is not None and call is not None and done[2] != "?" and int(done[2]) >= 0:
            yield Call(pid, at, call[1], call[2], int(done[2]))


def data_of(words: str) -> bytes:
    """The bytes that a call hands over."""
    return b"".join(bytes.fromhex(one.replace("\\x", "")) for one in _TEXT.findall(words))


def _path(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode()


class TracedDisk:
    """The model of one folder's disk, moved on by the calls of one run after the other.

    Args:
        root: The folder.
        without: A class of syncs that is left out.
        base: A copy of what stood in it, durable, when the first trace began; None for nothing.
    """

    def __init__(self, root: Path, without: str | None = None, base: Path | None = None) -> None:
        self.tree = Tree()
        if base is not None:
            _fill(self.tree.top, base)
        self.sites: set[str] = set()
        self._root, self._without = str(root), without
        self._syncs: dict[int, list] = {}
        self._ever_synced: set[int] = set()
        self._changed: set[int] = set()

    def begin_run(self) -> None:
        """Another process starts: no sync of the one before is under way any more."""
        self._syncs.clear()
        self._changed.clear()

    def step(self, call: Call) -> bool:
        """Moves on by `call`; whether that changed what a power cut could leave."""
        if call.name in {"fsync", "fdatasync"}:
            return self._sync(call)
        if call.result is None:
            return False
        if call.name in {"write", "writev", "pwrite64", "pwritev"}:
            return self._write(call)
        if call.name in {"ftruncate", "fallocate"}:
            return self._cut(call)
        return self._name_changes(call)

    def _inside(self, path: str) -> str | None:
        """The path below the root; None where it is elsewhere or not of interest."""
        if path == self._root:
            return ""
        if not path.startswith(f"{self._root}/") or _UNTRACKED.search(path):
            return None
        return path.removeprefix(f"{self._root}/")

    def _opened(self, words: str) -> tuple[str, File | Folder] | None:
        """What a descriptor is of, where that is below the root and has its name still."""
        match = _FILE.match(words)
        path = self._inside(_path(match[1])) if match is not None and not match[2] else None
        node = self.tree.find(path) if path is not None else None
        return (path, node) if path is not None and node is not None else None

    def _write(self, call: Call) -> bool:
        found = self._opened(call.words)
        if found is None or not isinstance(found[1], File):
            return False
        data = data_of(call.words)[: call.result]
        self._changed.add(id(found[1]))
        if call.name.startswith("p"):
            at = re.search(r", (\d+)\) += \d+$|, (\d+)$", call.words.split(") = ")[0])
            assert at is not None, call.words[-60:]
            found[1].write(int(at[1] or at[2]), data)
        else:
            found[1].append(data)  # `complete` sees that nobody writes elsewhere this way
        return True

    def _cut(self, call: Call) -> bool:
        found = self._opened(call.words)
        if found is None or not isinstance(found[1], File):
            return False
        assert call.name == "ftruncate", "nobody allocates ahead"
        found[1].cut(int(call.words.split(", ")[1].split(")")[0]))
        return True

    def _sync(self, call: Call) -> bool:
        if call.result is not None:
            done = self._syncs.pop(call.pid, [])
            for one in done:
                one()
            return bool(done)
        found = self._opened(call.words)
        if found is None:
            return False
        site = self._site(*found)
        self.sites.add(site)
        self._ever_synced.add(id(found[1]))
        if site != self._without:
            self._syncs[call.pid] = [found[1].sync()]
        return False

    def _site(self, path: str, node: File | Folder) -> str:
        """Which kind of sync it is, named as in `tocsin.store.disk`; those of SQLite begin with `state`."""
        parts = path.split("/")
        if isinstance(node, Folder):
            depth = {"wal": "wal.directory", "events": "sealed.parents"}
            if len(parts) >= 2:
                return depth[parts[1]] if len(parts) < 4 else "sealed.directory"
            return "store.directory" if path else "store.parent"
        if path.endswith(".wal"):
            if id(node) not in self._ever_synced and len(node.current) < 64:
                return "wal.header"
            return "wal.frames" if id(node) in self._changed else "wal.taken_up"
        if path.endswith(".tmp"):
            return "sealed.file"
        return {"state.sqlite-wal": "state.log", "state.sqlite": "state.file"}.get(parts[-1], "state.other")

    def _name_changes(self, call: Call) -> bool:
        paths = [self._inside(_path(one)) for one in _TEXT.findall(call.words)]
        if call.name == "openat":
            return self._open(call, paths[0])
        known = [one for one in paths if one is not None]
        if not known or call.name in {"sendto", "sendmsg"}:
            return False
        if call.name.startswith("rename"):
            assert len(known) == 2, "nothing is renamed into or out of the folder"
            self.tree.rename(*known)
        elif call.name.startswith("link"):
            (from_names, old), (to_names, new) = map(self.tree.place, known)
            to_names[new] = from_names[old]
        else:
            names, name = self.tree.place(known[0])
            if call.name.startswith("mkdir"):
                names[name] = Folder()
            else:
                names.pop(name)
        return True

    def _open(self, call: Call, path: str | None) -> bool:
        if path is None or ("O_CREAT" not in call.words and "O_TRUNC" not in call.words):
            return False
        names, name = self.tree.place(path)
        node = names.get(name)
        if node is None:
            names[name] = File()
            return True
        if "O_TRUNC" in call.words and isinstance(node, File) and node.current:
            node.cut(0)
            return True
        return False

    def complete(self, there: Path) -> None:
        """Demands that the model is what truly stood in the folder, which `there` is a copy of: no call was missed."""
        found = {
            path.relative_to(there).as_posix(): path.read_bytes() if path.is_file() else None
            for path in there.rglob("*")
            if not _UNTRACKED.search(str(path))
        }
        now = self.tree.now()
        assert found.keys() == now.keys(), (
            there,
            sorted(found.keys() - now.keys()),
            sorted(now.keys() - found.keys()),
        )
        assert [name for name, content in now.items() if found[name] != content] == []


def _fill(folder: Folder, there: Path) -> None:
    for path in there.iterdir():
        if not _UNTRACKED.search(str(path)):
            node = Folder() if path.is_dir() else File(path.read_bytes(), path.read_bytes())
            folder.synced[path.name] = folder.current[path.name] = node
            if isinstance(node, Folder):
                _fill(node, path)


def to_port(call: Call) -> int | None:
    """The port of the other side that a call writes to; None where it writes to no TCP connection."""
    match = _SOCKET.match(call.words)
    return int(match[2]) if match is not None else None


def to_file(call: Call) -> str | None:
    """The path of the file that a call writes to; None where it is none."""
    match = _FILE.match(call.words)
    return _path(match[1]) if match is not None else None
