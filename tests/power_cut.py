"""A disk that knows what of it is synced, the disks that a power cut could leave of it, and what is demanded of each.

What a power cut keeps (POSIX promises no more): the bytes that a file had at its last sync, and the names that a
folder had at its last sync. Of what was not synced anything may be kept, so several images are made of each moment:

- nothing unsynced is kept;
- all names are kept, and no unsynced bytes (a renamed file may then be empty);
- the names of one folder alone are kept;
- of unsynced bytes the first half is kept, or the second half (pages reach the disk in any order; a hole reads as zeros);
- everything is kept.

The steps come from a run inside one process (`RecordingDisk`), where SQLite's files are taken as they stand, or from
all of a service's system calls (`traced_disk.py`), SQLite's too.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.store.disk import Disk, Site

Bytes = Callable[["File"], bytes]
Image = dict[str, bytes | None]  # relative path → bytes, None for a folder
Change = tuple[int, bytes | None]  # where, and what is written there; None: cut off from there on


class LostError(Exception):
    """A power cut broke a promise."""


@dataclass(eq=False)
class File:
    """What a file holds, and what of it is on the disk."""

    synced: bytes = b""
    current: bytes = b""
    changes: list[Change] = field(default_factory=list)

    def write(self, at: int, data: bytes) -> None:
        self.changes.append((at, data))
        self.current = applied(self.current, self.changes[-1:])

    def append(self, data: bytes) -> None:
        self.write(len(self.current), data)

    def cut(self, size: int) -> None:
        self.changes.append((size, None))
        self.current = applied(self.current, self.changes[-1:])

    def sync(self) -> Callable[[], None]:
        """A sync begins; what is to be called once it came back."""
        content, count = self.current, len(self.changes)

        def done() -> None:
            self.synced = content
            del self.changes[:count]

        return done


@dataclass(eq=False)
class Folder:
    """The names in a folder, and those that are on the disk."""

    synced: dict[str, File | Folder] = field(default_factory=dict)
    current: dict[str, File | Folder] = field(default_factory=dict)

    def sync(self) -> Callable[[], None]:
        """As `File.sync`."""
        names = dict(self.current)

        def done() -> None:
            self.synced = names

        return done


def applied(content: bytes, changes: Sequence[Change]) -> bytes:
    """`content` after `changes`."""
    for at, data in changes:
        if data is None:
            content = content[:at].ljust(at, b"\0")
        else:
            content = content[:at].ljust(at, b"\0") + data + content[at + len(data) :]
    return content


def halves(file: File) -> tuple[bytes, bytes]:
    """The file with the first half of its unsynced bytes, and with the second."""
    left = sum(len(data) for _, data in file.changes if data is not None) // 2
    first: list[Change] = []
    second: list[Change] = []
    for at, data in file.changes:
        size = len(data) if data is not None else 0
        if size <= left:
            first.append((at, data))
            left -= size
            continue
        assert data is not None
        first.append((at, data[:left]))
        second.append((at + left, data[left:]))
        left = 0
    return applied(file.synced, first), applied(file.synced, second)


class Tree:
    """The folders and files below one folder that exists and is durable."""

    def __init__(self) -> None:
        self.top = Folder()

    def find(self, path: str) -> File | Folder | None:
        """What has that name now."""
        node: File | Folder | None = self.top
        for name in path.split("/") if path else ():
            node = node.current.get(name) if isinstance(node, Folder) else None
        return node

    def folder(self, path: str) -> Folder:
        node = self.find(path)
        assert isinstance(node, Folder), path
        return node

    def place(self, path: str) -> tuple[dict[str, File | Folder], str]:
        """The names of the folder of `path`, and the last part of it."""
        above, _, name = path.rpartition("/")
        return self.folder(above).current, name

    def rename(self, old: str, new: str) -> None:
        names, name = self.place(old)
        node = names.pop(name)
        names, name = self.place(new)
        names[name] = node

    def images(self) -> Iterator[Image]:
        """What a power cut could leave at this moment."""
        unsynced = [folder for folder in self._folders(self.top) if folder.current != folder.synced]
        everything = set(unsynced)
        cache: dict[int, tuple[bytes, bytes]] = {}

        def half(file: File) -> tuple[bytes, bytes]:
            return cache.setdefault(id(file), halves(file) if file.changes else (file.current, file.current))

        yield self.image(set(), lambda file: file.synced)
        yield self.image(everything, lambda file: file.synced)
        yield self.image(set(), lambda file: half(file)[0])
        yield self.image(everything, lambda file: half(file)[1])
        yield self.image(everything, lambda file: file.current)
        for folder in unsynced if len(unsynced) > 1 else ():
            yield self.image({folder}, lambda file: file.synced)

    def now(self) -> Image:
        """What stands there without a power cut."""
        return self.image(set(self._folders(self.top)), lambda file: file.current)

    def image(self, kept: set[Folder], data: Bytes) -> Image:
        """All that is synced, and of `kept` folders their present names."""
        image: Image = {}

        def walk(folder: Folder, prefix: str) -> None:
            for name, node in (folder.current if folder in kept else folder.synced).items():
                image[prefix + name] = data(node) if isinstance(node, File) else None
                if isinstance(node, Folder):
                    walk(node, f"{prefix}{name}/")

        walk(self.top, "")
        return image

    def _folders(self, folder: Folder) -> Iterator[Folder]:
        yield folder
        below = {id(one): one for one in (*folder.current.values(), *folder.synced.values())}
        for node in below.values():
            if isinstance(node, Folder):
                yield from self._folders(node)


def digest(image: Image) -> int:
    """Tells images apart; Python remembers the hash of each piece of bytes."""
    return hash(tuple(sorted((name, hash(content)) for name, content in image.items())))


def lay_out(image: Image, folder: Path) -> Path:
    """Makes the files of `image` in `folder`, and nothing else there; gives it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in image.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        elif path.parent.is_dir():
            path.write_bytes(content)
    return folder


class Killed(BaseException):
    """Stands for kill -9: no handler of the store runs on."""


class RecordingDisk(Disk):
    """A real disk below `root` that models what of it is synced.

    Args:
        root: Its top folder; exists and is durable.
        without: A sync that is left out.
        watch: Called after each step.
    """

    def __init__(
        self, root: Path, without: Site | None = None, watch: Callable[[], None] = lambda: None
    ) -> None:
        self.root = root
        self.tree = Tree()
        self.sites: set[str] = set()
        self.die_before: Site | None = None
        self._without = without
        self._watch = watch
        self._open: dict[int, File] = {}

    def make_directory(self, path: Path) -> None:
        super().make_directory(path)
        names, name = self.tree.place(self._name(path))
        names.setdefault(name, Folder())
        self._watch()

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        names, name = self.tree.place(self._name(path))
        self._open[descriptor] = names[name] = File()
        self._watch()
        return descriptor

    def reopen(self, path: Path) -> int:
        descriptor = super().reopen(path)
        node = self.tree.find(self._name(path))
        assert isinstance(node, File)
        self._open[descriptor] = node
        return descriptor

    def write(self, descriptor: int, parts: Sequence[bytes | memoryview]) -> int:
        self._open[descriptor].append(b"".join(bytes(part) for part in parts))
        self._watch()
        return super().write(descriptor, parts)

    def sync_data(self, descriptor: int, site: Site) -> None:
        self._sync(self._open[descriptor], site)

    def sync_directory(self, path: Path, site: Site) -> None:
        self._sync(self.tree.folder(self._name(path)), site)

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self._open[descriptor].cut(size)
        self._watch()

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self.tree.rename(self._name(old), self._name(new))
        self._watch()

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self._forget(path)

    def remove_directory(self, path: Path) -> None:
        super().remove_directory(path)
        self._forget(path)

    def _forget(self, path: Path) -> None:
        names, name = self.tree.place(self._name(path))
        names.pop(name, None)
        self._watch()

    def _sync(self, node: File | Folder, site: Site) -> None:
        self.sites.add(site)
        if self.die_before == site:
            self.die_before = None
            raise Killed(site)
        if site != self._without:
            node.sync()()
        self._watch()

    def _name(self, path: Path) -> str:
        name = path.relative_to(self.root).as_posix()
        return "" if name == "." else name
