"""A progress line on stderr, only where a person watches it."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress:
    """A context manager: what is being done, how many events so far, for how long. Silent where stderr is no terminal."""

    def __init__(self, doing: str, *, quiet: bool = False) -> None:
        self._events = 0
        self._bar: Bar | None = None
        if sys.stderr.isatty() and not quiet:
            self._bar = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(doing, total=None)

    def describe(self, doing: str) -> None:
        """Says what is being done now."""
        if self._bar is not None:
            self._bar.update(self._task, description=doing)

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
