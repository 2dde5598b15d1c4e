"""Files inside gz, zstd, zip and tar, told by their magic bytes and never by their names.

Nothing is ever extracted: a member's name is only a label, so a name with `..` in it is inert. Archives nest up to
`bounds.ARCHIVE_DEPTH`; the budget (`content.Budget`) stops bombs. What cannot be read is a `SetAside` and reading goes
on at the next member. A lone compressed file keeps its own name; only members of zip and tar get a `!member`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast
from zipfile import ZipInfo

from tocsin.config import bounds
from tocsin.records.event import SetAside
from tocsin.sources.compressed import COMPRESSIONS
from tocsin.sources.content import Budget, BudgetSpent, Content, CountedFile, Lent, ReadingStopped, Reads
from tocsin.sources.tar_archive import HEADER_BYTES, is_tar, tar_members
from tocsin.sources.zip_archive import MAGIC as ZIP_MAGIC
from tocsin.sources.zip_archive import Unzipped, open_zip, zip_members


@dataclass(frozen=True, slots=True)
class Opened:
    """One file or member, open at its first byte; valid until the next one is asked for.

    Attributes:
        source: The path as given, `archive.zip!member` inside archives.
        member: What stands after the first `!`, "" outside archives.
        file_time: Its modification time (instant).
        content: Its decompressed bytes.
    """

    source: str
    member: str
    file_time: int
    content: Content


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the nesting something is read."""

    path: Path
    budget: Budget
    zone: tzinfo
    depth: int = 0
    file: CountedFile | None = field(default=None)
    compressed: bool = False


def open_file(path: Path, source: str, zone: tzinfo = UTC) -> Iterator[Opened | SetAside]:
    """The file at `path`, or the members in it, one after the other.

    Args:
        path: A regular file.
        source: How the user named it.
        zone: What a zip's times, which have no zone, mean.

    Raises:
        OSError: it cannot be opened.
    """
    budget = Budget()
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        counted = CountedFile(file, budget)
        with closing(Content(counted, reopen=partial(_open, path))) as content:
            opened = Opened(printable(source), "", status.st_mtime_ns // 1000, content)
            yield from _unwrap(opened, _Place(path, budget, zone, file=counted))


def is_container(start: bytes) -> bool:
    """Whether a file that starts with the `HEADER_BYTES` bytes `start` is compressed, or an archive."""
    compressed = any(start.startswith(kind.magic) for kind in COMPRESSIONS)
    return compressed or start.startswith(ZIP_MAGIC) or is_tar(start)


def _unwrap(opened: Opened, place: _Place) -> Iterator[Opened | SetAside]:
    """`opened` itself, or what is in it where it is a container."""
    magic = opened.content.peek(HEADER_BYTES)
    compression = next((kind for kind in COMPRESSIONS if magic.startswith(kind.magic)), None)
    if compression is None and not magic.startswith(ZIP_MAGIC) and not is_tar(magic):
        yield opened
    elif place.depth >= bounds.ARCHIVE_DEPTH and not (place.compressed and is_tar(magic)):
        yield SetAside(opened.source, None, 0, f"archives are nested more than {bounds.ARCHIVE_DEPTH} deep")
    elif compression is not None:
        reopen = None if place.depth else partial(_decompress_again, place.path, compression)
        below = _Place(place.path, place.budget, place.zone, place.depth + 1, compressed=True)
        with closing(Content(compression(opened.content, place.budget), reopen=reopen)) as content:
            yield from _unwrap(Opened(opened.source, opened.member, opened.file_time, content), below)
    else:
        yield from _members(opened, place, zipped=magic.startswith(ZIP_MAGIC))


def _members(archive: Opened, place: _Place, *, zipped: bool) -> Iterator[Opened | SetAside]:
    members = _unzip(archive, place) if zipped else _untar(archive)
    depth = place.depth + (zipped or not place.compressed)  # a .tar.gz is one archive, not two
    below = _Place(place.path, place.budget, place.zone, depth)
    try:
        for member in members:
            yield from _unwrap(member, below) if isinstance(member, Opened) else (member,)
            if place.budget.spent:
                raise BudgetSpent("the rest of the archive was not read")
    except ReadingStopped as stopped:
        yield SetAside(archive.source, None, None, str(stopped))


def _unzip(archive: Opened, place: _Place) -> Iterator[Opened | SetAside]:
    file = cast("BinaryIO", place.file) if place.file is not None else archive.content.seekable_file()
    with open_zip(file) as zipped:
        for member in zip_members(zipped, place.zone):
            source, name = _named(archive, member.name)
            try:
                reads = Unzipped(zipped, member.info, place.budget)
            except ReadingStopped as stopped:
                yield SetAside(source, None, 0, str(stopped))
                continue
            reopen = None if place.file is None else partial(_unzip_again, place.path, member.info)
            with closing(Content(reads, reopen=reopen)) as content:
                yield Opened(source, name, member.modified or archive.file_time, content)


def _untar(archive: Opened) -> Iterator[Opened | SetAside]:
    for member in tar_members(archive.content):
        source, name = _named(archive, member.name)
        with closing(Content(member.reads)) as content:
            yield Opened(source, name, member.modified or archive.file_time, content)


def printable(name: str) -> str:
    """`name` with what is no Unicode (bytes of a file name that are no UTF-8) replaced, so that it can be printed."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _named(archive: Opened, name: str) -> tuple[str, str]:
    name = printable(name)
    return f"{archive.source}!{name}", f"{archive.member}!{name}" if archive.member else name


def _decompress_again(path: Path, compression: Callable[[Reads, Budget], Reads]) -> BinaryIO:
    """Within a budget of its own: it may be read before the content itself is."""
    budget = Budget()
    file = CountedFile(path.open("rb"), budget)
    return cast("BinaryIO", Lent(compression(file, budget), file.close))


def _unzip_again(path: Path, info: ZipInfo) -> BinaryIO:
    budget = Budget()
    file = CountedFile(path.open("rb"), budget)
    return cast("BinaryIO", Lent(Unzipped(open_zip(cast("BinaryIO", file)), info, budget), file.close))


def _open(path: Path) -> BinaryIO:
    return path.open("rb")
