"""Commands, and the CPU time that they and their children took."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class FailedError(Exception):
    """A command ended with an error; the text has the end of what it said."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended well: CPU seconds (children that it waited for included), and what it wrote."""

    seconds: float
    output: str
    errors: str


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Done:
    """Runs `command` in `folder`.

    Raises:
        FailedError: its exit code was not 0.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=errors, env={**os.environ, **(environment or {})}
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        done = Done(
            usage.ru_utime + usage.ru_stime, output.read().decode(), errors.read().decode("utf-8", "replace")
        )
    if process.returncode != 0:
        raise FailedError(
            f"{command[0]} ended with {process.returncode}: {(done.errors or done.output)[-500:]}"
        )
    return done
