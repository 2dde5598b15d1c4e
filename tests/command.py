"""The command line, called in this process as a user's shell would call it: what it printed, and its exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.hostile import json_lines

from tocsin.cli.main import EXIT_USAGE, tocsin
from tocsin.records.errors import TocsinError

JUDGE = """
title: Anything at all
id: 00000000-0000-4000-8000-000000000001
level: high
logsource: {{{logsource}}}
detection:
  any: {{no_such_field|exists: false}}
  condition: any
"""
"""A rule that fires on every event of a logsource."""


@dataclass(frozen=True)
class Done:
    """What a command did.

    Attributes:
        error: The sentences of the error that ended it, '' where none did.
    """

    code: int
    out: bytes
    error: str = ""

    @property
    def text(self) -> str:
        """Its output as text, strictly UTF-8."""
        return self.out.decode()

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The objects of its JSON lines, all or those of one kind."""
        return [one for one in json_lines(self.out) if kind in (None, one["kind"])]

    @property
    def summary(self) -> dict[str, Any]:
        """The last object."""
        return self.lines()[-1]

    @property
    def aside(self) -> list[dict[str, Any]]:
        """What was set aside; asserted to be as many as the summary counts, each with a source and a reason."""
        found = self.lines("set_aside")
        assert len(found) == self.summary["set_aside"]
        assert all(one["source"] and one["reason"].endswith(".") for one in found)
        return found


def call(*arguments: str | Path) -> Done:
    """Runs `tocsin` with `arguments`; an error of ours ends it as `main` would, any other one is raised."""
    result = CliRunner().invoke(tocsin, [str(one) for one in arguments])
    if isinstance(result.exception, TocsinError):
        return Done(EXIT_USAGE, result.stdout_bytes, str(result.exception))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout_bytes)


def scan(*paths: str | Path, more: tuple[str | Path, ...] = ()) -> Done:
    """`tocsin scan --json` without the starter rules, so that it is quick."""
    return call("scan", *paths, "--json", "--no-starter", *more)
