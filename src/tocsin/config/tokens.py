"""Tokens that senders show, and the file that keeps their digests.

A token is `tocsin_` and 32 random bytes in hexadecimal digits: long enough that nobody guesses it, so that a plain
SHA-256 of it is kept and nothing slower; secret scanners find it by its start. The file (0600, replaced in one step) has
one JSON object a line: the first says the version, each other one a name, a digest and when it was made.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from tocsin.config import bounds
from tocsin.config.private_files import NotOurs, read_private, write_private
from tocsin.records.errors import OperatorError
from tocsin.records.instants import parse_rfc3339, rfc3339

PREFIX: Final = "tocsin_"
TOKEN: Final = re.compile(r"tocsin_[0-9a-f]{64}", re.ASCII)
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
HOW_TO_NAME: Final = (
    "Use letters, digits, dots, dashes and underscores, at most 64, such as firewall or ws-014."
)
_VERSION: Final = 1
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: its name, the SHA-256 of its text (hexadecimal), when it was made (instant)."""

    name: str
    digest: str
    made: int


def digest_of(text: str) -> str:
    """What is kept of the token `text`, whatever a sender may have shown."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_tokens(text: bytes) -> tuple[Token, ...]:
    """The tokens that the file's `text` holds.

    Raises:
        ValueError: it is no such file; the message says which line and why, as the end of a sentence.
    """
    first, *lines = text.split(b"\n")
    if _object(first, 1) != {"tocsin-tokens": _VERSION}:
        raise ValueError("its first line is not that of a tokens file this version can read")
    tokens = [_token(line, number) for number, line in enumerate(lines, 2) if line.strip()]
    if len(tokens) > bounds.TOKENS:
        raise ValueError(f"it holds more than {bounds.TOKENS} tokens")
    for what in ({token.name for token in tokens}, {token.digest for token in tokens}):
        if len(what) < len(tokens):
            raise ValueError("it names a token twice")
    return tuple(tokens)


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is no JSON") from error
    if not isinstance(value, dict):
        raise ValueError(f"line {number} is no JSON object")  # noqa: TRY004  one kind of error for a bad file
    return value


def _token(line: bytes, number: int) -> Token:
    value = _object(line, number)
    name, digest, made = (value.get(key) for key in ("name", "sha256", "made"))
    instant = parse_rfc3339(made) if isinstance(made, str) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"line {number} has no name")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError(f"line {number} has no sha256")
    if instant is None or len(value) != 3:
        raise ValueError(f"line {number} has no time, or more than a name, a digest and a time")
    return Token(name, digest, instant)


def render_tokens(tokens: Sequence[Token]) -> bytes:
    """The file's text for `tokens`; what `parse_tokens` reads back."""
    lines: list[dict[str, Any]] = [{"tocsin-tokens": _VERSION}]
    lines += [{"name": one.name, "sha256": one.digest, "made": rfc3339(one.made)} for one in tokens]
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def with_token(tokens: Sequence[Token], token: Token) -> tuple[Token, ...]:
    """`tokens` and one more.

    Raises:
        OperatorError: the name is none, or taken, or there are too many.
    """
    if not NAME.fullmatch(token.name):
        raise OperatorError(f"{token.name!a} cannot be the name of a token.", HOW_TO_NAME)
    if any(one.name == token.name for one in tokens):
        raise OperatorError(
            f"There is a token {token.name} already.",
            f"Choose another name, or remove it first: tocsin token remove {token.name}.",
        )
    if len(tokens) >= bounds.TOKENS:
        raise OperatorError(f"There are {bounds.TOKENS} tokens already.", "Remove those that are not used.")
    return (*tokens, token)


def without_token(tokens: Sequence[Token], name: str) -> tuple[Token, ...]:
    """`tokens` without the one called `name`.

    Raises:
        OperatorError: there is none.
    """
    left = tuple(one for one in tokens if one.name != name)
    if len(left) == len(tokens):
        raise OperatorError(f"There is no token {name!a}.", "`tocsin token list` names them.")
    return left


def read_tokens(path: Path) -> tuple[Token, ...]:
    """The tokens in the file at `path`.

    Raises:
        OperatorError: it is missing, others can read or write it, it belongs to another user, or it is no tokens file.
    """
    try:
        return parse_tokens(read_private(path, bounds.TOKENS_BYTES, root_too=True))
    except FileNotFoundError as error:
        raise OperatorError(
            f"There is no tokens file {path}.",
            "`tocsin init` makes one, and so does `tocsin token add NAME`.",
        ) from error
    except NotOurs as error:
        raise OperatorError(
            f"The tokens file {path} is not used: {error}.",
            f"It must be an ordinary file that belongs to who runs this and that nobody else may read: chmod 600 {path}",
        ) from error
    except OSError as error:
        raise OperatorError(
            f"The tokens file {path} cannot be read: {error.strerror}.",
            "Run this as the user that the service runs as, or as root.",
        ) from error
    except ValueError as error:
        raise OperatorError(
            f"The tokens file {path} cannot be read: {error}.",
            "Restore it from a backup, or move it away and make new tokens.",
        ) from error


def add_token(path: Path, name: str, made: int) -> str:
    """Makes a token, adds its digest to the file at `path` (made where it is missing), and gives its text.

    The text is kept nowhere: whoever asked must show it now.

    Args:
        path: The tokens file.
        name: Who will use it.
        made: Now (instant).

    Raises:
        OperatorError: the name cannot be used, or the file cannot be read or written.
    """
    text = PREFIX + secrets.token_hex(32)
    with _changing(path) as folder:
        tokens = read_tokens(path) if os.path.lexists(path) else ()
        new = with_token(tokens, Token(name, digest_of(text), made))
        write_private(folder, path, render_tokens(new))
    return text


def remove_token(path: Path, name: str) -> None:
    """Removes the token `name` from the file at `path`.

    Raises:
        OperatorError: there is no such token, or the file cannot be read or written.
    """
    with _changing(path) as folder:
        write_private(folder, path, render_tokens(without_token(read_tokens(path), name)))


@contextmanager
def _changing(path: Path) -> Iterator[int]:
    """The folder of `path`, open, and ours alone to change files in among all that lock it (flock(2)); waits its turn."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(folder)
    except OSError as error:
        raise OperatorError(
            f"The tokens file {path} cannot be written: {error.strerror}.",
            "Run this as the user that the service runs as, or as root, and see that its disk has room.",
        ) from error
