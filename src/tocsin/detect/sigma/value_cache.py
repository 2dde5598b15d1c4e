"""What is remembered of values seen before: bounded in bytes, the oldest forgotten one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any, Final

ENTRY_BYTES: Final = 320
"""A dict's and a queue's slot, the tuple between them, and a small set, roughly."""


class CachePool:
    """Many dicts that share one bound. Whoever adds to one of them says so here; nothing is ever dropped wholesale.

    Args:
        limit: Bytes that all of them may take, roughly.

    Attributes:
        held: Bytes that they take now, as counted.
        forgotten: Entries that had to go so far.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.forgotten = 0
        self._order: deque[tuple[dict[Any, Any], Hashable, int]] = deque()

    def added(self, cache: dict[Any, Any], key: Hashable, size: int) -> None:
        """Notes that `key` was put into `cache` and takes `size` bytes, and forgets the oldest entries over the limit."""
        size += ENTRY_BYTES
        self._order.append((cache, key, size))
        self.held += size
        while self.held > self.limit and len(self._order) > 1:
            oldest, name, freed = self._order.popleft()
            oldest.pop(name, None)
            self.held -= freed
            self.forgotten += 1
