"""Which readings of a source were delivered already: for each tag the newest. What is no newer is not delivered again.

So an export that overlaps the one before it, or a file that was written anew with the same rows, repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.config import bounds


class Seen:
    """The newest instant of each tag.

    Args:
        held: What `held` gave before; anything else is no mark of ours: ValueError.
    """

    def __init__(self, held: Any = None) -> None:
        self._newest: dict[str, int] = {}
        if not isinstance(held, Mapping | None):
            raise ValueError("it holds no instants")  # noqa: TRY004  of a file, not of a caller
        for instant, tags in (held or {}).items():
            self._newest |= dict.fromkeys(map(str, tags), int(instant))

    def is_new(self, tag: str, instant: int) -> bool:
        """Whether that reading is newer than any of that tag so far."""
        newest = self._newest.get(tag)
        return newest is None or instant > newest

    def newest(self, tag: str) -> int | None:
        """The newest instant of that tag; None where there is none."""
        return self._newest.get(tag)

    def note(self, tag: str, instant: int) -> None:
        """That reading is delivered. Tags beyond `bounds.HISTORIAN_TAGS` are forgotten, the first that came first."""
        if instant > self._newest.get(tag, instant - 1):
            self._newest[tag] = instant
            if len(self._newest) > bounds.HISTORIAN_TAGS * 2:
                del self._newest[next(iter(self._newest))]

    def held(self) -> dict[str, list[str]]:
        """All of it, tags by their newest instant: most tags of a plant share one."""
        found: dict[str, list[str]] = {}
        for tag, instant in self._newest.items():
            found.setdefault(str(instant), []).append(tag)
        return found
