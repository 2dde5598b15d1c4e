"""A backup of a store that may be in use, encrypted, placed whole or not at all.

Rules:

1. The backup is consistent as of one position of the log (`store/snapshot.py`), and nobody waits for it.
2. It is written under a temporary name, synced, and only then takes its name; its folder is synced. Until then, and on
   any failure, the backups that are there stay as they are.
3. Old ones go only after the new one has its name.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from tocsin.config import bounds
from tocsin.engine import archive
from tocsin.records.errors import OperatorError
from tocsin.records.instants import rfc3339
from tocsin.store.snapshot import Snapshot, note_backup, snapshot

_OURS: Final = re.compile(r"tocsin-[0-9]{8}T[0-9]{6}Z\.age")
_AGE: Final = b"age-encryption.org/v1\n"
_PART: Final = re.compile(r"\.tocsin-backup-[0-9]+\.part")


class SettingsFile(NamedTuple):
    """A file to keep beside the store: its name under `settings/`, and where it is."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to back up.

    Attributes:
        store: Its folder.
        to: The file to make, or a folder in which one named by the time is made.
        recipients: Public halves of recovery keys; each of the secret halves opens it.
        now: The present instant.
        settings: Files to keep beside the store.
        about: What to say of them, for who restores.
        keep: How many backups a folder keeps; None: all.
        verify: Whether to read it back from the disk.
    """

    store: Path
    to: Path
    recipients: Sequence[str]
    now: int
    settings: Sequence[SettingsFile] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    keep: int | None = None
    verify: bool = False


@dataclass(slots=True)
class BackedUp:
    """What was made.

    Attributes:
        path: The backup.
        bytes: Its size.
        files: Parquet files in it.
        segments: Segments of the log in it.
        dropped: Files that retention dropped meanwhile.
        damaged: Files that the store lists and lacks, or has in another size.
        left_out: Settings that could not be read, and a note that could not be written.
        removed: Old backups that went.
    """

    path: Path
    bytes: int = 0
    files: int = 0
    segments: int = 0
    dropped: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)


class _Member(NamedTuple):
    name: str
    size: int
    file: BinaryIO


def back_up(request: BackupRequest) -> BackedUp:
    """Makes a backup.

    Raises:
        OperatorError: there is no store or no recovery key, or the disk refused; no backup was made.
    """
    keys = archive.public_keys(request.recipients)
    if not keys:
        raise OperatorError(
            "There is no recovery key to encrypt the backup to.", "Make one with `tocsin backup --new-key`."
        )
    folder, name = _place(request)
    done = BackedUp(folder / name)
    try:
        with ExitStack() as held:
            marks = _marks(request.store, held)  # before the log: what they say was read is in it
            taken = held.enter_context(snapshot(request.store))
            _write(request, taken, marks, folder, done, keys)
        _note(request, done)
        if request.keep is not None:
            done.removed = _remove_old(done.path, request.keep)
    except OSError as error:
        raise OperatorError(
            f"The backup {done.path} could not be made: {error.strerror or error}.",
            "Make room or mend what it names; backups that were made before are as they were.",
        ) from error
    return done


def _marks(store: Path, held: ExitStack) -> list[_Member]:
    """The marks of the sources of plants, open: each is replaced, never written into."""
    marks = []
    for path in sorted((store / "plant").glob("*.mark")):
        with suppress(FileNotFoundError):
            file = held.enter_context(path.open("rb"))
            marks.append(_Member(f"store/plant/{path.name}", os.fstat(file.fileno()).st_size, file))
    return marks


def _note(request: BackupRequest, done: BackedUp) -> None:
    """Notes in the store that the backup was made, for `tocsin doctor`."""
    try:
        note_backup(request.store, request.now)
    except OSError as error:
        done.left_out.append(f"the note in the store that it was made: {error.strerror or error}")


def _place(request: BackupRequest) -> tuple[Path, str]:
    if request.to.is_dir():
        moment = re.sub(r"[-:]", "", rfc3339(request.now)[:19])
        name = f"tocsin-{moment}Z.age"
        if os.path.lexists(request.to / name):
            raise OperatorError(
                f"{request.to / name} is there already.",
                "Name a folder that no other service makes its backups in, or try again in a second.",
            )
        return request.to, name
    if request.keep is not None:
        raise OperatorError(
            f"--keep needs a folder, and {request.to} is none.", "Make that folder, or leave --keep out."
        )
    if not request.to.parent.is_dir():
        raise OperatorError(f"The folder {request.to.parent} does not exist.", "Make it, or name another.")
    if os.path.lexists(request.to) and not _is_backup(request.to):
        raise OperatorError(
            f"{request.to} is there, and it is no backup.",
            "Name a new file, or a folder; nothing was replaced.",
        )
    return request.to.parent, request.to.name


def _is_backup(path: Path) -> bool:
    """Whether a file begins as one that age made (https://age-encryption.org/v1)."""
    with suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(len(_AGE)) == _AGE
    return False


def _write(  # noqa: PLR0913, PLR0917  what it is made of
    request: BackupRequest, taken: Snapshot, marks: list[_Member], folder: Path, done: BackedUp, keys: list[Any]
) -> None:  # fmt: skip
    _clear(folder)
    part = folder / f".tocsin-backup-{os.getpid()}.part"
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=bounds.BACKUP_BLOCK_BYTES) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            out = _Summed(file)
            archive.write(_members(request, taken, marks, done), out, keys)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
            if request.verify:
                _read_back(file.fileno(), part, out)
        part.replace(done.path)
        _sync(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    done.bytes = out.size


def _members(
    request: BackupRequest, taken: Snapshot, marks: list[_Member], done: BackedUp
) -> Iterator[_Member]:
    count = 0
    for member in _contents(request, taken, marks, done):
        count += 1
        yield member
    end = {"members": count, "dropped": done.dropped, "damaged": done.damaged}
    yield _told(archive.END, end)


def _contents(
    request: BackupRequest, taken: Snapshot, marks: list[_Member], done: BackedUp
) -> Iterator[_Member]:
    about = {
        "form": archive.FORM,
        "made": rfc3339(request.now),
        "judged": list(taken.judged),
        "end": list(taken.end),
        **request.about,
    }
    yield _told(archive.ABOUT, about)
    yield from _settings(request.settings, done)
    with taken.state.open("rb") as file:
        yield _Member("store/state.sqlite", os.fstat(file.fileno()).st_size, file)
    for one in taken.segments:
        one.file.seek(0)
        done.segments += 1
        yield _Member(f"store/wal/{one.number:010d}.wal", one.size, one.file)
    yield from marks
    for path, size in taken.files:
        yield from _parquet(taken, path, size, done)


def _told(name: str, value: Mapping[str, Any]) -> _Member:
    body = archive.note(value)
    return _Member(name, len(body), io.BytesIO(body))


def _settings(files: Sequence[SettingsFile], done: BackedUp) -> Iterator[_Member]:
    for name, path in files:
        try:
            with path.open("rb") as file:
                body = file.read(bounds.BACKUP_SETTINGS_BYTES + 1)
        except OSError as error:
            done.left_out.append(f"{path}: {error.strerror}")
            continue
        if len(body) > bounds.BACKUP_SETTINGS_BYTES:
            done.left_out.append(f"{path}: it is larger than {bounds.BACKUP_SETTINGS_BYTES} bytes")
            continue
        yield _Member(f"settings/{name}", len(body), io.BytesIO(body))


def _parquet(taken: Snapshot, path: str, size: int, done: BackedUp) -> Iterator[_Member]:
    with suppress(FileNotFoundError), (taken.root / path).open("rb") as file:
        if os.fstat(file.fileno()).st_size == size:
            done.files += 1
            yield _Member(f"store/{path}", size, file)
            return
    (done.damaged if taken.still_listed(path) else done.dropped).append(path)


class _Summed:
    """A file, and the SHA-256 and size of what was written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, block: bytes) -> int:
        """All of `block`."""
        self._hash.update(block)
        self.size += len(block)
        return self._file.write(block)

    def digest(self) -> bytes:
        """Of all that was written."""
        return self._hash.digest()


def _read_back(descriptor: int, part: Path, written: _Summed) -> None:
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # or memory would answer for the disk
    with part.open("rb") as file:
        if hashlib.file_digest(file, "sha256").digest() != written.digest():
            raise OSError("the disk gives back other bytes than were written")


def _clear(folder: Path) -> None:
    """Removes what backups left that were killed."""
    for path in folder.iterdir():
        if _PART.fullmatch(path.name):
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _remove_old(new: Path, keep: int) -> list[Path]:
    """Beside `new`, which stays whatever the clock said when the others were made, the newest stay."""
    found = sorted(path for path in new.parent.iterdir() if _OURS.fullmatch(path.name) and path != new)
    old = found[: max(0, len(found) + 1 - keep)]
    for path in old:
        path.unlink()
    _sync(new.parent)
    return old


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
