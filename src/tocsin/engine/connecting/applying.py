"""Steps of a connection done on this host, and taken back: exactly those, and only while they are as they were left.

Rules:

1. What is to be done is noted first, in `connected/NAME.json` of the data folder; then it is done. A run that was cut
   short can so be taken back too.
2. A file that is not ours is never replaced: ours is one whose bytes are those that the note says.
3. What this user may not do is not tried: it is told as a command for `sudo`. A file is staged beside the note for that.
4. A note is followed only by the user who wrote it: it names commands to run and files to remove, and the service's own
   user, who may write to its data folder, must not make root do what root did not.
5. A command that only looks ends it where it fails, and what was done in this run is taken back.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from tocsin.config.private_files import private_folder, write_private
from tocsin.engine.connecting.connection import TOKEN, CommandStep, Connection, FileStep, Step, TokenStep
from tocsin.engine.connecting.host import bytes_of, check_mine, may_write, ran
from tocsin.records.errors import OperatorError

State = Literal["done", "there", "by hand"]


class Taking(msgspec.Struct, frozen=True):
    """A command that takes something back: whether only root may, and whether it is run once the files are gone."""

    argv: list[str]
    root: bool
    after: bool


class Note(msgspec.Struct):
    """What was done: files with the SHA-256 of what was written, tokens, and commands that take something back."""

    files: dict[str, str] = {}
    tokens: list[str] = []
    undo: list[Taking] = []


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: `done` now, `there` already, or to be done `by hand` with the command `sudo`."""

    step: Step
    state: State
    sudo: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """What is done elsewhere.

    Attributes:
        make_token: Makes the token with that name and gives its text.
        remove_token: Removes it; OperatorError where there is none.
        reload: Asks the running service to read its tokens anew.
    """

    make_token: Callable[[str], str]
    remove_token: Callable[[str], None]
    reload: Callable[[], None]


class Applied:
    """A connection's steps on this host.

    Args:
        data: The data folder of the service.
        name: Of the connection.
        hands: What is done elsewhere.

    Raises:
        OperatorError: its note cannot be read, or another user wrote it.
    """

    def __init__(self, data: Path, name: str, hands: Hands) -> None:
        self._folder = data / "connected"
        self._path = self._folder / f"{name}.json"
        self._name, self._hands = name, hands
        self._note = self._read()
        self._token = ""

    @property
    def anything(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._note.files or self._note.tokens or self._note.undo)

    def apply(self, connection: Connection) -> Iterator[Outcome]:
        """Does the steps that belong on this host, in order.

        Raises:
            OperatorError: one cannot be done; those of this run that can be taken back are.
        """
        new: list[tuple[FileStep, bytes | None]] = []
        by_hand = False
        try:
            for step in connection.steps:
                match step:
                    case TokenStep():
                        yield self._make_token(step, connection)
                    case FileStep(local=True):
                        before = bytes_of(step.path)
                        outcome = self._write(step, before)
                        new += [(step, before)] if outcome.state == "done" else []
                        by_hand = by_hand or outcome.state == "by hand"
                        yield outcome
                    case CommandStep(local=True):
                        outcome = self._run(step, wait=by_hand)
                        by_hand = by_hand or outcome.state == "by hand"
                        yield outcome
                    case _:
                        pass
        except OperatorError:
            for step, before in new:
                self._put_back(step, before)
            raise

    def filled(self, text: str) -> str:
        """`text` with the token that was made in this run in its place."""
        return text.replace(TOKEN, self._token) if self._token else text

    # --- doing ---------------------------------------------------------------------------------------------

    def _make_token(self, step: TokenStep, connection: Connection) -> Outcome:
        """A token that was made before is kept where the files that hold it are as they were left, else made anew."""
        if step.name in self._note.tokens:
            held = [
                one.path
                for one in connection.steps
                if isinstance(one, FileStep) and one.local and TOKEN in one.text
            ]
            if all(self._is_ours(path, bytes_of(path)) for path in held):
                return Outcome(step, "there")
            self._forget_token(step.name)
        self._note.tokens.append(step.name)
        self._save()
        try:
            self._token = self._hands.make_token(step.name)
        except OperatorError:
            self._note.tokens.remove(step.name)
            self._save()
            raise
        self._hands.reload()
        return Outcome(step, "done")

    def _write(self, step: FileStep, found: bytes | None) -> Outcome:
        data = self.filled(step.text).encode()
        kept = TOKEN in step.text and not self._token and self._is_ours(step.path, found)
        if found == data or kept:
            return Outcome(step, "there")
        if found is not None and not self._is_ours(step.path, found):
            raise OperatorError(
                f"{step.path} is there, and it is not as `tocsin connect` left it.",
                "See what is in it. Where it is not needed, move it away and run this again.",
            )
        self._note.files[str(step.path)] = _digest(data)
        self._save()
        if not may_write(step.path):
            staged = self._stage(step, data)
            mode = f"{step.mode:04o}"
            return Outcome(
                step, "by hand", shlex.join(["sudo", "install", "-m", mode, str(staged), str(step.path)])
            )
        _put(step, data, replace=found is not None)
        return Outcome(step, "done")

    def _put_back(self, step: FileStep, before: bytes | None) -> None:
        """Makes of a file what it was before this run."""
        if before is None:
            self._remove(step.path)
            return
        self._note.files[str(step.path)] = _digest(before)
        self._save()
        _put(step, before, replace=True)

    def _stage(self, step: FileStep, data: bytes) -> Path:
        staged = self._folder / step.path.name
        folder = private_folder(self._folder)
        try:
            write_private(folder, staged, data)
        finally:
            os.close(folder)
        return staged

    def _run(self, step: CommandStep, *, wait: bool) -> Outcome:
        """Runs it, unless it needs root that we are not, or waits for what is done by hand."""
        for argv, after in ((step.undo, False), (step.argv if step.after_undo else (), True)):
            taking = Taking(list(argv), step.root, after)
            if argv and taking not in self._note.undo:
                self._note.undo.append(taking)
                self._save()
        if wait or (step.root and os.geteuid() != 0):
            return Outcome(step, "by hand", shlex.join([*(["sudo"] if step.root else []), *step.argv]))
        ran(step.argv, step.checks)
        return Outcome(step, "done")

    def _is_ours(self, path: Path, found: bytes | None) -> bool:
        return found is not None and self._note.files.get(str(path)) == _digest(found)

    # --- taking back ---------------------------------------------------------------------------------------

    def undo(self) -> Iterator[str]:
        """Takes back what was done; a sentence for each thing. What cannot be is left in the note.

        Raises:
            OperatorError: a command failed.
        """
        if self._note.tokens:
            for name in list(self._note.tokens):
                yield self._forget_token(name)
            self._hands.reload()
        yield from self._take_back(after=False)
        for path in list(self._note.files):
            yield self._remove(Path(path))
        if any(bytes_of(Path(path)) is not None for path in self._note.files):
            return
        yield from self._take_back(after=True)
        self._path.unlink(missing_ok=True)

    def _take_back(self, *, after: bool) -> Iterator[str]:
        """Runs the commands that take something back, before or after the files are gone."""
        for one in [taking for taking in self._note.undo if taking.after is after]:
            if one.root and os.geteuid() != 0:
                yield f"Run: {shlex.join(['sudo', *one.argv])}"
            else:
                ran(one.argv, checks=False)
                yield f"Ran: {shlex.join(one.argv)}"
            self._note.undo.remove(one)
            self._save()

    def _forget_token(self, name: str) -> str:
        try:
            self._hands.remove_token(name)
        except OperatorError:
            said = f"The token {name} was gone already."
        else:
            said = f"Removed the token {name}."
        self._note.tokens.remove(name)
        self._save()
        return said

    def _remove(self, path: Path) -> str:
        found = bytes_of(path)
        (self._folder / path.name).unlink(missing_ok=True)
        if found is not None and not self._is_ours(path, found):
            return f"{path} was changed since, so it is left as it is: remove it yourself where it is not needed."
        if found is not None and not os.access(path.parent, os.W_OK):
            return f"Run: {shlex.join(['sudo', 'rm', str(path)])}; then run this again."
        path.unlink(missing_ok=True)
        self._note.files.pop(str(path), None)
        self._save()
        return f"Removed {path}." if found is not None else f"{path} was gone already."

    # --- the note ------------------------------------------------------------------------------------------

    def _read(self) -> Note:
        check_mine(self._folder)
        data = bytes_of(self._path, mine=True)
        if data is None:
            return Note()
        try:
            return msgspec.json.decode(data, type=Note)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise OperatorError(
                f"The note of what was done, {self._path}, cannot be read.",
                "Move it away; then what was done must be taken back by hand.",
            ) from error

    def _save(self) -> None:
        folder = private_folder(self._folder)
        try:
            write_private(folder, self._path, msgspec.json.encode(self._note))
        finally:
            os.close(folder)


def _put(step: FileStep, data: bytes, *, replace: bool) -> None:
    folder = os.open(step.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        write_private(folder, step.path, data, replace=replace, mode=step.mode)
    finally:
        os.close(folder)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
