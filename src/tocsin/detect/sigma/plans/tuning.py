"""How the planned evaluator works, never what it answers: every choice here gives the same matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tocsin.config import bounds

SearchKind = Literal["automaton", "plain"]
"""Aho and Corasick's automaton, or one literal after the other without any package (`literal_scan.py`)."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How values are searched and remembered, with the defaults that were measured to be best.

    Attributes:
        literals: How texts are searched for literals.
        hyperscan: Whether long values are searched by Hyperscan where it is installed.
        columns_from: The number of events of one shape from which they are judged by columns; 1 is always.
        cache_bytes: What remembered values and answers may take, roughly.
    """

    literals: SearchKind = "automaton"
    hyperscan: bool = True
    columns_from: int = 8
    cache_bytes: int = bounds.VALUE_CACHE_BYTES
