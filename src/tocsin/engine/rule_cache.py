"""Parsed rule files kept on disk, so that a start need not parse what an earlier one did.

One file, `rules.tocsin` in the user's cache folder: a mark, the version that wrote it, a BLAKE2b digest keyed with a
secret of the user's (its own file, in another folder), then an entry for each rule text by its SHA-256. Nothing of it
is decoded before owner, mode and digest are found right; what is not right is never used but made anew, and said.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from tocsin.config import bounds
from tocsin.config.private_files import NotOurs, check_folder, private_folder, read_private, write_private

_MARK: Final = b"TOCSIN RULES 1\r\n"
_DIGEST: Final = 32
_HEAD: Final = len(_MARK) + 2 * _DIGEST
_SHAPERS: Final = ("pysigma-", "pyyaml-", "regex-", "tocsin-")
"""Distributions that have a say in what a rule text is parsed to."""

Entries = Mapping[bytes, bytes]
"""SHA-256 of a rule text → what is kept of it."""


class _Rejected(Exception):  # noqa: N818  it is an answer about a file, not a failure
    """The file is not used; the message says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a reading of the cache found.

    Attributes:
        entries: What is kept, last used first.
        notices: What was noticed, in sentences.
    """

    entries: Entries = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleCache:
    """Where parsed rules are kept.

    Args:
        folder: Of the cache; made where it is missing.
        secret: The file with the digest's key, best in a folder that is not cleaned like a cache.
    """

    folder: Path
    secret: Path

    @property
    def path(self) -> Path:
        """The file with the entries."""
        return self.folder / "rules.tocsin"

    def read(self) -> Shelf:
        """What is kept and may be used. Never raises for what lies there, or does not."""
        try:
            try:
                return Shelf(self._entries())
            except FileNotFoundError:
                if not os.path.lexists(self.path):
                    return Shelf()
                return Shelf(self._entries())  # another process may just have made both
        except (NotOurs, _Rejected) as error:
            why = str(error)
        except OSError as error:
            why = f"{error.filename or 'their file'}: {error.strerror}"
        return Shelf(
            notices=(f"The compiled rules in {self.folder} were not used: {why}. They are compiled anew.",)
        )

    def _entries(self) -> Entries:
        key = read_private(self.secret, _DIGEST)
        check_folder(self.folder)
        return _opened(read_private(self.path, bounds.RULE_CACHE_BYTES), key)

    def write(self, entries: Entries, used: Collection[bytes]) -> tuple[str, ...]:
        """Keeps `entries`, those `used` first; what could not be kept, in sentences. Never raises for the disk's sake.

        A process that finds another one writing leaves it to that one.
        """
        kept = dict(_fitting(entries, dict.fromkeys(used)))
        left_out = len((entries.keys() & set(used)) - kept.keys())
        try:
            self._write(kept)
        except BlockingIOError:
            return ()
        except (NotOurs, OSError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            return (
                f"The compiled rules cannot be kept in {self.folder}: {why}. The next start compiles them again.",
            )
        if left_out:
            return (
                f"{left_out:,} rule files are too many to keep compiled, and are compiled at every start.",
            )
        return ()

    def _write(self, entries: Entries) -> None:
        import fcntl  # noqa: PLC0415  POSIX only; elsewhere nothing is kept

        key = self._key()
        folder = private_folder(self.folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in self.folder.glob(f".{self.path.name}.*.new"):
                left.unlink()  # by a process that was killed: who writes holds the lock
            write_private(folder, self.path, _sealed(entries, key))
        finally:
            os.close(folder)

    def _key(self) -> bytes:
        """The secret, made where there is none that only we can know."""
        folder = private_folder(self.secret.parent)
        try:
            key = self._secret()
            if key is None:
                write_private(
                    folder, self.secret, secrets.token_bytes(_DIGEST), replace=os.path.lexists(self.secret)
                )
                key = self._secret()
            if key is None:
                raise NotOurs(f"no secret can be kept in {self.secret.parent}")
            return key
        finally:
            os.close(folder)

    def _secret(self) -> bytes | None:
        try:
            key = read_private(self.secret, _DIGEST)
        except (FileNotFoundError, NotOurs):
            return None
        return key if len(key) == _DIGEST else None


def _fitting(entries: Entries, used: Mapping[bytes, None]) -> Iterator[tuple[bytes, bytes]]:
    """Those `used`, then the others while there is room for what is not used now."""
    room, spare = bounds.RULE_CACHE_BYTES - _HEAD - 16, bounds.RULE_CACHE_UNUSED_BYTES
    for digest in dict.fromkeys((*used, *entries)):
        size = len(digest) + len(entries.get(digest, b"")) + 16
        spare -= 0 if digest in used else size
        if digest in entries and size <= room and spare >= 0:
            room -= size
            yield digest, entries[digest]


def _sealed(entries: Entries, key: bytes) -> bytes:
    body = msgspec.msgpack.encode(entries)
    return b"".join((_MARK, version(), _digest(version(), body, key), body))


def _opened(data: bytes, key: bytes) -> dict[bytes, bytes]:
    view = memoryview(data)
    written_by, digest, body = view[len(_MARK) : _HEAD - _DIGEST], view[_HEAD - _DIGEST : _HEAD], view[_HEAD:]
    if len(data) < _HEAD or not data.startswith(_MARK):
        raise _Rejected("they are no such file")
    if len(key) != _DIGEST or not hmac.compare_digest(_digest(bytes(written_by), body, key), digest):
        raise _Rejected("they are damaged, or somebody else wrote them")
    if written_by != version():
        raise _Rejected("another version of Tocsin wrote them")
    try:
        return msgspec.msgpack.decode(body, type=dict[bytes, bytes])
    except (msgspec.DecodeError, RecursionError) as error:
        raise _Rejected(f"they cannot be read ({error})") from error


def _digest(written_by: bytes, body: bytes | memoryview, key: bytes) -> bytes:
    keyed = hashlib.blake2b(_MARK + written_by, key=key, digest_size=_DIGEST, person=b"tocsin rules")
    keyed.update(body)
    return keyed.digest()


@cache
def version() -> bytes:
    """A digest of everything that has a say in what a rule text is parsed to: our code, and the versions of others'."""
    found = hashlib.sha256(sys.version.encode())  # Python's tables say what lower case is
    for package in ("tocsin.config", "tocsin.records", "tocsin.detect.sigma"):
        folder = resources.files(package)
        for path in sorted(Path(str(folder)).rglob("*.py")):
            found.update(str(path.relative_to(str(folder))).encode() + b"\0" + path.read_bytes() + b"\0")
    spec = find_spec("sigma")
    beside = Path(spec.origin).parents[1] if spec is not None and spec.origin is not None else None
    names = [path.name for path in beside.iterdir()] if beside is not None else []
    told = sorted(name for name in names if name.endswith(".dist-info") and name.lower().startswith(_SHAPERS))
    found.update("\0".join(told).encode("utf-8", "surrogateescape"))
    return found.digest()
