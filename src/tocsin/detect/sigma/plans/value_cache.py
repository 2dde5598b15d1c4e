"""What is remembered of values seen before: bounded in bytes, the oldest forgotten one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from typing import Any, Final

ENTRY_BYTES: Final = 320
"""A dict's and a queue's slot, the tuple between them, and a small set, roughly."""


class CachePool:
    """Many dicts that share one bound. Whoever adds to one of them says so here; nothing is ever dropped wholesale.

    Args:
        limit: Bytes that all of them may take, roughly.

    Attributes:
        held: Bytes that they take now, as counted.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._order: deque[tuple[dict[Any, Any], Sequence[Hashable], int]] = deque()

    def added(self, cache: dict[Any, Any], keys: Sequence[Hashable], size: int) -> None:
        """Notes that `keys` were put into `cache` and take `size` bytes, and forgets what is oldest over the limit."""
        size += ENTRY_BYTES * len(keys)
        self._order.append((cache, keys, size))
        self.held += size
        while self.held > self.limit and len(self._order) > 1:
            oldest, names, freed = self._order.popleft()
            for name in names:
                oldest.pop(name, None)
            self.held -= freed
