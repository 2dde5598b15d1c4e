"""Members of a tar stream (POSIX.1-2001 ustar and pax, GNU), read in one pass without seeking."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Self, cast

from tocsin.config import bounds
from tocsin.records.instants import SECOND
from tocsin.sources.content import Content, ReadingStopped, Reads

HEADER_BYTES = 512
_LONG_HEADER_BYTES = 1 << 20
"""A pax header or GNU long name; tarfile would read a gigabyte into memory if the header says so."""

_LONG_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def is_tar(head: bytes) -> bool:
    """Whether `head` (`HEADER_BYTES` of it) is a tar header: its magic is there and its checksum holds."""
    if head[257:262] != b"ustar" or len(head) < HEADER_BYTES:
        return False
    try:
        tarfile.TarInfo.frombuf(head[:HEADER_BYTES], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member that may be read until the next one is asked for.

    Attributes:
        modified: Its modification time (instant).
    """

    name: str
    modified: int
    reads: Reads


def tar_members(content: Content) -> Iterator[TarMember]:
    """The members that are regular files, in order.

    Raises:
        ReadingStopped: the archive is truncated or damaged; the members before were given.
    """
    below = _UntilStopped(content)
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", below), mode="r|", tarinfo=_Checked) as archive:
            for count, member in enumerate(archive):
                if count >= bounds.ARCHIVE_MEMBERS:
                    raise ReadingStopped(f"more than {bounds.ARCHIVE_MEMBERS} members; the rest was not read")
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep every header
                if member.isreg():
                    yield TarMember(member.name, _instant(member.mtime), _Untarred(archive, member, below))
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        if below.stopped is not None:
            raise below.stopped from error
        if isinstance(error, ReadingStopped):
            raise
        cut = "unexpected end" in str(error)
        reason = (
            "the tar archive ends early: it is truncated" if cut else f"the tar archive is damaged: {error}"
        )
        raise ReadingStopped(reason) from error


class _Checked(tarfile.TarInfo):
    """A header that is refused loudly; tarfile ends the archive in silence at a bad one."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        if not buf:
            raise ReadingStopped("the tar archive ends without its end mark: it is truncated")
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == HEADER_BYTES and not any(buf):
                raise  # the end mark
            raise ReadingStopped(f"the tar archive is damaged: {error}") from error
        if header.size < 0 or (header.type in _LONG_HEADERS and header.size > _LONG_HEADER_BYTES):
            raise ReadingStopped("the tar archive is damaged: a header claims an impossible size")
        return header


class _UntilStopped:
    """Ends where reading stops instead of raising, so that tarfile loses nothing that it holds at that time."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.stopped: ReadingStopped | None = None

    def read(self, size: int, /) -> bytes:
        try:
            return self._content.read(size)
        except ReadingStopped as stopped:
            self.stopped = stopped
            return b""


class _Untarred:
    """A member's content. tarfile's own reader would throw a whole block away at the place where an archive is cut."""

    def __init__(self, archive: tarfile.TarFile, member: tarfile.TarInfo, below: _UntilStopped) -> None:
        sparse = archive.extractfile(member) if member.issparse() else None
        self._file = cast("Reads", sparse or archive.fileobj)
        self._left = member.size
        self._below = below

    def read(self, size: int, /) -> bytes:
        try:
            data = self._file.read(min(size, self._left))
        except (tarfile.TarError, EOFError):
            data = b""
        if not data and self._left:
            cut = ReadingStopped("the tar archive ends early: it is truncated")
            raise self._below.stopped or cut
        self._left -= len(data)
        return data


def _instant(seconds: float) -> int:
    return int(seconds * SECOND) if abs(seconds) < 1e12 else 0
