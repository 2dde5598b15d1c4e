"""Which values of an MQTT source still stand, so that they may be said again (`held.py`).

Devices often publish a value only when it changes. Nobody says then that it is still the same, so a value stands no longer than:

1. the connection over which it came, and the next one where the broker kept our session and what came meanwhile: a value that
   came at quality of service 0 may have changed unheard;
2. its Sparkplug node and device live: both were heard to be born, and neither to die. One without a good value (null, stale) does not stand;
3. `repeat-most-seconds` after its own instant, in whatever format.

What stands is what was said last, not what has the newest time: clocks are set back. But history that a node sends late is no news; what the
broker may have sent before, and JSON that says its own time, count by their time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tocsin.config import bounds
from tocsin.config.plant_source_mqtt import Mqtt
from tocsin.engine.plant.collectors.held import Held
from tocsin.engine.plant.collectors.interface import Reading
from tocsin.records.instants import SECOND

Place = tuple[str, str, str]
"""Group, node and device of Sparkplug; "" for a node's own."""


class Came(NamedTuple):
    """A reading, and whose; None where nobody says whether that one lives.

    Attributes:
        current: Whether it may stand: history that is sent late may not.
        latest: Whether it takes the place of what stood whatever time it says, as clocks are set back; else where it is not older.
    """

    reading: Reading
    place: Place | None
    current: bool = True
    latest: bool = False


class Standing:
    """The last value of every tag of one source, at most `bounds.HISTORIAN_TAGS` of them.

    Args:
        broker: The source.
        alive: Whether a node (device "") or device lives.

    Attributes:
        full: Whether there are more: further ones are never said again.
    """

    def __init__(self, broker: Mqtt, alive: Callable[[str, str, str], bool]) -> None:
        self._alive = alive
        self._most = broker.repeat_most_seconds * SECOND
        self._every = broker.repeat_seconds * SECOND
        self._held = Held(self._every, bounds.HISTORIAN_TAGS)
        self._places: dict[str, Place | None] = {}
        self._unsure: set[str] = set()
        self.full = False

    def connected(self, *, resumed: bool) -> None:
        """There is a new connection; `resumed`: with all that came meanwhile at quality of service 1."""
        if resumed:
            self._held.forget(self._unsure.__contains__)
            self._places = {tag: place for tag, place in self._places.items() if tag not in self._unsure}
        else:
            self._held, self._places = Held(self._every, bounds.HISTORIAN_TAGS), {}
        self._unsure.clear()

    @property
    def within(self) -> float | None:
        """Seconds within which `again` is to be asked, though nothing comes; None for never."""
        return min(self._every / SECOND, bounds.MQTT_QUIET_SECONDS) if self._held.due else None

    def again(self, came: Sequence[Came], now: int, *, sure: bool) -> list[Reading]:
        """What is said again before `came`, which one message showed, is handed on.

        Args:
            came: What it showed.
            now: The present instant: a device's clock that is ahead moves no other tag.
            sure: Whether it came at quality of service 1.
        """
        if not self._every:
            return []
        current = [one for one in came if one.current]
        for one in current:
            if one.latest:
                self._held.drop(one.reading.tag)
        said = self._held.again([one.reading for one in current], now, self._stands)
        for (tag, *_), place, *_ in current:
            self.full = self.full or not self._held.holds(tag)
            if self._held.holds(tag):
                self._places[tag] = place
                (self._unsure.discard if sure else self._unsure.add)(tag)
        return said

    def _stands(self, one: Reading) -> bool:
        if one.value is None or self._held.newest - one.instant > self._most:
            return False
        place = self._places.get(one.tag)
        if place is None:
            return True
        group, node, device = place
        return self._alive(group, node, "") and self._alive(group, node, device)
