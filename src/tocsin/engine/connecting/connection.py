"""The nouns of `tocsin connect`: a source's `Connection`, its steps, and how a test event of it is sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARK: Final = "Written by `tocsin connect`"
"""Stands in every file that is written, so that whoever finds it knows where it came from and how to be rid of it."""

TOKEN: Final = "TOKEN-MADE-BY-APPLY"  # noqa: S105  a place for one
"""Stands where a token will be: a `TokenStep` before it makes the token when the connection is applied."""


@dataclass(frozen=True, slots=True)
class SettingsStep:
    """Lines that `tocsin.toml` needs. They are shown, never written: that file is the operator's.

    Attributes:
        lines: TOML, as it is to stand there.
        there: Whether the file says so already.
        restart: Whether the service takes it up only at its next start; else a reload does.
        instead: The key that stands there already with another value, so that its line is to be changed; else "".
    """

    lines: str
    there: bool
    restart: bool = True
    instead: str = ""


@dataclass(frozen=True, slots=True)
class TokenStep:
    """A token for a sender; made when applied, put where `TOKEN` stands in the steps that follow, removed by undo."""

    name: str


@dataclass(frozen=True, slots=True)
class FileStep:
    """A file to write.

    Attributes:
        path: Where, absolute.
        text: All of it; `MARK` stands in it.
        why: What it does, a sentence.
        mode: Its rights.
        local: Whether it belongs on this host; else it is shown, to be carried to another.
    """

    path: Path
    text: str
    why: str
    mode: int = 0o644
    local: bool = True


@dataclass(frozen=True, slots=True)
class CommandStep:
    """A command to run.

    Attributes:
        argv: Program and arguments; no shell.
        why: What it does, a sentence.
        root: Whether only root may.
        after_undo: Whether it is also run once the files are gone, such as a restart.
        undo: What takes it back; empty where nothing is to be taken back.
        local: As for a file.
        checks: Whether it only looks, so that nothing goes on where it fails; files are taken back then.
    """

    argv: tuple[str, ...]
    why: str
    root: bool = False
    after_undo: bool = False
    undo: tuple[str, ...] = ()
    local: bool = True
    checks: bool = False


@dataclass(frozen=True, slots=True)
class WordsStep:
    """Something that a person does at a device, in words."""

    text: str


Step = SettingsStep | TokenStep | FileStep | CommandStep | WordsStep


@dataclass(frozen=True, slots=True)
class Sought:
    """The event that is waited for; what is not "" must hold.

    Attributes:
        nonce: A text in it.
        peer: The address that it came from.
    """

    nonce: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A test event.

    Attributes:
        sought: How it is known when it comes.
        words: What happens or is to be done, a sentence that holds the nonce where there is one.
        send: Sends it; None where a person must. OperatorError where it cannot be sent.
        seconds: How long to wait for it.
        clean: Takes back what sending left behind; None where that is nothing.
    """

    sought: Sought
    words: str
    send: Callable[[], None] | None
    seconds: float
    clean: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A source to be connected.

    Attributes:
        name: What its record of applied steps is called: letters, digits, dots, dashes.
        gives: What Tocsin sees with it, a sentence.
        steps: What is to be done, in order.
        trial: How it is proven to work.
        checks: What to look at where the test event does not come, beside what holds for all sources; sentences.
        first: What is seen to work before `trial`, where that says more about what is wrong.
    """

    name: str
    gives: str
    steps: tuple[Step, ...]
    trial: Trial
    checks: tuple[str, ...] = ()
    first: Trial | None = None


def new_nonce() -> str:
    """A word that no other event holds: `tocsin-test-` and 20 hexadecimal digits."""
    return f"tocsin-test-{secrets.token_hex(10)}"
