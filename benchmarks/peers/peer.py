"""What every engine of the comparison is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from benchmarks.peers.workload import Workload

Hits = Mapping[str, frozenset[int]]
"""Rule id → the rows of the events that match it; rules without a hit may be left out."""


class CannotExpressError(Exception):
    """The engine has no way to say what the rule asks; the text says which part."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run over a workload; times are CPU seconds.

    Attributes:
        hits: What matched.
        matching: From events and rules that are ready in the engine's own form to hits; None where an engine cannot be
            asked for that alone.
        reading: From JSON lines to events that are ready.
        start: Start-up and compiling of the rules, which are in neither.
    """

    hits: Hits
    matching: float | None
    reading: float
    start: float


class Peer(Protocol):
    """An engine."""

    name: str

    def unavailable(self) -> str | None:
        """Why it cannot run here; None where it can."""

    def version(self) -> str:
        """As it calls itself."""

    def refused(self, workload: Workload) -> Mapping[str, str]:
        """Rule id → why the engine cannot take the rule."""

    def run(self, workload: Workload) -> Run:
        """Judges every event by every rule."""
