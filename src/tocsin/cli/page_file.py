"""A page written to a file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from tocsin.records.errors import OperatorError


def write_page(path: Path, page: str, option: str) -> None:
    """Writes `page` to `path`: yesterday's stays where today's cannot be written.

    Raises:
        OperatorError: it cannot be written; `option` is what named it.
    """
    target = path.resolve() if path.is_file() or not path.exists() else None  # None: a pipe or device
    new = target.with_name(f".{target.name}.new") if target is not None else path
    try:
        new.write_text(page, encoding="utf-8", errors="replace")
        if target is not None:
            new.replace(target)
    except OSError as error:
        if target is not None:
            new.unlink(missing_ok=True)
        raise OperatorError(
            f"The page {path} cannot be written: {error.strerror}.", f"Give {option} a path that can."
        ) from error
