"""What it means to judge events by rules: the contract of the plain evaluator (the oracle) and of the planned one.

1. An event's answer depends on that event and the rules alone, not on its neighbours or on what was asked before.
2. The rules that match come in order of loading.
3. An expression that runs out of time (`bounds.REGEX_SECONDS`) says neither yes nor no: the rule is not among the
   answers, and after `bounds.REGEX_TIMEOUTS` such events it is asked no more, and named in `stopped`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tocsin.detect.sigma.ruleset import CompiledRule
from tocsin.records.event import Event

Matches = tuple[CompiledRule, ...]


class Evaluator(Protocol):
    """Answers which rules over single events match."""

    timeouts: dict[str, int]
    """Rule id → on how many events its expressions ran out of time."""

    def match(self, events: Sequence[Event]) -> Sequence[Matches]:
        """For each of `events`, in their order, the rules that match it."""


def stopped(timeouts: Mapping[str, int], limit: int) -> frozenset[str]:
    """The ids of the rules that ran out of time `limit` times or more."""
    return frozenset(rule for rule, count in timeouts.items() if count >= limit)
