"""How far each source was read: `DATA/plant/NAME.mark`, replaced in one step once the readings before it are stored.

Beside it, `NAME.refused` keeps the readings that intake would not take, as line protocol.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tocsin.config import bounds
from tocsin.config.private_files import private_folder, write_private
from tocsin.records.errors import OperatorError

FOLDER: Final = "plant"


class Marks:
    """The marks of a service's sources.

    Args:
        store: The service's data folder.
    """

    def __init__(self, store: Path) -> None:
        self._folder = store / FOLDER

    def read(self, name: str) -> str:
        """The mark of the source `name`; '' where there is none.

        Raises:
            OperatorError: it cannot be read.
        """
        path = self._folder / f"{name}.mark"
        try:
            data = path.read_bytes()
            if len(data) > bounds.PLANT_MARK_BYTES:
                raise OperatorError(f"The mark {path} is too large.", "Remove it; the source is read anew.")
            return data.decode()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(
                f"The mark {path} cannot be read: {error}.",
                "Look at its rights, or remove it; the source is read anew.",
            ) from error

    def write(self, name: str, mark: str) -> None:
        """Replaces the mark of the source `name`, and comes back when it is on the disk.

        Raises:
            OSError: the disk refused; what was there is unchanged.
        """
        folder = private_folder(self._folder)
        try:
            write_private(folder, self._folder / f"{name}.mark", mark.encode())
        finally:
            os.close(folder)

    def refused(self, name: str, lines: Iterable[bytes]) -> Path:
        """Adds lines that intake would not take to the file `NAME.refused`, and comes back when they are on the disk.

        Raises:
            OperatorError: that file is full.
            OSError: the disk refused.
        """
        path = self._folder / f"{name}.refused"
        os.close(private_folder(self._folder))
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        with os.fdopen(descriptor, "ab") as file:
            data = b"".join(lines)
            if file.tell() + len(data) > bounds.PLANT_ASIDE_BYTES:
                raise OperatorError(
                    f"The source {name} is read no further: {path} is full of readings that were refused.",
                    "Look at what is in it, mend what the source sends, and remove the file.",
                )
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        return path
