"""Values that did not change are said again: many sources send changes only, and a model wants to know every tag.

As long as an OPC UA subscription lives, no change means: still the same (IEC 62541-4, 5.13.1). So it does while an MQTT source says that
it lives (`mqtt_standing.py`). A value is said again at the newest instant that any tag had before the present message, by the source's own
clock: so a source that lags is not made to look ahead of itself. To all that judges it is a reading like any other: a tag that is said
again much longer than it ever stood still on normal operation counts as stuck.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tocsin.engine.plant.collectors.interface import Reading


def _always(_: Reading) -> bool:
    return True


class Held:
    """The last reading of every tag.

    Args:
        every: Microseconds between two times at which all is said again; 0 for never.
        most: Tags that are held at most; None where the source bounds them.
    """

    def __init__(self, every: int, most: int | None = None) -> None:
        self._every, self._most = every, most
        self._last: dict[str, Reading] = {}
        self._newest = self._due = 0

    def again(
        self, came: Sequence[Reading], now: int | None = None, stands: Callable[[Reading], bool] = _always
    ) -> list[Reading]:
        """What is said again before `came` is handed on; each tag at most once, all at one instant.

        Args:
            came: What comes.
            now: The present instant, for sources of many clocks: no tag counts as newer. None for one that is trusted.
            stands: Whether a reading still holds at its tag's newest instant.
        """
        if now is not None and now < self._newest:
            self._set_back(now)
        said: list[Reading] = []
        at = self._newest
        if self.due:
            changed = {one.tag for one in came}
            if self._due:
                said = [
                    Reading(tag, at, one.value)
                    for tag, one in self._last.items()
                    if one.instant < at and tag not in changed and stands(one)
                ]
            self._due = at + self._every
        for one in came:
            self._take(one if now is None or one.instant <= now else one._replace(instant=now))
        return said

    def drop(self, tag: str) -> None:
        """Says `tag` no more, until it comes again: then whatever time it says."""
        self._last.pop(tag, None)

    def forget(self, gone: Callable[[str], bool]) -> None:
        """Says tags that are `gone` no more, until they come again."""
        self._last = {tag: one for tag, one in self._last.items() if not gone(tag)}

    @property
    def due(self) -> bool:
        """Whether `again` would say all again, whatever comes next."""
        return bool(self._every and self._newest) and self._newest >= self._due

    @property
    def newest(self) -> int:
        """The newest instant that any tag had a value at; 0 before the first."""
        return self._newest

    def holds(self, tag: str) -> bool:
        """Whether `tag` may be said again."""
        return tag in self._last

    def _set_back(self, now: int) -> None:
        """Our clock was set back to `now`: nothing is of later."""
        self._newest, self._due = now, min(self._due, now)
        for tag, one in self._last.items():
            if one.instant > now:
                self._last[tag] = one._replace(instant=now)

    def _take(self, one: Reading) -> None:
        if one.value is not None:  # a death is told at our time, which may be far ahead of the source's
            self._newest = max(self._newest, one.instant)
        before = self._last.get(one.tag)
        if before is None and self._most is not None and len(self._last) >= self._most:
            return
        if before is None or before.instant <= one.instant:
            self._last[one.tag] = one
