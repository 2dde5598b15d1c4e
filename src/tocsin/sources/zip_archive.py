"""Members of a zip file (PKWARE APPNOTE 6.3)."""

from __future__ import annotations

import copy
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import BinaryIO, cast

from tocsin.config import bounds
from tocsin.records.instants import from_datetime
from tocsin.sources.content import Budget, ReadingStopped

MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member that may be read.

    Attributes:
        modified: Its modification time (instant), None where the archive holds none.
    """

    name: str
    modified: int | None
    info: zipfile.ZipInfo


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """The archive in `file`.

    Raises:
        ReadingStopped: it is no zip file or has no readable directory.
    """
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise ReadingStopped(f"the zip file has no readable directory (truncated?): {error}") from error


def zip_members(archive: zipfile.ZipFile, zone: tzinfo) -> Iterator[ZipMember]:
    """The members that are files, in the archive's order, without the resource forks that macOS adds.

    Raises:
        ReadingStopped: there are more than `bounds.ARCHIVE_MEMBERS`.
    """
    for count, info in enumerate(archive.infolist()):
        if count >= bounds.ARCHIVE_MEMBERS:
            raise ReadingStopped(f"more than {bounds.ARCHIVE_MEMBERS} members; the rest was not read")
        if info.filename.endswith("/") or info.filename.startswith(
            "__MACOSX/"
        ):  # is_dir fails on an empty name
            continue
        yield ZipMember(info.filename, _modified(info, zone), info)


class Unzipped:
    """The content of one member; the checksum is checked at its end, after everything was given.

    Raises:
        ReadingStopped: it is encrypted, or compressed in a way that is not known here.
    """

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> None:
        if info.flag_bits & _ENCRYPTED:
            raise ReadingStopped("encrypted: unpack it with its password first")
        unchecked = copy.copy(info)
        del unchecked.CRC  # zipfile would throw the last block away with the error; we check it ourselves
        try:
            self._file = cast("zipfile.ZipExtFile", archive.open(unchecked))
        except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError) as error:
            raise ReadingStopped(f"the zip member cannot be read: {error}") from error
        self._expected, self._crc = info.CRC, 0
        self._budget = budget

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, b'' at the end.

        Raises:
            ReadingStopped: the member is truncated or damaged, or the budget is spent.
        """
        try:
            data = self._file.read1(size)
        except EOFError as error:
            raise ReadingStopped("the zip member ends early: the archive is truncated") from error
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError) as error:
            raise ReadingStopped(f"the zip member is damaged: {error}") from error
        if not data and self._crc != self._expected:
            raise ReadingStopped("the zip member's checksum is wrong: it was damaged or changed")
        self._crc = zlib.crc32(data, self._crc)
        self._budget.spend(len(data))
        return data


def _modified(info: zipfile.ZipInfo, zone: tzinfo) -> int | None:
    try:
        return from_datetime(datetime(*info.date_time, tzinfo=zone))
    except ValueError:
        return None
