"""Which files the settings' paths lead to."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tocsin.config import bounds

_PACKED: Final = (
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
    ".lz4",
    ".zip",
    ".7z",
    ".tgz",
    ".tar",
    ".journal",
    ".swp",
    ".tmp",
)
_MAGIC: Final = frozenset("*?[")


def found_files(patterns: Sequence[str]) -> tuple[dict[Path, str], bool]:
    """The files that `patterns` lead to now, each with the first pattern that does; and whether there are too many.

    A pattern is a file, a folder (the files in it, none below), or has `*`, `?`, `[…]` or `**`. Packed and hidden
    files are left out: a rotated copy was read before it was packed.
    """
    found: dict[Path, str] = {}
    for pattern in patterns:
        for path in _paths(pattern):
            if path not in found and not path.name.lower().endswith(_PACKED):
                if len(found) >= bounds.TAIL_FILES:
                    return found, True
                found[path] = pattern
    return found, False


def _paths(pattern: str) -> Iterator[Path]:
    if _MAGIC.isdisjoint(pattern):
        yield from _files_in(pattern) if os.path.isdir(pattern) else (Path(pattern),)  # noqa: PTH112  cheaper
        return
    for name in glob.iglob(pattern, recursive=True):  # noqa: PTH207  `Path.glob` takes no absolute pattern
        if not os.path.isdir(name):  # noqa: PTH112
            yield Path(name)


def _files_in(folder: str) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and not _is_folder(entry):
                    yield Path(entry.path)
    except OSError:
        return  # it cannot be read, or went: the next look tells


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """False, too, for a link that leads round in a circle: it must not hide the files beside it."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def written_part(pattern: str) -> Path:
    """The part of `pattern` without any sign for other names: what the operator wrote, and nobody else chose."""
    parts = Path(pattern).parts
    magic = [number for number, part in enumerate(parts) if not _MAGIC.isdisjoint(part)]
    return Path(*parts[: magic[0]]) if magic else Path(pattern)


def siblings(path: Path) -> list[Path]:
    """Files beside `path` that rotation may have made of the one that was there, the newest first."""
    found: list[tuple[float, str]] = []
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                if _is_rotated(entry.name, path):
                    with suppress(OSError):  # a link that leads round in a circle, or it went
                        found += [(entry.stat().st_mtime, entry.path)] if entry.is_file() else []
    except OSError:
        return []
    return [Path(name) for _, name in sorted(found, reverse=True)[: bounds.TAIL_SIBLINGS]]


def _is_rotated(name: str, path: Path) -> bool:
    if name == path.name or name.lower().endswith(_PACKED):
        return False
    rest = name.removeprefix(path.name)
    if rest != name:
        return rest[:1] in ".-_~"
    rest = name.removeprefix(path.stem)
    return rest not in ("", name) and rest[0] in ".-_" and name.endswith(path.suffix)
