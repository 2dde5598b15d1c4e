"""How long Tocsin listened: a clock that the log's own stamps drive, and that stands still while nobody listened.

The log holds an instant with each body that was taken in, and one at least each `bounds.QUIET_SECONDS`. Two stamps that
are further apart, or that go back, mean that Tocsin was down or that the clock jumped: that time was not listened to.
"""

from __future__ import annotations

import msgspec

from tocsin.config import bounds


class Listening(msgspec.Struct):
    """The clock.

    Attributes:
        listened: Microseconds listened so far.
        stamp: The log's last instant; 0 before the first.
        resumed: `listened` when listening last began again.
        away: From and until which instant it did not listen, the last such times.
        turned_back: Whether the last stamp went back by more than stamps that overtake each other do.
    """

    listened: int = 0
    stamp: int = 0
    resumed: int = 0
    away: list[tuple[int, int]] = []
    turned_back: bool = False

    def reach(self, stamp: int, apart: int) -> None:
        """Takes note of the log's next instant; stamps within `apart` microseconds follow each other."""
        passed = stamp - self.stamp
        self.turned_back = False
        if self.stamp and 0 <= passed <= apart:
            self.listened += passed
        elif self.stamp and -apart <= passed < 0:
            return  # two senders' bodies, written in another order than they came
        elif self.stamp:
            away = [*self.away, (self.stamp, stamp)][-bounds.EXPECTED_GAPS :]
            self.away = [(begun, min(ended, stamp)) for begun, ended in away if begun < stamp]
            self.resumed = self.listened
            self.turned_back = passed < 0
        self.stamp = stamp

    def was_away(self, start: int, end: int) -> bool:
        """Whether some of the time between two instants was not listened to."""
        return any(begun < end and ended > start for begun, ended in self.away)
