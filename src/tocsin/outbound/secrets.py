"""The secret of a destination: read from its file when it is needed, never kept, never shown."""

from __future__ import annotations

from pathlib import Path

from tocsin.config import bounds
from tocsin.config.private_files import NotOurs, read_private
from tocsin.outbound.gate import Undelivered


def secret_in(path: Path) -> str:
    """The text in the file `path`, without the line break at its end.

    Raises:
        Undelivered: there is none, others can read it, or it holds what no secret does.
    """
    try:
        text = read_private(path, bounds.SECRET_BYTES, root_too=True).decode("ascii").strip()
    except NotOurs as error:
        raise Undelivered(f"the secret {path} is not used: {error}; chmod 600 it") from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise Undelivered(f"the secret {path} cannot be read: {why}") from error
    if not text or not text.isprintable():
        raise Undelivered(f"the secret {path} is empty or has more than one line")
    return text
