"""Steps of a connection: done once, never over a file that is not ours, and taken back exactly."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tocsin.engine.connecting.applying import Applied, Hands
from tocsin.engine.connecting.connection import (
    MARK,
    TOKEN,
    CommandStep,
    Connection,
    FileStep,
    Sought,
    Step,
    TokenStep,
    Trial,
)
from tocsin.records.errors import OperatorError

OURS = f"# {MARK} x\n"


@dataclass
class Tokens:
    """Tokens that are made, by name, and how often a reload was asked for."""

    made: dict[str, str] = field(default_factory=dict)
    count: int = 0
    reloads: int = 0

    def make(self, name: str) -> str:
        if name in self.made:
            raise OperatorError(f"There is a token {name} already.", "Remove it.")
        self.count += 1
        self.made[name] = f"secret-{self.count}"
        return self.made[name]

    def remove(self, name: str) -> None:
        if name not in self.made:
            raise OperatorError(f"There is no token {name}.", "See.")
        del self.made[name]

    def reload(self) -> None:
        self.reloads += 1


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def applied(tmp_path: Path, tokens: Tokens) -> Callable[[], Applied]:
    """Reads the note anew, as each run does."""
    (tmp_path / "data").mkdir()
    hands = Hands(tokens.make, tokens.remove, tokens.reload)
    return lambda: Applied(tmp_path / "data", "x", hands)


def plan(*steps: Step) -> Connection:
    return Connection("x", "Something.", steps, Trial(Sought("n"), "", None, 1))


def done(applied: Applied, *steps: Step) -> list[str]:
    return [outcome.state for outcome in applied.apply(plan(*steps))]


def test_a_file_is_written_once_and_taken_back(tmp_path: Path, applied: Callable[[], Applied]) -> None:
    path = tmp_path / "60-x.conf"
    step = FileStep(path, OURS, "Why.", 0o640)
    assert done(applied(), step) == ["done"]
    assert (path.read_text(), path.stat().st_mode & 0o777) == (OURS, 0o640)
    assert done(applied(), step) == ["there"]
    assert done(applied(), FileStep(path, OURS + "more\n", "Why.")) == ["done"], "ours is replaced"
    assert list(applied().undo()) == [f"Removed {path}."]
    assert not path.exists()
    assert not applied().anything


@pytest.mark.parametrize("kind", ["other", "link", "dangling", "fifo", "folder", "ours once, then changed"])
def test_what_is_not_ours_is_neither_replaced_nor_removed(
    tmp_path: Path, applied: Callable[[], Applied], kind: str
) -> None:
    path, other = tmp_path / "60-x.conf", tmp_path / "other"
    other.write_text("somebody else's\n")
    match kind:
        case "other":
            path.write_text("somebody else's\n")
        case "link":
            path.symlink_to(other)
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            assert done(applied(), FileStep(path, OURS, "Why.")) == ["done"]
            path.write_text("changed\n")
            assert "was changed since" in next(iter(applied().undo()))
            assert path.read_text() == "changed\n"
    with pytest.raises(OperatorError):
        done(applied(), FileStep(path, OURS + "new\n", "Why."))
    assert other.read_text() == "somebody else's\n"
    assert os.path.lexists(path)
    assert not (tmp_path / "nowhere").exists()


def test_a_look_that_fails_puts_everything_back(tmp_path: Path, applied: Callable[[], Applied]) -> None:
    old, new = tmp_path / "old.conf", tmp_path / "new.conf"
    assert done(applied(), FileStep(old, OURS, "Why.")) == ["done"]
    look = CommandStep(("sh", "-c", "echo it is wrong >&2; exit 1"), "Looks.", checks=True)
    with pytest.raises(OperatorError, match="it is wrong"):
        done(applied(), FileStep(old, OURS + "2\n", "Why."), FileStep(new, OURS, "Why."), look)
    assert old.read_text() == OURS
    assert not new.exists()
    assert list(applied().undo()) == [f"Removed {old}."]


def test_a_run_that_was_cut_short_is_taken_back_too(tmp_path: Path, applied: Callable[[], Applied]) -> None:
    path, ran = tmp_path / "60-x.conf", tmp_path / "ran"
    steps = (
        FileStep(path, OURS, "Why."),
        CommandStep(("true",), "Begins.", undo=("touch", str(ran))),
        CommandStep(("no-such-program",), "Breaks."),
    )
    outcomes = applied().apply(plan(*steps))
    assert [next(outcomes).state, next(outcomes).state] == ["done", "done"]
    del outcomes  # as a kill would: nobody is there to put things back
    assert list(applied().undo()) == [f"Ran: touch {ran}", f"Removed {path}."]
    assert ran.exists()


def test_a_token_is_made_once_and_stands_in_the_files(
    tmp_path: Path, applied: Callable[[], Applied], tokens: Tokens
) -> None:
    path = tmp_path / "sender.conf"
    steps = (TokenStep("ws-1"), FileStep(path, f"{OURS}token={TOKEN}\n", "Why.", 0o600))
    assert done(applied(), *steps) == ["done", "done"]
    assert path.read_text() == f"{OURS}token=secret-1\n"
    assert done(applied(), *steps) == ["there", "there"]
    assert (tokens.count, tokens.reloads) == (1, 1)
    path.unlink()
    assert done(applied(), *steps) == ["done", "done"], "its text is kept nowhere, so another one is made"
    assert tokens.made == {"ws-1": "secret-2"}
    assert "secret" not in (tmp_path / "data" / "connected" / "x.json").read_text()
    assert list(applied().undo()) == ["Removed the token ws-1.", f"Removed {path}."]
    assert tokens.made == {}


def test_a_program_that_does_not_end_is_ended(
    applied: Callable[[], Applied], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.config.bounds.CONNECT_COMMAND_SECONDS", 0.2)
    with pytest.raises(OperatorError, match="it did not end"):
        done(applied(), CommandStep(("sleep", "60"), "Waits."))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
@pytest.mark.parametrize("kind", ["folder", "note", "link", "open to others"])
def test_root_does_nothing_that_another_user_noted(
    tmp_path: Path, applied: Callable[[], Applied], kind: str
) -> None:
    """The service's own user may write to its data folder, and so could have written anything there."""
    ran, kept = tmp_path / "ran", tmp_path / "kept"
    kept.write_text(OURS)
    assert done(applied(), CommandStep(("true",), "Begins.", undo=("touch", str(ran)))) == ["done"]
    assert done(applied(), FileStep(kept, OURS, "Why.")) == ["there"]
    folder = tmp_path / "data" / "connected"
    match kind:
        case "folder":
            os.chown(folder, 65534, 65534)
        case "note":
            os.chown(folder / "x.json", 65534, 65534)
        case "link":
            folder.rename(tmp_path / "elsewhere")
            folder.symlink_to(tmp_path / "elsewhere")
        case _:
            folder.chmod(0o777)
    with pytest.raises(OperatorError):
        list(applied().undo())
    assert not ran.exists()
    assert kept.exists()


def test_a_broken_note_is_told(tmp_path: Path, applied: Callable[[], Applied]) -> None:
    assert done(applied(), FileStep(tmp_path / "f", OURS, "Why.")) == ["done"]
    (tmp_path / "data" / "connected" / "x.json").write_bytes(b"[" * 100_000)
    with pytest.raises(OperatorError, match="cannot be read"):
        applied()


def as_nobody(work: Callable[[], list[str]]) -> str:
    """What `work` gives in a process of a user without rights, a line each."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            said = work()
        except BaseException as error:  # noqa: BLE001  the child must not go on as pytest
            said = [repr(error)]
        os.write(writing, "\n".join(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_what_needs_root_is_shown_as_a_command() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "root").mkdir(mode=0o755)
        (folder / "data").mkdir()
        os.chown(folder / "data", 65534, 65534)
        path = folder / "root" / "60-x.conf"
        steps = (
            FileStep(path, OURS, "Why."),
            CommandStep(("systemctl", "restart", "x"), "Why.", root=True, after_undo=True),
        )
        nobody = Hands(str, print, list)

        def work() -> list[str]:
            outcomes = Applied(folder / "data", "x", nobody).apply(plan(*steps))
            return [f"{one.state}: {one.sudo}" for one in outcomes]

        assert as_nobody(work).splitlines() == [
            f"by hand: sudo install -m 0644 {folder}/data/connected/60-x.conf {path}",
            "by hand: sudo systemctl restart x",
        ]
        assert (folder / "data" / "connected" / "60-x.conf").read_text() == OURS
        assert not path.exists()
        path.write_text(OURS)  # as the command does
        undo = as_nobody(lambda: list(Applied(folder / "data", "x", nobody).undo()))
        assert undo == f"Run: sudo rm {path}; then run this again."
        path.unlink()
        undo = as_nobody(lambda: list(Applied(folder / "data", "x", nobody).undo()))
        assert undo == f"{path} was gone already.\nRun: sudo systemctl restart x"
