"""Disjoint sets: what is linked to what, directly or through others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Sets:
    """Disjoint sets of places 0…n-1 (Tarjan's union-find, with path halving)."""

    def __init__(self, size: int) -> None:
        self._up = list(range(size))

    def _root(self, at: int) -> int:
        up = self._up
        while up[at] != at:
            up[at] = up[up[at]]
            at = up[at]
        return at

    def same(self, one: int, other: int) -> bool:
        """Whether both are in one set."""
        return self._root(one) == self._root(other)

    def join(self, one: int, other: int) -> None:
        """Makes their sets one."""
        low, high = sorted((self._root(one), self._root(other)))
        self._up[high] = low

    def gather(self, ordered: Sequence[T]) -> list[list[T]]:
        """The sets, as lists of what stands at those places in `ordered`, each set at the place of its first."""
        gathered: dict[int, list[T]] = defaultdict(list)
        for at, one in enumerate(ordered):
            gathered[self._root(at)].append(one)
        return list(gathered.values())
