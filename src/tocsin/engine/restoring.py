"""A backup becomes a folder again: checked whole before the folder has its name.

Rules:

1. Everything is written into a folder beside the wanted one, under a name that no settings lead to, and synced there.
2. It is checked: the backup is whole, the state is sound, each file that it lists is there and can be opened, the log has
   no gap and each of its frames is right.
3. Only then the folder takes its name, in one step. A restore that was killed leaves nothing that starts.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from tocsin.config import bounds
from tocsin.engine import archive
from tocsin.engine.restored import Restored, check_store, foreign
from tocsin.records.errors import OperatorError
from tocsin.store.lock import WriterLock

_STAGE: Final = ".{}.restoring"
_LOCK: Final = "restoring.lock"
_DATA: Final = re.compile(r"[^/\0]+(/[^/\0]+)*")


def restore(source: Path, into: Path, secret: str) -> Restored:
    """Restores the backup `source` into the folder `into`.

    Args:
        source: A backup.
        into: A folder that is empty or not there yet; the store comes into `data` in it, or where its settings say.
        secret: The secret half of a recovery key, or the text of a file that holds several.

    Raises:
        OperatorError: the backup is damaged, the key is another one, the folder is not empty, or the disk refused;
            nothing was restored.
    """
    into = Path(os.path.abspath(into))  # noqa: PTH100  `resolve` would follow links
    _demand_empty(into)
    return _restored(source, into, secret, place=True)


def check(source: Path, beside: Path, secret: str) -> Restored:
    """As `restore`, but all of it goes again once it was checked.

    Args:
        source: A backup.
        beside: A folder with room for all of it.
        secret: As for `restore`.

    Raises:
        OperatorError: the backup is damaged, the key is another one, or the disk refused.
    """
    return _restored(source, Path(os.path.abspath(beside)) / "tocsin-check", secret, place=False)  # noqa: PTH100


def _restored(source: Path, into: Path, secret: str, *, place: bool) -> Restored:
    keys = archive.secret_keys(secret)
    stage = into.with_name(_STAGE.format(into.name))
    try:
        lock = _begin(stage)
        try:
            folder = stage / "whole"
            done = _extract(source, folder, keys)
            store = _settle(folder, done)
            check_store(store, done)
            _sync_all(folder)
            if place:
                done.store = into / store.relative_to(folder)
                _place(folder, into)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
            lock.release()
    except OSError as error:
        raise OperatorError(
            f"{source} could not be restored: {error.filename or into}: {error.strerror or error}.",
            "Make room or mend what it names, and run this again; nothing was restored.",
        ) from error
    return done


def _demand_empty(into: Path) -> None:
    if into.is_symlink() or (into.exists() and (not into.is_dir() or any(into.iterdir()))):
        raise OperatorError(f"{into} is not empty.", "Name a new or empty folder to restore into.")
    if not into.parent.is_dir():
        raise OperatorError(f"The folder {into.parent} does not exist.", "Make it, or name another folder.")


def _begin(stage: Path) -> WriterLock:
    """An empty stage of our own, which nobody else can look into; what a restore left that was killed is removed."""
    stage.mkdir(mode=0o700, exist_ok=True)
    found = stage.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise OperatorError(
            f"{stage} is there, and no restore of this user made it.",
            "Remove it, or restore into a folder beside which nobody else may write.",
        )
    try:
        lock = WriterLock(stage / _LOCK)
    except OperatorError as error:
        raise OperatorError(
            f"Another restore into that folder runs, in {stage}.", "Wait until it is done."
        ) from error
    shutil.rmtree(stage / "whole", ignore_errors=True)
    return lock


def _extract(source: Path, folder: Path, keys: list[Any]) -> Restored:
    """Writes all members; the settings into `folder`, the store into `store` in it."""
    done, count, ended = Restored(), 0, False
    folder.mkdir(mode=0o700)
    for name in ("store", "store/wal", "store/events"):
        (folder / name).mkdir(mode=0o700)
    with source.open("rb") as file, archive.reading(file, keys, str(source)) as members:
        for name, size, content in members:
            if ended or (count == 0) != (name == archive.ABOUT):
                raise tarfile.TarError("its members are in disorder")
            if name == archive.ABOUT:
                done.about = _note(content, size)
            elif name == archive.END:
                ended = True
                _end(_note(content, size), count, done)
            else:
                _write(folder / name, content, size)
            count += 1
    if not ended:
        raise foreign("its end is missing")
    return done


def _note(content: BinaryIO, size: int) -> dict[str, Any]:
    if size > bounds.BACKUP_NOTE_BYTES:
        raise foreign("what it says of itself is too long")
    try:
        note = json.loads(content.read(size))
        form = note.get("form", archive.FORM)
    except (ValueError, AttributeError, RecursionError) as error:
        raise foreign(str(error)) from error
    if not isinstance(form, int) or form > archive.FORM:
        raise OperatorError(
            f"The backup was made by a newer Tocsin (form {form!a}).", "Use that Tocsin, or a newer one."
        )
    return dict(note)


def _end(note: dict[str, Any], count: int, done: Restored) -> None:
    if note.get("members") != count:
        raise foreign(f"it should have {note.get('members')!a} members and has {count}")
    for name, lacks in (("dropped", done.dropped), ("damaged", done.damaged)):
        listed = note.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise foreign("its end is of another form")
        lacks.extend(listed)


def _write(path: Path, content: BinaryIO, size: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        left = size
        while left:
            block = content.read(min(left, bounds.BACKUP_BLOCK_BYTES))
            if not block:
                raise tarfile.ReadError("it was cut short")
            file.write(block)
            left -= len(block)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path, done: Restored) -> Path:
    """Moves settings and store to where they belong; gives the store's folder."""
    data = done.about.get("data", "data")
    if not isinstance(data, str) or not _DATA.fullmatch(data) or {"..", "."} & set(data.split("/")):
        data = "data"
    settings = folder / "settings"
    for path in sorted(settings.iterdir()) if settings.is_dir() else ():
        if path.name not in ("store", "settings"):
            path.rename(folder / path.name)
    with suppress(OSError):
        settings.rmdir()
    store = folder / data
    if data != "store":
        if store.exists():  # settings stand there
            store = folder / "restored-data"
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "store").rename(store)
    return store


# --- placing ----------------------------------------------------------------------------------------------


def _sync_all(folder: Path) -> None:
    for path in _tree(folder):
        _sync(path)


def _tree(folder: Path) -> Iterator[Path]:
    """The folders, and the files that were changed after they were written."""
    for root, _, files in os.walk(folder):
        yield Path(root)
        yield from (Path(root) / file for file in files if file.startswith("state.sqlite"))


def _place(folder: Path, into: Path) -> None:
    try:
        folder.rename(into)
    except OSError as error:
        raise OperatorError(
            f"{into} cannot be replaced by what was restored: {error.strerror}.",
            "It may be where a disk is mounted: name a new folder in it.",
        ) from error
    _sync(into.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
