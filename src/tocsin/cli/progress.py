"""A progress line on stderr, only where a person watches it."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar


class Progress:
    """A context manager: what is being done, how many events so far, for how long. Silent where stderr is no terminal."""

    def __init__(self, doing: str, *, quiet: bool = False) -> None:
        self._events = 0
        self._bar: Bar | None = None
        if sys.stderr.isatty() and not quiet:
            self._bar = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(doing, total=None)

    def describe(self, doing: str) -> None:
        """Says what is being done now; how much of it there is, nobody knows yet."""
        if self._bar is not None:
            self._bar.update(self._task, description=doing, total=None)

    def part(self, done: int, whole: int) -> None:
        """Says how much of what is being done is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=whole)

    def advance(self, events: int) -> None:
        """Counts `events` more."""
        self._events += events
        self.describe(f"reading the logs: {self._events:,} events")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
