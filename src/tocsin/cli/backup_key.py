"""A recovery key: made, its public half kept, its secret half shown once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tocsin.config.recovery import add_recovery_key
from tocsin.engine import archive


class NewKey(NamedTuple):
    """Both halves, and the file that holds the public one."""

    secret: str
    public: str
    file: Path


def make_key(folder: Path) -> NewKey:
    """A new recovery key, its public half added to those in `folder`.

    Raises:
        OperatorError: the file there cannot be written.
    """
    secret, public = archive.new_key()
    return NewKey(secret, public, add_recovery_key(folder, public))


def key_line(key: NewKey) -> dict[str, Any]:
    """Its JSON line."""
    return {"kind": "recovery_key", "public": key.public, "secret": key.secret, "file": str(key.file)}
