"""What every collector is: it asks a historian, a broker or a database for readings, and hands them on.

Rules:

1. A collector only reads. It writes nothing to its source, sends no command, and never connects to a controller.
2. It stands below nothing: whatever it waits for holds up no other source, and no judging.
3. Readings are handed on in the order in which they came, and count as read once `deliver` returned: then they are on
   the disk. What was handed on and not stored is read again from the mark.
4. A source that cannot be reached is told (`SourceLost`), and tried again later; one that must not be read is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Reading(NamedTuple):
    """What one tag showed at one instant.

    Attributes:
        tag: Its name, as the plant's model knows it.
        instant: When it was read, by the source's own clock; microseconds since 1970.
        value: What was read; None where the source says that it has no good value.
    """

    tag: str
    instant: int
    value: float | str | None


class SourceLost(Exception):  # noqa: N818  it is no programming error: sources come and go
    """A source cannot be reached or answers no more: in a sentence why. It is tried again."""


class Deliver(Protocol):
    """Where readings go."""

    async def __call__(self, readings: Sequence[Reading], mark: str = "") -> None:
        """Returns once `readings` are stored, however long that takes.

        Args:
            readings: Of any tags and instants.
            mark: From where reading goes on after a restart, in the collector's own words; "" leaves it where it is.
        """


class Collector(Protocol):
    """Reads one source."""

    async def read(self, deliver: Deliver, mark: str) -> None:
        """Reads from `mark` on ("": from now, or from where the settings say), until it is cancelled.

        Raises:
            SourceLost: the source cannot be reached; whoever runs this calls it again.
            OperatorError: the settings are wrong, or the source must not be read; it is not tried again.
        """
