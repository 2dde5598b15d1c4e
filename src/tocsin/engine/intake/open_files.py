"""Which followed files are open: found, opened where there may be something to read, closed when nobody needs them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from tocsin.config import bounds
from tocsin.engine.intake.found_files import found_files, siblings, written_part
from tocsin.engine.intake.growing import GrowingFile, Key, NoLog, opened
from tocsin.engine.intake.known_files import KnownFiles
from tocsin.engine.intake.settings import Files
from tocsin.records.inert import inert


class OpenFiles:
    """The files that are read at present.

    Args:
        files: Which are to be followed.
        known: How far they were read.
        tell: Told in words what an operator should know.

    Attributes:
        by_key: The open ones; those to be read next come first.
    """

    def __init__(self, files: Files, known: KnownFiles, tell: Callable[[str], None]) -> None:
        self._files, self._known, self._tell = files, known, tell
        self.by_key: dict[Key, GrowingFile] = {}
        self._asleep: dict[Key, tuple[int, int]] = {}
        self._copies: dict[Key, float] = {}
        self._paths: dict[Path, str] = {}
        self._led: set[Key] = set()
        self._met: dict[Path, Key] = {}
        self._told: set[tuple[str, str]] = set()

    def find(self, now: float) -> None:
        """Looks which files there are, opens new ones, and closes those that nobody needs open."""
        self._paths, too_many = found_files(self._files.paths)
        if too_many:
            self._tell_once(
                "", f"More than {bounds.TAIL_FILES} files are to be followed; the others are not."
            )
        led: set[Key] = set()
        met: dict[Path, Key] = {}
        for path in self._paths:
            key = self._meet(path, now)
            if key is not None:
                led.add(key)
                met[path] = key
        gone, self._led, self._met = self._led - led, led, met
        self._copies = {key: until for key, until in self._copies.items() if key in led}
        self._asleep = {key: state for key, state in self._asleep.items() if key in led}
        for key, file in list(self.by_key.items()):
            if key in gone:
                file.grew = now  # its program may write to it for a while
            quiet = bounds.TAIL_IDLE_SECONDS if key in led else bounds.TAIL_LEAVING_SECONDS
            if now - file.grew >= quiet and not file.more and file.state() == file.seen:
                self._let_go(key)

    def give_up(self, key: Key, error: Exception) -> None:
        """Closes a file that cannot be read; it is tried again when it changes."""
        file = self.by_key.pop(key)
        self._tell_once(str(file.path), f"{named_path(file.path)} cannot be read: {_why(error)}.")
        self._known.release(file)
        self._asleep[key] = file.seen
        file.close()

    def recognised(self, file: GrowingFile, key: Key, now: float, *, only_known: bool) -> bool:
        """Whether `file` is to be read: where its mark says or, unless `only_known`, from its start."""
        mark = self._known.find(file)
        if mark is not None:
            file.goes_on(mark)
            return True
        if only_known:
            return False
        if self._known.copied(file):
            self._copies[key] = now + bounds.TAIL_PARTIAL_SECONDS
            return False
        return True

    def begin_anew(self, file: GrowingFile) -> None:
        """It holds something else than what was read: what follows is a stream of its own."""
        self._known.release(file)
        file.begins_anew()
        self._copies.clear()  # one of them may be what was cut off
        self._find_rest(file.path, file.named)

    def move_back(self, key: Key) -> None:
        """The next turn starts with the others."""
        self.by_key[key] = self.by_key.pop(key)

    def drop(self, key: Key) -> None:
        """Closes a file that is not to be read now."""
        self.by_key.pop(key).close()

    def close(self) -> None:
        """Closes all; others may take them up where they were read."""
        for file in self.by_key.values():
            self._known.release(file)
            file.close()

    def _meet(self, path: Path, now: float) -> Key | None:
        """The file at `path`, opened where there may be something to read."""
        try:
            found = path.stat()
        except FileNotFoundError:
            return None  # it may come
        except OSError as error:
            self._tell_once(str(path), f"{named_path(path)} cannot be read: {error.strerror or error}.")
            return None
        if not stat.S_ISREG(found.st_mode):
            self._tell_once(str(path), f"{named_path(path)} cannot be read: it is no file.")
            return None
        key = (found.st_dev, found.st_ino)
        state = (found.st_size, found.st_mtime_ns)
        named = self._files.formats.get(self._paths[path], "")
        if (
            key not in self.by_key
            and self._asleep.get(key) != state
            and self._copies.get(key, now) <= now
            and state[0]
        ):
            self._start(path, named, now, only_known=False)
        first_sight = path not in self._met and len(self._paths) <= bounds.TAIL_SIBLING_PATHS
        if first_sight or self._met.get(path, key) != key:
            self._find_rest(path, named, self._met.get(path))
        return key

    def _start(
        self, path: Path, named: str, now: float, *, only_known: bool, left: Key | None = None
    ) -> None:
        """Opens the file at `path` where it is known or, unless `only_known`, new."""
        try:
            file, key = opened(path, self._trusted(path))
        except (OSError, NoLog) as error:
            self._tell_once(str(path), f"{named_path(path)} cannot be read: {_why(error)}.")
            return
        if key in self.by_key or (only_known and key in self._asleep and key != left):
            file.close()
            return
        file.grew, file.named = now, named
        try:
            keep = self.recognised(file, key, now, only_known=only_known)
            if only_known and key != left:
                keep = keep and file.state()[0] > file.offset
        except OSError as error:
            self._tell_once(str(path), f"{named_path(path)} cannot be read: {_why(error)}.")
            keep = False
        if not keep:
            file.close()
            return
        while len(self.by_key) >= bounds.TAIL_OPEN:
            self._let_go(min(self.by_key, key=lambda one: self.by_key[one].grew))
        self.by_key[key] = file
        if file.mark is not None:
            self._known.hold(file.mark.stream, file)

    def _trusted(self, path: Path) -> Path:
        """The part of `path` that the operator wrote; of a file beside one that is followed, their folder."""
        pattern = self._paths.get(path)
        return path.parent if pattern is None else written_part(pattern)

    def _find_rest(self, path: Path, named: str, left: Key | None = None) -> None:
        """Opens files beside `path` of which something was read and something was not.

        Args:
            path: Where something else stands now.
            named: What the operator calls its format.
            left: What stood there before: it is opened in any case, as its program may not know yet.
        """
        for one in siblings(path) if self._known else ():
            self._start(one, named, monotonic(), only_known=True, left=left)

    def _let_go(self, key: Key) -> None:
        file = self.by_key.pop(key)
        self._known.release(file)
        if key in self._led and file.offset >= file.seen[0]:
            self._asleep[key] = file.seen
        file.close()

    def _tell_once(self, about: str, text: str) -> None:
        if (about, text) not in self._told and len(self._told) < bounds.TAIL_TOLD:
            self._told.add((about, text))
            self._tell(text)


def named_path(path: Path) -> str:
    """`path` as text that any program takes: bytes that are no UTF-8, and signs that move a cursor, as escapes."""
    return inert(os.fsencode(path).decode("utf-8", "backslashreplace"))


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
