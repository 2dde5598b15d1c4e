"""A disk that does what it is told and remembers it, and the disks that a power cut could leave behind.

What a power cut keeps (POSIX promises no more): the bytes that a file had at its last sync, and the names that a
folder had at its last sync. Of what was not synced anything may be kept, so several images are made of each moment:

- nothing unsynced is kept;
- all names are kept, and no unsynced bytes (a renamed file may then be empty);
- the names of one folder alone are kept;
- of unsynced bytes the first half is kept, or the second half behind zeros (pages reach the disk in any order).

SQLite's files are taken as they stand at each step, because each of its transactions is synced before it returns
(synchronous=FULL, which `test_database.py` demands; SQLite itself is tested for power cuts by its makers).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.store.disk import Disk, Site

Bytes = Callable[["File"], bytes]
Image = dict[str, bytes | None]  # relative path → bytes, None for a folder


@dataclass(eq=False)
class File:
    synced: bytes = b""
    current: bytes = b""


@dataclass(eq=False)
class Folder:
    synced: dict[str, File | Folder] = field(default_factory=dict)
    current: dict[str, File | Folder] = field(default_factory=dict)


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
        self.top = Folder()
        self.sites: set[str] = set()
        self.die_before: Site | None = None
        self._without = without
        self._watch = watch
        self._open: dict[int, File] = {}

    def make_directory(self, path: Path) -> None:
        super().make_directory(path)
        self._folder(path.parent).current.setdefault(path.name, Folder())
        self._watch()

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._open[descriptor] = self._folder(path.parent).current[path.name] = File()
        self._watch()
        return descriptor

    def reopen(self, path: Path) -> int:
        descriptor = super().reopen(path)
        node = self._folder(path.parent).current[path.name]
        assert isinstance(node, File)
        self._open[descriptor] = node
        return descriptor

    def write(self, descriptor: int, parts: Sequence[bytes | memoryview]) -> int:
        self._open[descriptor].current += b"".join(bytes(part) for part in parts)
        self._watch()
        return super().write(descriptor, parts)

    def sync_data(self, descriptor: int, site: Site) -> None:
        self._reach(site)
        if site != self._without:
            self._open[descriptor].synced = self._open[descriptor].current
        self._watch()

    def sync_directory(self, path: Path, site: Site) -> None:
        self._reach(site)
        if site != self._without:
            folder = self._folder(path)
            folder.synced = dict(folder.current)
        self._watch()

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self._open[descriptor].current = self._open[descriptor].current[:size]
        self._watch()

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        folder = self._folder(old.parent).current
        folder[new.name] = folder.pop(old.name)
        self._watch()

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self._folder(path.parent).current.pop(path.name, None)
        self._watch()

    def remove_directory(self, path: Path) -> None:
        super().remove_directory(path)
        self._folder(path.parent).current.pop(path.name, None)
        self._watch()

    def images(self) -> Iterator[Image]:
        """What a power cut could leave at this moment, without SQLite's files."""
        unsynced = [folder for folder in self._folders(self.top) if folder.current != folder.synced]
        yield self._image(set(), lambda file: file.synced)
        yield self._image(set(unsynced), lambda file: file.synced)
        yield self._image(set(), _first_half)
        yield self._image(set(unsynced), _second_half)
        for folder in unsynced if len(unsynced) > 1 else ():
            yield self._image({folder}, lambda file: file.synced)

    def _reach(self, site: Site) -> None:
        self.sites.add(site)
        if self.die_before == site:
            self.die_before = None
            raise Killed(site)

    def _folder(self, path: Path) -> Folder:
        folder = self.top
        for name in path.relative_to(self.root).parts:
            node = folder.current[name]
            assert isinstance(node, Folder)
            folder = node
        return folder

    def _folders(self, folder: Folder) -> Iterator[Folder]:
        yield folder
        for node in (*folder.current.values(), *folder.synced.values()):
            if isinstance(node, Folder):
                yield from self._folders(node)

    def _image(self, kept: set[Folder], data: Bytes) -> Image:
        image: Image = {}

        def walk(folder: Folder, prefix: str) -> None:
            for name, node in (folder.current if folder in kept else folder.synced).items():
                image[prefix + name] = data(node) if isinstance(node, File) else None
                if isinstance(node, Folder):
                    walk(node, f"{prefix}{name}/")

        walk(self.top, "")
        return image


def _first_half(file: File) -> bytes:
    if file.current[: len(file.synced)] != file.synced:  # it was cut: either length may be kept
        return file.current
    return file.current[: (len(file.synced) + len(file.current) + 1) // 2]


def _second_half(file: File) -> bytes:
    if file.current[: len(file.synced)] != file.synced:
        return file.current
    half = (len(file.synced) + len(file.current) + 1) // 2
    return file.synced + bytes(half - len(file.synced)) + file.current[half:]


def lay_out(image: Image, folder: Path) -> None:
    """Makes the files of `image` in `folder`."""
    for name, content in image.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        elif path.parent.is_dir():
            path.write_bytes(content)
