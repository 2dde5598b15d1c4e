"""The form of a backup: a tar file (POSIX.1-2001, pax) encrypted as age (https://age-encryption.org/v1) to recovery keys.

```
backup.json           what it is: form, when, as of which position
settings/…            tocsin.toml and what it names
store/state.sqlite    the state
store/wal/…           segments of the log that are not sealed, the last one up to `end`
store/plant/…         how far each source of a plant was read: no further than the log goes
store/events/…        Parquet files
end.json              how many members came before, and which files the state lists and the backup lacks
```

age cuts the stream into chunks that are each authenticated with their number and whether they are the last: a backup that
was cut, joined, reordered or changed anywhere is refused. Without Tocsin, `age -d -i KEY FILE | tar x` opens it.
age proves that a backup is whole, not who made it: whoever knows the public half can make one.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, BinaryIO, Final, Protocol

import pyrage

from tocsin.config import bounds
from tocsin.records.errors import OperatorError

FORM: Final = 1
"""Of what is inside; a reader of form N also reads N - 1."""

ABOUT, END = "backup.json", "end.json"
_NAME_BYTES: Final = 16 * 1024
_NAME: Final = re.compile(
    r"backup\.json|end\.json|settings/[^/\0]+(/[^/\0]+)*|store/state\.sqlite|store/wal/[0-9]{10}\.wal"
    r"|store/plant/[^/\0]{1,200}\.mark"
    r"|store/events/[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2})?/[a-z0-9-]{1,80}/([0-9]{10}|merged-[0-9a-f]{20})\.parquet"
)


class Member(Protocol):
    """One file to put into a backup: its name there, its size, and its bytes from the present place on."""

    name: str
    size: int
    file: BinaryIO


def public_keys(texts: Iterable[str]) -> list[Any]:
    """The recovery keys' public halves.

    Raises:
        OperatorError: one is none.
    """
    keys = []
    for text in texts:
        try:
            keys.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError as error:
            raise OperatorError(
                f"{text!a} is no public recovery key: {error}.",
                "It begins with age1; `tocsin backup --new-key` makes one.",
            ) from error
    return keys


def new_key() -> tuple[str, str]:
    """A recovery key: its secret half and its public half."""
    made = pyrage.x25519.Identity.generate()
    return str(made), str(made.to_public())


def secret_keys(text: str) -> list[Any]:
    """The secret halves in a key file; lines that begin with `#` say nothing.

    Raises:
        OperatorError: there is none, or one is none.
    """
    lines = [line.strip() for line in text.splitlines()]
    try:
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError as error:
        raise OperatorError(
            f"That is no recovery key: {error}.", "Its secret half begins with AGE-SECRET-KEY-1."
        ) from error
    if not keys:
        raise OperatorError("No recovery key was given.", "Its secret half begins with AGE-SECRET-KEY-1.")
    return keys


# --- writing ----------------------------------------------------------------------------------------------


def write(members: Iterator[Member], out: BinaryIO, keys: list[Any]) -> None:
    """Encrypts `members` to `keys` into `out`.

    Raises:
        OSError: something could not be read or written, as the system says.
    """
    source, target = _Pulled(_tar(members)), _Noted(out)
    try:
        pyrage.encrypt_io(source, target, keys)
    except pyrage.EncryptError as error:
        failure = target.failure or source.failure
        if failure is None:
            raise OSError(str(error)) from error
        raise failure from None
    if source.failure is not None:
        raise source.failure


def note(value: Mapping[str, Any]) -> bytes:
    """One of the two members that say what a backup is."""
    return json.dumps(value, sort_keys=True, indent=1).encode()


def _tar(members: Iterator[Member]) -> Iterator[bytes]:
    for member in members:
        info = tarfile.TarInfo(member.name)
        info.size, info.mode = member.size, 0o600
        yield info.tobuf(tarfile.PAX_FORMAT)
        left = member.size
        while left:
            block = member.file.read(min(left, bounds.BACKUP_BLOCK_BYTES))
            if not block:
                raise OSError(f"{member.name} became shorter while it was read")
            left -= len(block)
            yield block
        yield b"\0" * (-member.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


class _Pulled:
    """What `pyrage` reads from; remembers what went wrong, which `pyrage` turns into words."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")
        self.failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            while not self._rest:
                self._rest = memoryview(next(self._blocks))
        except StopIteration:
            return b""
        except BaseException as error:
            self.failure = error
            raise
        size = len(self._rest) if size < 0 else size
        block, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return block


class _Noted:
    """What `pyrage` writes to; remembers what went wrong."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.failure: BaseException | None = None

    def write(self, block: bytes) -> int:
        """All of `block`."""
        try:
            self._out.write(block)
        except BaseException as error:
            self.failure = error
            raise
        return len(block)

    def flush(self) -> None:
        """Nothing: who opened it flushes."""


# --- reading ----------------------------------------------------------------------------------------------


@contextmanager
def reading(source: BinaryIO, keys: list[Any], name: str) -> Iterator[Iterator[tuple[str, int, BinaryIO]]]:
    """The members (name, size, bytes) of the backup in `source`, in order; leaving is what proves that it was whole.

    Raises:
        OperatorError: it is no backup, is damaged, or is encrypted to other keys.
    """
    back, forth = os.pipe()
    decrypting = _Decrypting(source, forth, keys)
    failure: BaseException | None = None
    try:
        with os.fdopen(back, "rb", buffering=bounds.BACKUP_BLOCK_BYTES) as pipe:
            decrypting.start()
            try:
                yield _members(pipe)
                while pipe.read(bounds.BACKUP_BLOCK_BYTES):
                    pass
            except tarfile.TarError as error:
                failure = error
    finally:
        decrypting.join()
    if decrypting.failure is not None:
        raise _unreadable(name, decrypting.failure)
    if failure is not None:
        raise _unreadable(name, failure) from failure


def _members(pipe: BinaryIO) -> Iterator[tuple[str, int, BinaryIO]]:
    with tarfile.open(fileobj=pipe, mode="r|", bufsize=bounds.BACKUP_BLOCK_BYTES, tarinfo=_Plain) as tar:
        while (info := _next(tar)) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would remember each one
            plain = info.isreg() and info.sparse is None and info.size >= 0
            if not plain or not belongs(info.name):
                raise tarfile.TarError(f"a member called {info.name[:200]!a} belongs into no backup")
            content = tar.extractfile(info)
            assert content is not None
            yield info.name, info.size, io.BufferedReader(content)  # type: ignore[type-var]


def belongs(name: str) -> bool:
    """Whether a member of a backup may have that name."""
    return _NAME.fullmatch(name) is not None and ".." not in name.split("/")


def _next(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return tar.next()
    except (ValueError, OverflowError, RecursionError) as error:  # numbers and headers that nobody writes
        raise tarfile.ReadError(str(error)) from error


class _Plain(tarfile.TarInfo):
    """A member as we write it: a file, or the long name of one; anything else could cost memory before it is seen."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        long_name = self.type == tarfile.XHDTYPE and self.size <= _NAME_BYTES
        if not long_name and self.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise tarfile.ReadError(f"a member of type {self.type!a} belongs into no backup")
        done: tarfile.TarInfo = super()._proc_member(tar)  # type: ignore[misc]
        return done


class _Decrypting(Thread):
    """Writes what is in `source` into the pipe `out`."""

    def __init__(self, source: BinaryIO, out: int, keys: list[Any]) -> None:
        super().__init__(name="tocsin-decrypt", daemon=True)
        self._source, self._out, self._keys = source, out, keys
        self.failure: Exception | None = None

    def run(self) -> None:
        """Until its end, or until nobody reads any more."""
        with suppress(BrokenPipeError), os.fdopen(self._out, "wb", buffering=0) as out:
            try:
                pyrage.decrypt_io(self._source, _Whole(out), self._keys)
            except BrokenPipeError:
                raise
            except (pyrage.DecryptError, OSError, ValueError) as error:
                self.failure = error


class _Whole:
    """A raw pipe that takes whole blocks."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def write(self, block: bytes) -> int:
        """All of `block`."""
        left = memoryview(block)
        while left:
            left = left[self._out.write(left) :]
        return len(block)

    def flush(self) -> None:
        """Nothing is held back."""


def _unreadable(name: str, error: BaseException) -> OperatorError:
    if "No matching keys" in str(error):
        return OperatorError(
            f"{name} was encrypted to another recovery key than this one.",
            "Find the key that was stored away when it was made.",
        )
    return OperatorError(
        f"{name} is no whole backup: {error}. It was cut short or changed, or is another file.",
        "Take another copy of it.",
    )
