"""The public halves of recovery keys, beside `tocsin.toml`: who holds a secret half can read the backups, this host cannot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tocsin.config.private_files import write_private
from tocsin.records.errors import OperatorError

FILE_NAME: Final = "recovery-keys"
_MOST: Final = 64 * 1024
_HEAD: Final = "# Backups are encrypted to these recovery keys (age recipients). Their secret halves are kept elsewhere.\n"


def read_recovery_keys(folder: Path) -> tuple[str, ...]:
    """The public halves in `folder`, in order; none where there is no file.

    Raises:
        OperatorError: the file cannot be read, or others can write it.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o022:
                raise OperatorError(
                    f"Others can write {path}, and so read every backup made from now on.",
                    f"Take that back: chmod go-w {path}, and see that only keys of yours stand in it.",
                )
            text = file.read(_MOST).decode()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} cannot be read: {error}.", "Mend it, or move it away.") from error
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def add_recovery_key(folder: Path, public: str) -> Path:
    """Adds a public half to those in `folder`; gives the file.

    Raises:
        OperatorError: the file cannot be written.
    """
    path = folder / FILE_NAME
    keys = (*read_recovery_keys(folder), public)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            write_private(
                descriptor, path, (_HEAD + "".join(f"{key}\n" for key in keys)).encode(), mode=0o644
            )
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be written: {error.strerror}.", "Run this as who may write in that folder."
        ) from error
    return path
