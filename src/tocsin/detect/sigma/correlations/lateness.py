"""How far a live stream has come, in its events' own time: the watermark that correlations are advanced to.

1. Progress comes from events, never from a clock: the same events, replayed, give the same watermarks. (Every event
   carries when it was ingested; that was written down with it.)
2. An event proves that it is its own time, but never later than its ingest: nothing is read before it happened. So one
   clock that runs ahead, or an attacker who writes next year, makes no other event late.
3. The watermark is that progress less the lateness that was promised to sources. It never goes back.
4. An event whose time is more than 7 days before its ingest, or more than 10 minutes after it, counts at its ingest
   (`counted_at`; DESIGN section 3 "Time"). This is for live streams; the events of old files keep their times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tocsin.config import bounds
from tocsin.detect.sigma.correlations.records import NEVER
from tocsin.records.event import Event
from tocsin.records.instants import SECOND


def counted_at(time: int, ingest: int) -> int:
    """The instant at which a live event of `time`, ingested at `ingest`, counts in windows."""
    earliest = ingest - bounds.LIVE_PAST_SECONDS * SECOND
    return time if earliest <= time <= ingest + bounds.LIVE_AHEAD_SECONDS * SECOND else ingest


@dataclass(slots=True)
class Lateness:
    """Derives watermarks from events that come out of order.

    Attributes:
        seconds: How much later than the newest an event may come and still be judged; 0 or more.
        progress: The latest instant that an event proved (all that must be kept over a restart).
    """

    seconds: float
    progress: int = NEVER

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= bounds.CORRELATION_SECONDS:
            raise ValueError(f"a lateness of {self.seconds} s is not between 0 and ten years")

    def saw(self, events: Iterable[Event]) -> int:
        """Takes note of `events`, after they were judged; the watermark that holds now."""
        for event in events:
            reached = min(event.time, event.ingest)
            self.progress = max(self.progress, reached)
        return self.watermark

    @property
    def watermark(self) -> int:
        """No event before this instant is waited for any more; `NEVER` where none was seen."""
        return self.progress - round(self.seconds * SECOND) if self.progress > NEVER else NEVER
