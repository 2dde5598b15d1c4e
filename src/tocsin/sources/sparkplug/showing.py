"""What the metrics of a payload show, by the names and types of a birth."""

from __future__ import annotations

from typing import Final, NamedTuple

from tocsin.sources.mqtt.values import Value
from tocsin.sources.sparkplug.node import NO_TAGS, Born, Node
from tocsin.sources.sparkplug.payload import READABLE, Metric, Payload
from tocsin.sources.sparkplug.telling import Telling
from tocsin.sources.sparkplug.topic import Topic

_LATEST_MS: Final = 253_402_300_799_999  # the end of 9999


class Shown(NamedTuple):
    """What a metric showed.

    Attributes:
        group: The group of its node.
        node: Its node.
        device: Its device; "" where it is the node's own.
        metric: Its name.
        instant: Microseconds since 1970. A birth says what is so when it is sent, whenever its values changed last.
        value: None where it has no good one.
        current: Whether it is news: no history that is sent late, and not of a birth of before.
    """

    group: str
    node: str
    device: str
    metric: str
    instant: int
    value: Value
    current: bool = True


class Showing:
    """Makes readings of metrics; what cannot be one is counted and told.

    Args:
        telling: Who counts and tells.
    """

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    def shown(
        self, said: Topic, node: Node, payload: Payload, now: int, *, birth: Born | None = None
    ) -> list[Shown]:
        """What `payload` shows, in its order.

        Args:
            said: Who speaks.
            node: What is known of it.
            payload: What it says.
            now: The instant of what says no time.
            birth: What it names, where it is a birth itself.

        Raises:
            Unreadable: a value is of another type than the birth said.
        """
        born = birth or node.devices.get(said.device, _NOTHING)
        found: list[Shown] = []
        for metric in payload.metrics:
            name = self._name(said, node, born, metric) if birth is None else metric.name
            if not name or name.startswith(NO_TAGS) or (birth is not None and name not in born.types):
                continue
            kind = born.types.get(name, metric.datatype)
            if kind not in READABLE:
                self._telling.counts["metrics of other types"] += 1
                continue
            value = metric.value(kind)
            self._telling.counts["historical"] += metric.historical
            at = metric.timestamp if metric.timestamp is not None else payload.timestamp
            if birth is not None and not metric.historical:
                at = max(at or 0, payload.timestamp or 0)
            place = said.group, said.node, said.device, name
            found.append(Shown(*place, instant_of(at, now), value, not metric.historical))
        return found

    def _name(self, said: Topic, node: Node, born: Born, metric: Metric) -> str:
        if metric.alias is None or metric.name:
            if metric.name and (metric.datatype or metric.name in born.types):
                return metric.name
        elif metric.alias in born.aliases:
            return born.aliases[metric.alias]
        self._telling.counts["metrics without a birth"] += 1
        self._telling.once(
            "unnamed",
            node,
            said,
            "sends data that its birth did not name, or was not heard to be born: this is left out until it is born again."
            " Ask for a rebirth at the node or its host; Tocsin sends no command",
        )
        return ""


def instant_of(timestamp: int | None, now: int) -> int:
    """Microseconds of a time in milliseconds; `now` where there is none, or none that a clock shows."""
    return timestamp * 1_000 if timestamp is not None and 0 < timestamp <= _LATEST_MS else now


_NOTHING: Final = Born()
