"""Values that did not change are said again: an OPC UA server sends changes only, and a model wants to know every tag.

As long as a subscription lives, no change means: still the same (IEC 62541-4, 5.13.1). A value is said again at the newest instant that any
tag had before the present message, by the source's own clock: so a source that lags is not made to look ahead of itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.engine.plant.collectors.interface import Reading


class Held:
    """The last reading of every tag.

    Args:
        every: Microseconds between two times at which all is said again; 0 for never.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._last: dict[str, Reading] = {}
        self._newest = self._due = 0

    def again(self, came: Sequence[Reading]) -> list[Reading]:
        """What is said again before `came` is handed on; each tag at most once, all at one instant."""
        said: list[Reading] = []
        at = self._newest
        if self._every and at and at >= self._due:
            changed = {one.tag for one in came}
            if self._due:
                said = [
                    Reading(tag, at, one.value)
                    for tag, one in self._last.items()
                    if one.instant < at and tag not in changed
                ]
            self._due = at + self._every
        for one in came:
            before = self._last.get(one.tag)
            if before is None or before.instant <= one.instant:
                self._last[one.tag] = one
        self._newest = max([at, *(one.instant for one in came)])
        return said
