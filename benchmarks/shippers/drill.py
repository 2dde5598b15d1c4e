"""One way of sending, drilled: numbered records through restarts of the service, then the store is read and counted."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread

from benchmarks.running import Site, new_site, started
from tocsin.engine.serving import reads
from tocsin.sources.listened.received import ReceivedOptions
from tocsin.store.store import Store

DOWN_SECONDS = 1.0
"""How long the service is away at each restart, beside the time that it needs to start."""

QUIET_SECONDS = 10.0
"""Once nothing new came for so long, nothing more is waited for; every sender here tries again sooner."""

_NUMBER = re.compile(r"\bno=(\d+)\b")


class Feed:
    """The records, at a steady pace: `no=17 ...`, numbered from 0.

    Args:
        count: How many.
        rate: A second, at most.
    """

    def __init__(self, count: int, rate: float) -> None:
        self.count, self._rate = count, rate
        self.given = 0

    def __iter__(self) -> Iterator[str]:
        began = time.monotonic()
        for number in range(self.count):
            wait = began + number / self._rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.given = number + 1
            yield f"no={number} session opened for user {number % 97} by (uid=0)"


@dataclass(frozen=True)
class Way:
    """A way of sending.

    Attributes:
        name: For people.
        send: Sends all of the feed to the site; comes back once its sender believes that it is done, or can do no more.
        missing: Why it cannot be had here; "" where it can.
        waits: Whether the sender goes on by itself once `send` handed it all: then the store tells when it is done.
        done: Ends what `send` left running.
    """

    name: str
    send: Callable[[Site, Feed], None]
    missing: str = ""
    waits: bool = False
    done: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Result:
    """What became of the records.

    Attributes:
        lost: Numbers that the store does not have.
        repeated: Records in the store beyond the first of each number.
    """

    name: str
    records: int
    restarts: int
    lost: int
    repeated: int
    seconds: float

    def line(self) -> dict[str, object]:
        """As a JSON line."""
        return {"kind": "shipper", **asdict(self), "seconds": round(self.seconds, 1)}


def drilled(
    way: Way, folder: Path, records: int, restarts: int, rate: float, down: float = DOWN_SECONDS
) -> Result:
    """Sends `records` by `way` through `restarts`: with SIGTERM first, then with SIGKILL, and so on in turn."""
    site, feed = new_site(folder), Feed(records, rate)
    service = _Restarted(site, feed, restarts, down)
    began = time.monotonic()
    service.start()
    try:
        way.send(site, feed)
        service.join()
        if way.waits:
            _settled(site, records)
    finally:
        way.done()
        service.join()
        service.running.stop()
    if service.failed is not None:
        raise service.failed
    seen = stored(site)
    return Result(
        way.name, records, restarts, records - len(seen), seen.total() - len(seen), time.monotonic() - began
    )


class _Restarted(Thread):
    """The service, restarted each time that another part of the feed was given."""

    def __init__(self, site: Site, feed: Feed, times: int, down: float) -> None:
        super().__init__()
        self._site, self._feed, self._times, self._down = site, feed, times, down
        self.running = started(site)
        self.failed: Exception | None = None

    def run(self) -> None:
        try:
            for turn in range(self._times):
                while self._feed.given < self._feed.count * (turn + 1) / (self._times + 1):
                    time.sleep(0.005)
                (self.running.kill if turn % 2 else self.running.stop)()
                time.sleep(self._down)
                self.running = started(self._site)
        except Exception as error:  # noqa: BLE001  told by the thread that waits
            self.failed = error


def stored(site: Site) -> Counter[int]:
    """How often each number is in the store."""
    with Store.read_only(site.data, reads(ReceivedOptions())) as store:
        events = store.events_between(-(2**62), 2**62)
        return Counter(int(found[1]) for event in events if (found := _NUMBER.search(event.raw)))


def _settled(site: Site, records: int) -> None:
    """Waits until all is stored, or nothing new comes."""
    count, since = -1, time.monotonic()
    while count < records and time.monotonic() - since < QUIET_SECONDS:
        time.sleep(1)
        now = len(stored(site))
        if now != count:
            count, since = now, time.monotonic()
