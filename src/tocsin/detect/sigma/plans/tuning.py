"""How the planned evaluator works, never what it answers: every choice here gives the same matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tocsin.config import bounds

LiteralKind = Literal["automaton", "plain"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Means, with the defaults that were measured to be best.

    Attributes:
        literals: How texts are searched for literals: by an Aho-Corasick automaton, or one by one without any package.
        hyperscan: Whether long values are searched by Hyperscan where it is installed.
        columns_from: The number of events of one shape from which they are judged by columns; 1 is always.
        cache_bytes: What remembered values and answers may take, roughly.
    """

    literals: LiteralKind = "automaton"
    hyperscan: bool = True
    columns_from: int = 8
    cache_bytes: int = bounds.VALUE_CACHE_BYTES
