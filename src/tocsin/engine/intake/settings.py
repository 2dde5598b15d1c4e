"""What the intake process is told when it is started, and what it tells; all of it plain data that pickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tocsin.config.service import Tls
from tocsin.engine.intake.counters import Counters
from tocsin.records.file_mark import FileMark
from tocsin.store.segment import Position


@dataclass(frozen=True, slots=True)
class Listening:
    """One listener; port 0 lets the system choose."""

    kind: Literal["http", "syslog-udp", "syslog-tcp"]
    host: str
    port: int
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Files to follow.

    Attributes:
        paths: Files, folders and patterns, absolute.
        formats: What the operator calls the format, by path of `paths`.
        marks: How far files were read, as of `IntakeSettings.committed`.
    """

    paths: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[FileMark, ...] = ()


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """All that intake needs to know.

    Attributes:
        folder: Of the write-ahead log; exists.
        committed: How far the log was judged.
        sealed: Number of the last segment that may be gone because it is sealed.
        tokens: Name → SHA-256 over the token's text, 32 bytes.
        clean: Whether the last intake said `Stopped`: then every answer was written, and a body that comes again is
            no repeat.
        files: What to follow.
        plants: Names of the plants whose readings are taken.
    """

    folder: Path
    committed: Position
    sealed: int
    listeners: tuple[Listening, ...]
    tokens: Mapping[str, bytes] = field(default_factory=dict)
    clean: bool = False
    files: Files = Files()
    plants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """The listeners listen: the port of each, in the order of the settings; and where the acknowledged log ends."""

    ports: tuple[int, ...]
    end: Position


@dataclass(frozen=True, slots=True)
class Told:
    """Something that an operator should know, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Counted:
    """The totals so far; once a second where they changed."""

    counters: Counters


@dataclass(frozen=True, slots=True)
class Stopped:
    """The process ends; all that was acknowledged stands in the log before `end`, and the answers were written."""

    counters: Counters
    end: Position


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot run: what is wrong, and what the operator can do."""

    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A `Change` holds from now on: the port of each listener, in the order of the settings."""

    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A `Change` cannot be made, and nothing of it holds; why, as a sentence or two."""

    why: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is to hold while the process runs, all of it or nothing; certificates are read again.

    Attributes:
        listeners: Where to listen. What listens already goes on, without a connection lost.
        tokens: As `IntakeSettings.tokens`.
        files: What to follow; `marks` as of `committed`.
        committed: How far the log was judged.
        plants: As `IntakeSettings.plants`.
    """

    listeners: tuple[Listening, ...]
    tokens: Mapping[str, bytes]
    files: Files
    committed: Position
    plants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rotate:
    """What the process is told while it runs: to leave the present segment of the log, so that it can be sealed."""


Report = Ready | Told | Counted | Stopped | Failed | Changed | Refused
